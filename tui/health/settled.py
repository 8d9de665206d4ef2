"""What a log says, weighed against the service and the time that has passed: a log alone does not know when it is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tui.connector.log import LOOP_WINDOW, STABLE
from tui.connector.model import LogReport, Service
from tui.findings import Finding
from tui.health.activity import log_time
from tui.health.observation import Observation

RECONNECTING_GRACE = timedelta(seconds=30)
"""How long a connection may be lost before that counts: the tenant closes it about daily, and the connector retries every 10 s."""

DISCONNECTED = "disconnected"
"""The hub's word for an instance whose process does not run: its log may still end with `Agent accepted`."""

_LOSSES = ("reconnecting", "hub-disconnected")
_ENDED = ("stopped", "failed", "crash_loop")


def runs(service: Service) -> bool:
    """Whether there is a process: a masked unit goes on running until it is stopped."""
    return service.state in ("running", "starting") or (service.state == "masked" and service.main_pid is not None)


def settled(observation: Observation) -> Observation:
    """The observation whose log says what holds at the moment of the look; the same one where nothing differs."""
    log, service = observation.log, observation.connector
    if log is None or service is None:
        return observation
    state = _state(observation, log, service)
    old = _is_over(observation, log)
    if state == log.state and not old:
        return observation
    report = log.model_copy(update={"state": state, "findings": _kept(log.findings, old=old)})
    return replace(observation, log=report, findings=_kept(observation.findings, old=old))


def _kept(findings: tuple[Finding, ...], *, old: bool) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if not (old and finding.id == "flapping"))


def _state(observation: Observation, log: LogReport, service: Service) -> str:
    if log.state in ("connected", "connecting") and (service.state in _ENDED or not runs(service)):
        return DISCONNECTED
    if log.state == "crash_loop" and runs(service) and _stays(observation, log):
        return "connected"
    return log.state


def _stays(observation: Observation, log: LogReport) -> bool:
    """Whether the last start was accepted, lost nothing since, and has lasted: a connected instance logs nothing for hours."""
    now = log_time(observation)
    last = next((event for event in reversed(log.events) if _tells(event.kind, fatal=event.fatal)), None)
    return last is not None and last.kind == "accepted" and _before(last.at, now, STABLE)


def _tells(kind: str, *, fatal: bool) -> bool:
    return fatal or kind in ("start", "accepted", "start-limit", *_LOSSES)


def _is_over(observation: Observation, log: LogReport) -> bool:
    """Whether the last loss of the connection is too long ago for what the log says of coming and going."""
    losses = [event.at for event in log.events if event.at is not None and (event.fatal or event.kind in _LOSSES)]
    return bool(losses) and _before(losses[-1], log_time(observation), LOOP_WINDOW)


def just_lost(observation: Observation) -> bool:
    """Whether an instance that was accepted lost the hub only moments ago, and its process runs on."""
    log, now = observation.log, log_time(observation)
    if log is None or now is None or log.state != "connecting":
        return False
    known = [event for event in log.events if _tells(event.kind, fatal=event.fatal)]
    place = max((number for number, event in enumerate(known) if event.kind in ("accepted", "start")), default=None)
    if place is None or known[place].kind != "accepted" or place + 1 == len(known):
        return False
    lost = known[place + 1]
    return lost.kind in _LOSSES and lost.at is not None and now - lost.at < RECONNECTING_GRACE


def _before(at: datetime | None, now: datetime | None, span: timedelta) -> bool:
    return at is not None and now is not None and now - at >= span
