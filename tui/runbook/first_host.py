"""The first host, as a run knows it: read once, copied to the others, and never written to."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.connector.configuration_set import config_values
from tui.connector.instance import Instance, LogMark
from tui.connector.layouts import layout_findings
from tui.connector.log import fatal_events, read_log
from tui.connector.model import ConfigurationSet, Install, LogReport, Role, TicketInfo
from tui.errors import OperatorError
from tui.findings import Finding, Severity, blockers
from tui.health.model import Verdict
from tui.health.observation import Observation
from tui.health.probes import ask_ticket_of
from tui.health.verdict import judge

_COULD_NOT_TELL = {"tenant-not-asked", "services-not-read", "set-not-read", "log-not-read"}
"""What is a warning for a dashboard and a blocker before anything is copied from this host."""


RECONNECTING = "first-host-reconnecting"
"""The id of a finding that may pass by itself: a connection closed by the tenant is opened again within seconds."""


DROPPED = "its connection was lost since this run first looked at it"


@dataclass(frozen=True, slots=True)
class FirstHost:
    """A healthy first host at the moment it was read: the yardstick for everything that follows in a run.

    `values` is its parsed config.json; both it and `configuration` hold secrets. `connector_pid` and `restarts`
    tell later whether the connector has been restarted since.
    """

    name: str
    install: Install
    configuration: ConfigurationSet = field(repr=False)
    values: dict[str, object] = field(repr=False)
    thumbprint: str
    connection: str
    connector_pid: int | None
    restarts: int | None
    clock_skew_s: float | None
    mark: LogMark | None = None
    """The end of its connector's log when the run first looked at it; None in a preview."""
    machine: str | None = None
    """`HostFacts.machine` of this host."""


def first_findings(observation: Observation) -> list[Finding]:
    """Everything that speaks for or against copying this host; a blocker means that it is not fit to be copied."""
    if observation.install is not None and (refused := layout_findings(observation.install.layout)):
        return refused
    own_clock = observation.facts.clock_skew_s if observation.facts else None
    connected = observation.log is not None and observation.log.state == "connected"
    status = judge(observation, clock_reference_s=own_clock if connected else None)
    found = [
        finding.model_copy(update={"severity": Severity.BLOCKER}) if finding.id in _COULD_NOT_TELL else finding
        for finding in status.problems
    ]
    found += _ticket_part(observation)
    if status.verdict is not Verdict.HEALTHY and not blockers(found):
        found.append(
            Finding(
                id="first-host-not-proven",
                severity=Severity.BLOCKER,
                summary=f"this instance is not known to be connected: {status.verdict.value}, hub {status.hub}",
                remedy="restart its connector in a quiet hour and read its log, then look again",
            )
        )
    return found


def first_host(observation: Observation) -> FirstHost:
    """What a run keeps of a first host that is fit to be copied; raises OperatorError with the reason when it is not."""
    stopping = blockers(first_findings(observation))
    if observation.failure is not None:
        raise observation.failure
    files, install = observation.configuration, observation.install
    certificate, ticket = observation.certificate, observation.ticket
    if stopping or files is None or install is None or certificate is None or ticket is None:
        raise refusal(observation.name, stopping, "the first host is not fit to be copied")
    connector = observation.connector
    return FirstHost(
        name=observation.name,
        install=install,
        configuration=files,
        values=config_values(files) or {},
        thumbprint=certificate.thumbprint,
        connection=ticket.connection,
        connector_pid=connector.main_pid if connector else None,
        restarts=connector.restarts if connector else None,
        clock_skew_s=observation.facts.clock_skew_s if observation.facts else None,
        machine=observation.facts.machine if observation.facts else None,
    )


def refusal(host: str, stopping: list[Finding], what: str) -> OperatorError:
    """The error for findings that stop a run: the first one told in full, the others named."""
    if not stopping:
        return OperatorError(f"{what}: not everything could be read", host=host, remedy="look at the host again")
    worst, others = stopping[0], stopping[1:]
    evidence = [*worst.evidence, *(f"also: {finding.summary}" for finding in others)]
    return OperatorError(
        f"{what}: {worst.summary}",
        host=host,
        tried="; ".join(evidence) or None,
        meaning="nothing was changed on this host",
        remedy=worst.remedy,
    )


def still_connected(instance: Instance, first: FirstHost) -> tuple[list[str], list[Finding]]:
    """Whether the first host is as it was when it was read: evidence lines, and findings that say what is not.

    Looks at the process, the end of the log and the tenant's thumbprint; changes nothing.
    """
    connector = instance.services().get(Role.CONNECTOR)
    log = read_log(instance.log_since(None)[0])
    ticket = ask_ticket_of(instance, first.configuration)
    evidence = [f"hub {log.state}", *_drops(instance, first)]
    found: list[Finding] = []
    if connector is None or not connector.running:
        found.append(_lost(f"its connector is {connector.state if connector else 'gone'}"))
    else:
        evidence.append(f"{connector.unit} running, process {connector.main_pid}")
        if first.connector_pid is not None and connector.main_pid != first.connector_pid:
            found.append(_lost(f"its connector was restarted (process {first.connector_pid} → {connector.main_pid})"))
    if log.state != "connected":
        passing = RECONNECTING if log.state == "connecting" else "first-host-disturbed"
        found.append(_lost(f"its connection to the hub is {log.state}", log, id=passing))
    found += _thumbprint_part(ticket, first, evidence)
    return evidence, found


def _drops(instance: Instance, first: FirstHost) -> list[str]:
    """What the log tells of connections lost since the first host was read. The tenant closes each about daily."""
    if first.mark is None:
        return []
    since = read_log(instance.log_since(first.mark)[0])
    lost = [event for event in since.events if event.kind in ("hub-disconnected", "reconnecting")]
    accepted = [event for event in since.events if event.kind == "accepted"]
    if not lost and not accepted:
        return []
    return [f"warning: {DROPPED}; it was accepted again {len(accepted)} times", *(event.text for event in lost[-3:])]


def _thumbprint_part(ticket: TicketInfo | None, first: FirstHost, evidence: list[str]) -> list[Finding]:
    known = ticket.thumbprints[0] if ticket and ticket.thumbprints else None
    if known == first.thumbprint:
        evidence.append(f"tenant still knows {known}")
        return []
    return [
        Finding(
            id="thumbprint-changed",
            severity=Severity.BLOCKER,
            summary="the tenant no longer knows the first host's certificate: some instance has published another",
            evidence=(f"first host {first.thumbprint}", f"tenant {known or 'no certificate'}"),
            remedy=f"stop the instance that published it, then restart the connector on {first.name}: that publishes the good one",
        )
    ]


def _lost(what: str, log: LogReport | None = None, *, id: str = "first-host-disturbed") -> Finding:
    return Finding(
        id=id,
        severity=Severity.BLOCKER,
        summary=f"the first host is not as it was before this run: {what}",
        evidence=tuple(event.text for event in fatal_events(log))[-3:] if log else (),
        remedy="look at its log; nothing was written to it by this run",
    )


def _ticket_part(observation: Observation) -> list[Finding]:
    if observation.ticket is None or observation.ticket.thumbprints:
        return []
    return [
        Finding(
            id="tenant-without-thumbprint",
            severity=Severity.BLOCKER,
            summary="the tenant knows no certificate for this connection, so nothing can be compared",
            remedy="start the first host's connector once and wait until it is accepted",
        )
    ]
