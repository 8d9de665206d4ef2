"""The gate after the start: the instance is accepted, and stays accepted for the settle time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tui.connector.configuration_set import set_certificate
from tui.connector.errors import CertificateError
from tui.connector.instance import Instance
from tui.connector.log import fatal_events, read_log
from tui.connector.model import LogReport, Role, Service
from tui.errors import OperatorError
from tui.health.activity import uptime_s
from tui.health.probes import observe
from tui.runbook.context import HostWork
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import TO_DO, HostStep
from tui.runbook.steps.services import raise_unless_startable, start_connector

ACCEPT_SECONDS = 90.0
"""How long a started connector may take until the hub accepts it: it asks the ticket, the directory and the hub first."""

_LOOKS_PER_SETTLE = 15
_AFTERMATH = frozenset({"process-exited", "start-limit"})
"""What the service manager says of a death whose cause the connector has logged before."""
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 3.0


class Connected(HostStep):
    """Watch the started connector until it has been accepted for the whole settle time."""

    name = "connected"
    title = "Wait until it is accepted, and stays so"
    why = "a wrong password or clock is accepted too, and dies seconds later: only staying connected proves anything"

    def __init__(self, work: HostWork) -> None:
        super().__init__(work)
        self._failed_before = False

    def look(self, instance: Instance) -> Evidence:
        """Done when this runner has not started it, and it has been connected for longer than the settle time."""
        if self.work.mark is not None:
            return TO_DO
        seen = observe(instance, name=self.work.host.name, ask_ticket=False)
        service, log = seen.connector, seen.log
        if service is None or log is None or not service.running or log.state != "connected":
            return TO_DO
        if uptime_s(seen) < self._settle or service.started is None or fatal_events(log, last_start_only=True):
            return TO_DO
        return Evidence(detail=f"{service.unit} has been connected since before this step", lines=(f"hub {log.state}",))

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """It waits and reads."""
        return (Change(action="read", subject="the connector's log", after=f"accepted for {self._settle:g} s"),)

    def change(self, instance: Instance) -> Evidence:
        """Wait; raises OperatorError as soon as a fatal message or a dead service is seen, or time runs out.

        Retried, it starts the connector anew: what an earlier start died of must not be held against this one.
        """
        if self._failed_before:
            self.start_anew(instance)
        self._failed_before = True
        watch = _Watch(self._settle)
        deadline = time.monotonic() + ACCEPT_SECONDS + 3 * self._settle
        while True:
            log, service = read_log(instance.log_since(self.work.mark)[0]), instance.services().get(Role.CONNECTOR)
            if any(event.kind == "certificate-generated" for event in fatal_events(log, last_start_only=True)):
                raise self._publishing(instance)
            self._raise_if_dead(service, log)
            now = time.monotonic()
            if watch.settled(service, log, now):
                self._failed_before = False
                return _accepted(service, log, self._settle)
            if now > deadline:
                raise _not_in_time(service, log, watch)
            time.sleep(watch.pause)

    def start_anew(self, instance: Instance) -> None:
        """Stop what runs and start it again, under the same gate as before."""
        raise_unless_startable(self.work, instance)
        instance.stop(Role.CONNECTOR)
        start_connector(self.work, instance)

    def good_thumbprint(self) -> str:
        """The certificate that the tenant should know."""
        return self.work.meant_thumbprint()

    @property
    def _settle(self) -> float:
        return self.work.context.settle_seconds

    def _raise_if_dead(self, service: Service | None, log: LogReport) -> None:
        fatal = fatal_events(log, last_start_only=self.work.mark is None)
        if fatal:
            last = next((event for event in reversed(fatal) if event.kind not in _AFTERMATH), fatal[-1])
            raise OperatorError(
                f"the connector logged: {last.text}",
                tried="; ".join(event.text for event in fatal[-3:]),
                meaning=last.meaning,
                remedy=last.remedy,
            )
        if service is None or service.state in ("stopped", "failed", "masked", "crash_loop"):
            raise OperatorError(
                f"the connector does not stay up: {_told(service)}",
                tried="; ".join(event.text for event in log.events[-3:]) or None,
                meaning="it ended without a message that is known as fatal",
                remedy="read the end of its log; correct the cause and retry, or put the host back",
            )

    def _publishing(self, instance: Instance) -> OperatorError:
        """Stop the instance that is publishing a pair of its own, at once, and say what that did."""
        for role in (Role.CONNECTOR, Role.ADMIN):
            instance.stop(role)
        first = self.work.context.cluster.first
        published = _thumbprint_here(instance)
        return OperatorError(
            "this connector found no certificate it could use, made one and published it: it was stopped at once",
            tried=f"published {published}; the good one is {self.good_thumbprint()}",
            meaning="the tenant now knows the wrong certificate: every other instance is rejected when it next connects",
            remedy=f"put this host back, then restart the connector on {first.name}: that publishes the good certificate again",
        )


@dataclass(slots=True)
class _Watch:
    """Since when one and the same process has been accepted without a break."""

    settle: float
    since: float | None = None
    pid: int | None = None
    longest: float = 0.0
    pause: float = field(init=False)

    def __post_init__(self) -> None:
        self.pause = min(_LONGEST_PAUSE_S, max(_SHORTEST_PAUSE_S, self.settle / _LOOKS_PER_SETTLE))

    def settled(self, service: Service | None, log: LogReport, now: float) -> bool:
        """Take in one look; True when the settle time has been reached."""
        accepted = service is not None and service.running and log.state == "connected"
        if not accepted or service is None:
            self.since = None
            return False
        if self.since is None or service.main_pid != self.pid:
            self.since, self.pid = now, service.main_pid
        self.longest = max(self.longest, now - self.since)
        return now - self.since >= self.settle


def _accepted(service: Service | None, log: LogReport, settle: float) -> Evidence:
    unit = f"{service.unit} running, process {service.main_pid}" if service else ""
    lines = [event.text for event in log.events if event.kind in ("accepted", "certificates-exist", "latency")]
    return Evidence(detail=f"accepted for {settle:g} s without a break", lines=(unit, *lines[-4:]))


def _not_in_time(service: Service | None, log: LogReport, watch: _Watch) -> OperatorError:
    return OperatorError(
        f"the connector was not accepted for {watch.settle:g} s at a stretch (hub: {log.state})",
        tried=f"watched it; longest stretch {watch.longest:.0f} s; service {service.state if service else 'gone'}; "
        + "; ".join(event.text for event in log.events[-3:]),
        meaning="it cannot be counted on to answer logins",
        remedy="check outbound 443 with WebSockets to the tenant from this host, the proxy and DNS; then retry",
    )


def _told(service: Service | None) -> str:
    """A service's state in words: `failed (exit-code)`."""
    if service is None:
        return "its service is gone"
    state = service.state.replace("_", " ")
    reason = service.detail.removeprefix(f"{service.state}/")
    return f"{state} ({reason})" if reason and reason != state else state


def _thumbprint_here(instance: Instance) -> str:
    try:
        facts = set_certificate(instance.read_set())
    except CertificateError:
        return "a certificate that cannot be read"
    return facts.thumbprint if facts else "a certificate that is not there any more"
