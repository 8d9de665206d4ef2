"""The poller behind the dashboard: every instance looked at on its own schedule, so that none delays another."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tui.cluster import Host
from tui.connector.model import KeyDifference, TicketInfo
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.activity import Activity, RestartCount, activity
from tui.health.cluster import connected_clock, informed, judge_cluster
from tui.health.cluster_events import common_drop
from tui.health.drift import file_drift, key_differences
from tui.health.events import HealthEvent, changed_meanwhile, events_between
from tui.health.instance_watch import Look
from tui.health.model import ClusterStatus, HostStatus
from tui.health.observation import Observation
from tui.health.probes import unobserved
from tui.health.settled import settled
from tui.health.trends import ClockTrend
from tui.health.verdict import judge

SHORTEST_INTERVAL_S, USUAL_INTERVAL_S = 2.0, 5.0
_LONGEST_BACKOFF_S = 60.0
OVERDUE_S = 10.0
_LATENCIES, _EVENTS = 20, 500
_LOG = logging.getLogger(__name__)

Changed = Callable[[str], None]
"""Told the host's name after each look, from a thread of the poller's own."""


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One row of the dashboard. `status` is the last that could be told; `seen` when that was (UTC).

    `failure` is why the last look failed, None when it did not: then `status` is stale since `seen`. `remembered`: `status`
    comes from before this program was started. `latencies` in milliseconds, oldest first. `activity`: None before the first look.
    """

    name: str
    first: bool
    status: HostStatus | None = None
    seen: datetime | None = None
    failure: OperatorError | None = None
    remembered: bool = False
    latencies: tuple[float, ...] = ()
    activity: Activity | None = None


@dataclass(slots=True)
class _Row:
    name: str
    view: InstanceView
    observation: Observation | None = None
    failures: int = 0
    held: int = 0
    began: float | None = None
    wake: threading.Event = field(default_factory=threading.Event)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))
    clock: ClockTrend = field(default_factory=ClockTrend)
    restarts: dict[str, RestartCount] = field(default_factory=dict)


