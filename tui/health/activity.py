"""How often an instance starts, and since when the hub has it: what a row of the dashboard says beside the verdict."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tui.connector.model import LogReport, Role
from tui.health.observation import Observation

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_ZONES = timedelta(minutes=15)
_NEAR = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Activity:
    """What an instance did lately. Times are UTC by the host's clock; None where nothing tells them.

    `restarts`: role → starts within the last hour that the log or the service manager counted. `connected_since`: the
    `Agent accepted` after which nothing was lost. `reconnects`: how often it was accepted anew within the last day without
    a start in between.
    """

    restarts: Mapping[str, int] = field(default_factory=dict)
    connected_since: datetime | None = None
    last_accepted: datetime | None = None
    reconnects: int = 0


@dataclass(slots=True)
class RestartCount:
    """The automatic restarts of one service, as its manager counts them, over the last hour."""

    readings: deque[tuple[datetime, int]] = field(default_factory=deque)

    def add(self, at: datetime, count: int | None) -> None:
        """Take in a reading; a smaller one is a service that was started by hand, which counts from nought."""
        if count is None:
            return
        if self.readings and count < self.readings[-1][1]:
            self.readings.clear()
        if not self.readings or count != self.readings[-1][1]:
            self.readings.append((at, count))
        while len(self.readings) > 1 and self.readings[1][0] <= at - HOUR:
            self.readings.popleft()

    @property
    def known(self) -> bool:
        """Whether the manager counts at all."""
        return bool(self.readings)

    @property
    def within_hour(self) -> int:
        """Restarts since the oldest reading that counts."""
        return self.readings[-1][1] - self.readings[0][1] if self.readings else 0


def activity(observation: Observation, counts: Mapping[str, RestartCount]) -> Activity:
    """What one look, and the counts of those before it, say of an instance."""
    log = observation.log
    offset = _offset(observation)
    restarts = {role: count.within_hour for role, count in counts.items() if count.known}
    if log is None:
        return Activity(restarts)
    now = _host_now(observation, offset)
    begun = [event.at for event in log.events if event.kind == "start" and event.at is not None]
    if now is not None:
        recent = sum(now - HOUR <= at <= now for at in begun)
        restarts["connector"] = max(recent, restarts.get("connector", 0))
    since = _connected_since(log)
    return Activity(
        restarts,
        connected_since=_utc(since, offset, observation),
        last_accepted=_utc(log.last_accepted, offset, observation),
        reconnects=_reconnects(log, now),
    )


def _offset(observation: Observation) -> timedelta | None:
    """How far the host's local time, which its log is in, is ahead of UTC: its service's start is known in both."""
    log, service = observation.log, observation.services.get(Role.CONNECTOR)
    if log is None or log.last_start is None or service is None or service.started is None:
        return None
    apart = log.last_start - service.started.replace(tzinfo=None)
    whole = round(apart / _ZONES) * _ZONES
    return whole if abs(apart - whole) <= _NEAR and abs(whole) <= timedelta(hours=14) else None


def uptime_s(observation: Observation) -> float:
    """For how long the connector's service has been up, in seconds, by the host's own clock; infinite when unknown."""
    service = observation.connector
    if service is None or service.started is None:
        return float("inf")
    skew = observation.facts.clock_skew_s if observation.facts else None
    return max(0.0, (observation.at - service.started).total_seconds() + (skew or 0.0))


def log_time(observation: Observation) -> datetime | None:
    """The moment of the look in the log's own local time; None where nothing tells how that differs from UTC."""
    return _host_now(observation, _offset(observation))


def _host_now(observation: Observation, offset: timedelta | None) -> datetime | None:
    if offset is None:
        return None
    skew = observation.facts.clock_skew_s if observation.facts else None
    return observation.at.replace(tzinfo=None) + timedelta(seconds=skew or 0.0) + offset


def _utc(local: datetime | None, offset: timedelta | None, observation: Observation) -> datetime | None:
    if local is None or offset is None:
        return None
    return (local - offset).replace(tzinfo=observation.at.tzinfo)


def _connected_since(log: LogReport) -> datetime | None:
    """The latest acceptance when the connection still stands."""
    return log.last_accepted if log.state == "connected" else None


def _reconnects(log: LogReport, now: datetime | None) -> int:
    count, accepted = 0, False
    for event in log.events:
        if event.kind == "start":
            accepted = False
        elif event.kind == "accepted":
            if accepted and (now is None or event.at is None or event.at >= now - DAY):
                count += 1
            accepted = True
    return count
