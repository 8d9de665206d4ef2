"""The verdict on one instance: a pure function of what was observed. Running is not healthy; only connected and stable is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.cluster import Host
from tui.connector.config_keys import is_configured
from tui.connector.configuration_set import config_values, same_connection_values
from tui.connector.errors import ConfigError
from tui.connector.left_behind import left_findings
from tui.connector.model import ConfigurationSet, KeyDifference
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.health.activity import uptime_s
from tui.health.clock import clock_findings
from tui.health.drift import drift, drift_findings
from tui.health.ends import LOOPS, STARTING_GRACE_S, cause_evidence, cause_remedy, restarting, service_problems
from tui.health.model import CertificateStatus, HostStatus, Verdict
from tui.health.observation import Observation
from tui.health.settled import just_lost, runs, settled
from tui.health.waiting import waiting_problems, waits_for_set

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
        "it starts, dies and is started again: a crash loop",
        LOOPS,
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
    observation = settled(observation)
    here = observation.configuration
    differences = _drift(here, reference, host.keys.chosen() if host else {})
    skew = observation.facts.clock_skew_s if observation.facts else None
    seen = observation.failure is None
    problems = [
        *_failure(observation),
        *(found for found in observation.findings if reference is None or found.id not in _OF_A_SOURCE),
        *service_problems(observation),
        *_hub_problems(observation),
        *(clock_findings(skew, clock_reference_s, system=_system(observation, host)) if seen else ()),
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
    if not runs(connector) or restarting(observation):
        return Verdict.DOWN
    hub = observation.log.state if observation.log else "unknown"
    if hub == "unknown":
        return Verdict.UNKNOWN
    if hub == "connecting" and (uptime_s(observation) < STARTING_GRACE_S or just_lost(observation)):
        return Verdict.DEGRADED
    if hub != "connected":
        return Verdict.DOWN
    blocked = any(problem.severity is Severity.BLOCKER for problem in problems)
    return Verdict.DEGRADED if blocked or connector.state == "starting" else Verdict.HEALTHY


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


def _hub_problems(observation: Observation) -> list[Finding]:
    connector = observation.connector
    if observation.log is None or connector is None or not runs(connector):
        return []
    state = observation.log.state
    problem = _HUB_PROBLEMS.get(state)
    if problem is None:
        return []
    looping = state == "crash_loop"
    return [
        Finding(
            id=f"hub-{state.replace('_', '-')}",
            severity=Severity.BLOCKER,
            summary=problem[0],
            evidence=cause_evidence(observation),
            remedy=(cause_remedy(observation) if looping else None) or problem[1],
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