class Monitor:
    """Looks at every instance every `interval` seconds, a host that does not answer less and less often.

    `look` is called in a thread of that host's own and may block; `on_change` is called there too. Safe for several threads.
    """

    def __init__(
        self,
        cluster: str,
        hosts: Sequence[str],
        first: str,
        look: Callable[[str], Look],
        *,
        interval: float = USUAL_INTERVAL_S,
        on_change: Changed | None = None,
        on_events: Callable[[Sequence[HealthEvent]], None] | None = None,
        remembered: Mapping[str, HostStatus] | None = None,
        entries: Sequence[Host] = (),
        overdue: float | None = None,
    ) -> None:
        """`entries`: what the cluster file says of the hosts, for how each is reached and what its site may choose.

        A look that takes longer than `overdue` seconds says that the host does not answer; by default ten, and two intervals.
        """
        self.cluster, self.first = cluster, first
        self._look = look
        self._interval = max(SHORTEST_INTERVAL_S, interval)
        self._on_change, self._on_events = on_change, on_events
        self._lock = threading.Lock()
        self._overdue = overdue
        self._stopped, self._paused = threading.Event(), False
        self._events: deque[HealthEvent] = deque(maxlen=_EVENTS)
        self._happened = 0
        self._entries = {entry.name: entry for entry in entries}
        self._noted: tuple[Finding, ...] = ()
        known = remembered or {}
        self._rows = {name: _Row(name, _remembered(name, name == first, known.get(name))) for name in hosts}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin looking; the looks are spread over the interval."""
        for number, row in enumerate(self._rows.values()):
            delay = min(1.0, self._interval) * number / max(1, len(self._rows))
            thread = threading.Thread(target=self._run, args=(row, delay), name=f"watch-{row.name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        threading.Thread(target=self._notice_overdue, name="watch-overdue", daemon=True).start()

    def stop(self) -> None:
        """Look no more; returns at once, a look under way ends by itself."""
        self._stopped.set()
        for row in self._rows.values():
            row.wake.set()

    @property
    def interval(self) -> float:
        """Seconds between two looks at one instance."""
        return self._interval

    def set_interval(self, seconds: float) -> None:
        """Look this often from now on; never more often than every two seconds."""
        self._interval = max(SHORTEST_INTERVAL_S, seconds)
        self.refresh()

    @property
    def paused(self) -> bool:
        """Whether nothing is looked at until `resume`."""
        return self._paused

    def pause(self) -> None:
        """Look at nothing until `resume` or `refresh`."""
        self._paused = True

    def resume(self) -> None:
        """Go on, beginning now."""
        self._paused = False
        self.refresh()

    def refresh(self, name: str | None = None) -> None:
        """Look now, at one instance or at all, whatever its backoff."""
        for row in self._rows.values():
            if name in (None, row.name):
                row.wake.set()

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Leave one instance alone meanwhile: its link serves something else. It is looked at afterwards, at once."""
        row = self._rows[name]
        with self._lock:
            row.held += 1
        try:
            yield
        finally:
            with self._lock:
                row.held -= 1
            row.wake.set()

    def views(self) -> list[InstanceView]:
        """Every instance as known now, in the cluster file's order."""
        with self._lock:
            return [row.view for row in self._rows.values()]

    def view(self, name: str) -> InstanceView:
        """One instance as known now."""
        with self._lock:
            return self._rows[name].view

    def events(self) -> list[HealthEvent]:
        """What happened since the start, oldest first, the last 500."""
        with self._lock:
            return list(self._events)

    @property
    def happened(self) -> int:
        """How many events there were since the start, those included that `events` has dropped."""
        with self._lock:
            return self._happened

    def status(self) -> ClusterStatus:
        """The cluster's verdict from what is known now; an instance that nobody has seen yet counts as unknown."""
        with self._lock:
            statuses = [self._current(row.view) for row in self._rows.values()]
            events = list(self._events)
        extra = (*self._noted, *common_drop(events, len(statuses)))
        return judge_cluster(self.cluster, statuses, extra)

    def note(self, findings: Sequence[Finding]) -> None:
        """What is known of the cluster from elsewhere, in place of what was noted before: `status` counts it in."""
        self._noted = tuple(findings)

    def ticket(self) -> TicketInfo | None:
        """What the tenant last told an instance of itself; None while nobody has asked."""
        with self._lock:
            source = self._informed()
        return source.ticket if source is not None else None

    def _informed(self) -> Observation | None:
        """The instance through which the tenant was asked last."""
        seen = [row.observation for row in self._rows.values() if row.observation is not None]
        return max(
            (each for each in seen if each.ticket_at is not None),
            key=lambda each: each.ticket_at or each.at,
            default=None,
        )

    def compared(self, name: str) -> tuple[KeyDifference, ...] | None:
        """An instance's configuration and the first host's, key by key and file by file, equal ones included; secrets as equal
        or different only. None while either has not been read. Raises ConfigError."""
        with self._lock:
            here, first = self._rows[name].observation, self._rows[self.first].observation
        if here is None or first is None or here.configuration is None or first.configuration is None:
            return None
        keys = key_differences(here.configuration, first.configuration)
        return (*keys, *file_drift(here.configuration, first.configuration))

    def _run(self, row: _Row, delay: float) -> None:
        if self._stopped.wait(delay):
            return
        while not self._stopped.is_set():
            self._once(row)
            row.wake.wait(self._pause(row))
            while self._paused and not row.wake.is_set() and not self._stopped.is_set():
                row.wake.wait(self._interval)
            row.wake.clear()

    def _pause(self, row: _Row) -> float:
        if not row.failures:
            return self._interval
        backoff: float = min(_LONGEST_BACKOFF_S, self._interval * 2 ** min(row.failures, 6))
        return max(self._interval, backoff * random.uniform(0.8, 1.0))

    def _notice_overdue(self) -> None:
        while not self._stopped.wait(min(1.0, self._overdue or 1.0)):
            limit = self._overdue or max(OVERDUE_S, 2 * self._interval)
            for row in self._rows.values():
                began = row.began
                if began is None or row.held or row.view.failure is not None or time.monotonic() - began < limit:
                    continue
                error = OperatorError(f"no answer for {limit:.0f} s; the look at it is still under way", host=row.name)
                self._failed(row, error, counts=False)
                if self._on_change is not None:
                    self._on_change(row.name)

    def _once(self, row: _Row) -> None:
        if row.held:
            return
        row.began = time.monotonic()
        try:
            try:
                seen = self._look(row.name)
            finally:
                row.began = None
        except OperatorError as error:
            self._failed(row, error)
        except Exception:
            _LOG.exception("looking at %s failed unexpectedly", row.name)
            self._failed(row, OperatorError("the look at this host failed in a way that nobody foresaw", host=row.name))
        else:
            self._saw(row, seen)
        if self._on_change is not None and not self._stopped.is_set():
            self._on_change(row.name)

    def _saw(self, row: _Row, seen: Look) -> None:
        with self._lock:
            observation = row.observation = informed(settled(seen.observation), self._informed())
            row.failures = 0
            if seen.latency_ms is not None:
                row.latencies.append(seen.latency_ms)
            status = self._judge(row, observation)
            before = row.view.status
            if row.view.remembered and before is not None:
                events = changed_meanwhile(before, status)
            else:
                events = events_between(before, status)
            if row.view.failure is not None:
                events.insert(0, _event(row.name, "back", "it answers again"))
            row.view = replace(
                row.view,
                status=status,
                seen=status.observed,
                failure=None,
                remembered=False,
                latencies=tuple(row.latencies),
                activity=_activity(row, observation),
            )
            self._add(events)
        self._tell(events)

    def _add(self, events: Sequence[HealthEvent]) -> None:
        self._events.extend(events)
        self._happened += len(events)

    def _failed(self, row: _Row, error: OperatorError, *, counts: bool = True) -> None:
        with self._lock:
            if not counts and row.began is None:
                return
            row.failures += counts
            first = row.view.failure is None
            row.view = replace(row.view, failure=error)
            events = [_event(row.name, "unreachable", error.summary)] if first else []
            if row.view.status is None:
                row.view = replace(row.view, status=self._unseen(row.name, error))
            self._add(events)
        self._tell(events)

    def _judge(self, row: _Row, observation: Observation) -> HostStatus:
        yardstick = self._rows[self.first].observation if self.first in self._rows else None
        known = [each.observation for each in self._rows.values() if each.observation is not None]
        reference = yardstick.configuration if yardstick is not None and row.name != self.first else None
        entry = self._entries.get(row.name)
        status = judge(observation, reference=reference, clock_reference_s=connected_clock(known), host=entry)
        if status.clock_skew_s is not None:
            row.clock.add(observation.at.timestamp(), status.clock_skew_s)
        rates = [each.clock.per_hour for each in self._rows.values() if each is not row]
        drifting = tuple(row.clock.findings([rate for rate in rates if rate is not None]))
        return status.model_copy(update={"problems": (*status.problems, *drifting)}) if drifting else status

    def _current(self, view: InstanceView) -> HostStatus:
        """The status as far as it counts now: of one that does not answer, or was never looked at, nothing is known."""
        if view.failure is not None:
            return self._unseen(view.name, view.failure)
        return view.status or self._unseen(view.name, OperatorError("it has not been looked at yet", host=view.name))

    def _unseen(self, name: str, error: OperatorError) -> HostStatus:
        return judge(unobserved(name, error), host=self._entries.get(name))

    def _tell(self, events: Sequence[HealthEvent]) -> None:
        if events and self._on_events is not None and not self._stopped.is_set():
            self._on_events(events)


def _activity(row: _Row, observation: Observation) -> Activity:
    for role, service in observation.services.items():
        row.restarts.setdefault(role.value, RestartCount()).add(observation.at, service.restarts)
    return activity(observation, row.restarts)


def _remembered(name: str, first: bool, status: HostStatus | None) -> InstanceView:
    if status is None:
        return InstanceView(name, first)
    return InstanceView(name, first, status=status, seen=status.observed, remembered=True)


def _event(host: str, kind: str, text: str) -> HealthEvent:
    return HealthEvent(at=datetime.now(UTC), host=host, kind=kind, text=text)


def age_seconds(view: InstanceView, now: datetime | None = None) -> float | None:
    """How long ago the instance was last seen; None when never."""
    return ((now or datetime.now(UTC)) - view.seen).total_seconds() if view.seen else None
