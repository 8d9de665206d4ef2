"""Looking at one instance again and again, asking each time only for what may have changed since."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from tui.connector.instance import Instance, LogMark
from tui.connector.log import read_log
from tui.connector.model import LogReport
from tui.findings import Finding
from tui.health.observation import Observation
from tui.health.probes import LOG_LINES, LOG_SILENT, SERVICES_SILENT, noted, observe

_SILENT = ("services-not-read", "log-not-read")


class Clock(Protocol):
    """Seconds that only go forward."""

    def __call__(self) -> float:
        """Now."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What one look brought. `latency_ms` is the time of its shortest question, None when none was answered."""

    observation: Observation
    latency_ms: float | None


class InstanceWatch:
    """What is known of one instance, kept fresh. One thread at a time.

    Services and log are read at every look (two round trips), the host around it every `facts_every` seconds, the
    configuration set every `set_every`, and the tenant, where `asks_tenant`, every `ticket_every`.
    """

    def __init__(
        self,
        name: str,
        *,
        asks_tenant: bool = False,
        facts_every: float = 30.0,
        set_every: float = 60.0,
        ticket_every: float = 300.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self.name = name
        self.asks_tenant = asks_tenant
        self._every = {"facts": facts_every, "set": set_every, "ticket": ticket_every}
        self._due: dict[str, float] = {}
        self._clock = clock
        self._known: Observation | None = None
        self._mark: LogMark | None = None
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        self._passing: tuple[Finding, ...] = ()
        self.report: LogReport | None = None

    def forget(self) -> None:
        """Ask for everything at the next look. Safe from any thread."""
        self._due.clear()

    @property
    def log(self) -> str:
        """The end of the connector's log as read so far, secrets included: mask it before it is shown."""
        return "".join(self._lines)

    def look(self, instance: Instance) -> Look:
        """Look at the instance. Raises ConnectionLost and the like; other failures are findings of the observation."""
        if self._known is None or self._take_due("set"):
            return self._whole(instance)
        silent: list[Finding] = []
        begun = self._clock()
        services = noted(silent, "services-not-read", SERVICES_SILENT, instance.services)
        latency = (self._clock() - begun) * 1000
        noted(silent, "log-not-read", LOG_SILENT, lambda: self._read_log(instance))
        known = self._known
        facts = instance.facts() if self._take_due("facts") else known.facts
        before = (*(known.log.findings if known.log else ()), *self._passing)
        lasting = tuple(finding for finding in known.findings if finding not in before)
        self._passing = tuple(silent)
        self._known = replace(
            known,
            at=datetime.now(UTC),
            services=services or {},
            log=self.report,
            facts=facts,
            findings=(*lasting, *silent, *(self.report.findings if self.report else ())),
        )
        return Look(self._known, latency if services is not None else None)

    def _whole(self, instance: Instance) -> Look:
        asks = self.asks_tenant and self._take_due("ticket")
        silent: list[Finding] = []
        begun = self._clock()
        noted(silent, "log-not-read", LOG_SILENT, lambda: self._read_log(instance))
        latency = (self._clock() - begun) * 1000
        seen = observe(instance, name=self.name, ask_ticket=asks, log=self.report)
        if seen.failure is not None:
            raise seen.failure
        if not asks and self._known is not None and seen.ticket is None:
            seen = replace(seen, ticket=self._known.ticket, ticket_at=self._known.ticket_at)
        self._take_due("facts")
        self._take_due("set")
        self._known, self._passing = seen, tuple(each for each in seen.findings if each.id in _SILENT)
        return Look(seen, latency if not silent else None)

    def _read_log(self, instance: Instance) -> None:
        """Raises LogError when the log cannot be read: without it nobody can say whether the instance is accepted."""
        before, self.report = self.report, None
        text, self._mark = instance.log_since(self._mark, lines=LOG_LINES)
        self.report = before
        if text or self.report is None:
            self._lines.extend(text.splitlines(keepends=True))
            self.report = read_log(self.log)

    def _take_due(self, what: str) -> bool:
        now = self._clock()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + self._every[what]
        return True
