"""The verdict on one instance: a pure function of what was observed. Running is not healthy; only connected and stable is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.cluster import Host
from tui.connector.config_keys import is_configured
from tui.connector.configuration_set import config_values, same_connection_values
from tui.connector.errors import ConfigError
from tui.connector.install_findings import install_findings, service_findings
from tui.connector.left_behind import left_findings
from tui.connector.model import ConfigurationSet, KeyDifference, Role, Service
from tui.connector.service_words import service_words
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.health.clock import clock_findings
from tui.health.drift import drift, drift_findings
from tui.health.model import CertificateStatus, HostStatus, Verdict
from tui.health.observation import Observation
from tui.health.waiting import configured, waiting_problems, waits_for_set

STARTING_GRACE_S = 60.0
"""How long after its start an instance may be without a hub before it counts as down."""

_OF_A_SOURCE = frozenset(("firewall-rule-created",))
"""What matters only of a set that is copied: a member has its own from its own connector."""

_HUB_PROBLEMS: dict[str, tuple[str, str]] = {
    "connecting": (
        "it runs but has no connection to the hub, so it answers no logins",
        "check DNS, the firewall and the proxy for outbound 443 with WebSockets to the tenant",
    ),
    "rejected": (
        "the hub rejected this agent: its certificate is not the one that the tenant knows, or its key does not match",
        "restore the cluster's key and certificate on this host, then restart it",
    ),
    "crash_loop": (
        "it starts, dies and is started again",
        "read the log's last error: a wrong LDAP password, an unreachable directory and a wrong clock all look like this",
    ),
    "unconfigured": (
        "it has no configuration, so it exits at once",
        "add this host to the cluster with a run, or import a configuration set",
    ),
    "stuck": (
        "it runs but can never connect: the encrypted LDAP password does not open with certs/cert.key",
        "restore key, certificate and config.json together from a verified backup, then restart it",
    ),
}


def judge(
    observation: Observation,
    *,
    reference: ConfigurationSet | None = None,
    clock_reference_s: float | None = None,
    host: Host | None = None,
) -> HostStatus:
    """Judge one instance against the first host's set (`reference`) and clock.

    `clock_reference_s` is the skew of a host that is known to be connected, so that a wrong clock on the jump
    box is not blamed on every host. Both may be None: then nothing is compared. `host` is what the cluster file says of it.
    """
    here = observation.configuration
    differences = _drift(here, reference, host.keys.chosen() if host else {})
    skew = observation.facts.clock_skew_s if observation.facts else None
    problems = [
        *_failure(observation),
        *(found for found in observation.findings if reference is None or found.id not in _OF_A_SOURCE),
        *_service_problems(observation),
        *_hub_problems(observation),
        *clock_findings(skew, clock_reference_s, system=_system(observation, host)),
        *_tenant_problems(observation),
        *_connection_problems(here, reference),
        *left_findings(observation.facts, observation.install, lock=Severity.WARNING),
        *drift_findings(differences),
    ]
    waits = reference is not None and waits_for_set(observation)
    if waits:
        differences, problems = (), waiting_problems(observation, problems)
    return HostStatus(
        name=observation.name,
        os=_system(observation, host),
        transport=host.transport if host else "ssh",
        verdict=Verdict.DOWN if waits else _verdict(observation, problems),
        version=observation.install.version if observation.install else None,
        layout=observation.install.layout.value if observation.install else None,
        install_dir=observation.install.directory if observation.install else None,
        services={role.value: service.state for role, service in observation.services.items()},
        hub=observation.log.state if observation.log else "unknown",
        certificate=_certificate(observation),
        clock_skew_s=skew,
        drift=differences,
        problems=tuple(_unique(problems)),
        log=observation.log,
        observed=observation.at,
        machine=observation.facts.machine if observation.facts else None,
    )


def _system(observation: Observation, host: Host | None) -> str:
    if observation.install is not None:
        return observation.install.os
    return host.system if host else "linux"


def _verdict(observation: Observation, problems: Sequence[Finding]) -> Verdict:
    if observation.failure is not None:
        return Verdict.UNKNOWN
    connector = observation.connector
    if connector is None:
        return Verdict.DOWN if observation.install is None else Verdict.UNKNOWN
    if connector.state == "unknown":
        return Verdict.UNKNOWN
    if connector.state not in ("running", "starting") or _restarting(observation):
        return Verdict.DOWN
    hub = observation.log.state if observation.log else "unknown"
    if hub == "unknown":
        return Verdict.UNKNOWN
    if hub == "connecting" and uptime_s(observation) < STARTING_GRACE_S:
        return Verdict.DEGRADED
    if hub != "connected":
        return Verdict.DOWN
    blocked = any(problem.severity is Severity.BLOCKER for problem in problems)
    return Verdict.DEGRADED if blocked or connector.state == "starting" else Verdict.HEALTHY


def uptime_s(observation: Observation) -> float:
    """For how long the connector's service has been up, in seconds, by the host's own clock; infinite when unknown."""
    service = observation.connector
    if service is None or service.started is None:
        return float("inf")
    skew = observation.facts.clock_skew_s if observation.facts else None
    return max(0.0, (observation.at - service.started).total_seconds() + (skew or 0.0))


def _restarting(observation: Observation) -> bool:
    """A wrong LDAP password is accepted by the hub and dies seconds later, so one look at the log may say `connected`."""
    service = observation.connector
    return service is not None and (service.restarts or 0) >= 2 and uptime_s(observation) < STARTING_GRACE_S


def _ended_quietly(observation: Observation) -> bool:
    """Stopped, though nobody stopped it: its log ends with a message after which it exits with status 0."""
    service, log = observation.connector, observation.log
    if service is None or log is None or service.state != "stopped" or service.restart_policy != "on-failure":
        return False
    return log.state == "rejected"


def _failure(observation: Observation) -> list[Finding]:
    error: OperatorError | None = observation.failure
    if error is None:
        return []
    return [
        Finding(
            id="not-observed",
            severity=Severity.BLOCKER,
            summary=f"this host could not be looked at: {error.summary}",
            evidence=tuple(part for part in (error.tried, error.meaning) if part),
            remedy=error.remedy,
        )
    ]


def _service_problems(observation: Observation) -> list[Finding]:
    if observation.failure is not None or observation.install is None:
        return []
    connector = observation.connector
    found = install_findings(observation.install)
    if connector is not None:
        found += service_findings({Role.CONNECTOR: connector}, configured=configured(observation.configuration))
    for service in observation.services.values():
        if service.running or service.state == "starting":
            continue
        found.append(_not_running(service, severity=Severity.BLOCKER if service is connector else Severity.WARNING))
    if connector is not None and _ended_quietly(observation):
        found.append(
            Finding(
                id="ended-with-zero",
                severity=Severity.BLOCKER,
                summary=f"{connector.unit} ended by itself with exit status 0, which Restart={connector.restart_policy} does not restart",
                evidence=tuple(event.text for event in observation.log.events[-2:]) if observation.log else (),
                remedy=f"correct what its log says last; set Restart=always with `systemctl edit {connector.unit}`",
            )
        )
    if connector is not None and connector.running and _restarting(observation):
        found.append(
            Finding(
                id="restarting",
                severity=Severity.BLOCKER,
                summary=f"{connector.unit} was restarted {connector.restarts} times and came up only moments ago",
                remedy=_HUB_PROBLEMS["crash_loop"][1],
            )
        )
    return found


def _not_running(service: Service, severity: Severity) -> Finding:
    words = service_words(service.system)
    state = words.forbidden if service.state == "masked" else service.state.replace("_", " ")
    return Finding(
        id=f"{service.role.value}-{service.state.replace('_', '-')}",
        severity=severity,
        summary=f"the {service.role.value} service {service.unit} is {state}",
        evidence=(service.detail,) if service.detail else (),
        remedy=f"{words.about(words.allow, service.unit)}, then start it"
        if service.state == "masked"
        else f"read why it ended ({words.about(words.read_log, service.unit)}), then start it",
    )


def _hub_problems(observation: Observation) -> list[Finding]:
    connector = observation.connector
    if observation.log is None or connector is None or connector.state not in ("running", "starting"):
        return []
    problem = _HUB_PROBLEMS.get(observation.log.state)
    if problem is None:
        return []
    return [
        Finding(
            id=f"hub-{observation.log.state.replace('_', '-')}",
            severity=Severity.BLOCKER,
            summary=problem[0],
            evidence=tuple(event.text for event in observation.log.events if event.fatal)[-3:],
            remedy=problem[1],
        )
    ]


def _tenant_problems(observation: Observation) -> list[Finding]:
    if observation.matches_tenant is not False or observation.certificate is None or observation.ticket is None:
        return []
    return [
        Finding(
            id="certificate-not-tenants",
            severity=Severity.BLOCKER,
            summary="the certificate on this host is not the one that the tenant knows: it is rejected when it next connects",
            evidence=(f"here {observation.certificate.thumbprint}", f"tenant {observation.ticket.thumbprints[0]}"),
            remedy="another instance published its own certificate: restore the good pair everywhere, then restart",
        )
    ]


def _drift(
    here: ConfigurationSet | None, reference: ConfigurationSet | None, keys: Mapping[str, str]
) -> tuple[KeyDifference, ...]:
    if here is None or reference is None:
        return ()
    try:
        return drift(here, reference, keys)
    except ConfigError:
        return ()


def _connection_problems(here: ConfigurationSet | None, reference: ConfigurationSet | None) -> list[Finding]:
    if here is None or reference is None:
        return []
    try:
        ours, theirs = config_values(here) or {}, config_values(reference) or {}
    except ConfigError:
        return []
    if not is_configured(ours) or not is_configured(theirs) or same_connection_values(ours, theirs):
        return []
    return [
        Finding(
            id="other-connection",
            severity=Severity.BLOCKER,
            summary="this host serves another connection than the first host",
            remedy="take it out of this cluster file, or uninstall and reinstall its connector",
        )
    ]


def _certificate(observation: Observation) -> CertificateStatus | None:
    facts = observation.certificate
    if facts is None:
        return None
    return CertificateStatus(
        thumbprint=facts.thumbprint, expires=facts.not_after, matches_tenant=observation.matches_tenant
    )


def _unique(problems: Sequence[Finding]) -> list[Finding]:
    seen: dict[tuple[str, str], Finding] = {}
    for problem in problems:
        seen.setdefault((problem.id, problem.summary), problem)
    return list(seen.values())
