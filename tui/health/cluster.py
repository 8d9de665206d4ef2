"""The verdict on a cluster, and the parallel look at its hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tui.cluster import Host
from tui.connector.configuration_set import same_connection
from tui.connector.errors import ConfigError
from tui.findings import Finding, Severity
from tui.health.model import ClusterStatus, HostStatus, Verdict
from tui.health.observation import Observation
from tui.health.settled import settled
from tui.health.verdict import judge

PROBES_AT_ONCE = 8


def observe_all(probes: Sequence[Callable[[], Observation]], *, at_once: int = PROBES_AT_ONCE) -> list[Observation]:
    """Run probes in a bounded pool; the results keep the order of `probes`."""
    if not probes:
        return []
    with ThreadPoolExecutor(max_workers=min(at_once, len(probes)), thread_name_prefix="probe") as pool:
        return list(pool.map(lambda probe: probe(), probes))


def judge_all(
    cluster: str, first: str, observations: Sequence[Observation], hosts: Sequence[Host] = ()
) -> ClusterStatus:
    """Judge every host against the first host's set, then the cluster. `hosts` is what the cluster file says of them."""
    observations = [settled(observation) for observation in observations]
    by_name = {observation.name: observation for observation in observations}
    yardstick = by_name.get(first)
    reference = yardstick.configuration if yardstick else None
    clock = connected_clock(observations)
    listed = {host.name: host for host in hosts}
    judged = tuple(
        judge(
            observation,
            reference=reference if observation.name != first else None,
            clock_reference_s=clock,
            host=listed.get(observation.name),
        )
        for observation in observations
    )
    return judge_cluster(cluster, judged)


def informed(observation: Observation, source: Observation | None) -> Observation:
    """The observation with what the tenant said through `source`, if both serve the same connection and nobody asked here."""
    if source is None or observation.configuration is None or source.configuration is None:
        return observation
    if observation.ticket_at is not None and source.ticket_at is not None and observation.ticket_at >= source.ticket_at:
        return observation
    try:
        same = same_connection(observation.configuration, source.configuration)
    except ConfigError:
        return observation
    return replace(observation, ticket=source.ticket) if same else observation


def connected_clock(observations: Sequence[Observation]) -> float | None:
    """The median clock skew (seconds, against the jump box) of the connected hosts: the tenant accepts their clocks.

    Of two middle ones the smaller counts. None when no host is connected.
    """
    skews = sorted(
        observation.facts.clock_skew_s
        for observation in observations
        if observation.facts is not None
        and observation.facts.clock_skew_s is not None
        and observation.log is not None
        and observation.log.state == "connected"
    )
    middle = skews[(len(skews) - 1) // 2 : len(skews) // 2 + 1]
    return min(middle, key=abs, default=None)


def judge_cluster(cluster: str, hosts: Sequence[HostStatus], extra: Sequence[Finding] = ()) -> ClusterStatus:
    """The cluster's verdict from its hosts', with what concerns more than one of them."""
    problems = [*extra, *_installs(hosts), *_thumbprints(hosts), *_versions(hosts), *_redundancy(hosts)]
    return ClusterStatus(
        cluster=cluster, verdict=cluster_verdict(hosts, problems), hosts=tuple(hosts), problems=tuple(problems)
    )


def cluster_verdict(hosts: Sequence[HostStatus], problems: Sequence[Finding] = ()) -> Verdict:
    """Healthy only when every instance is; down when none can serve; unknown when that cannot be told.

    One instance that could not be looked at among healthy ones makes the cluster unknown: it may be either.
    """
    verdicts = [host.verdict for host in hosts]
    serving = any(verdict in (Verdict.HEALTHY, Verdict.DEGRADED) for verdict in verdicts)
    if not verdicts or (not serving and Verdict.UNKNOWN in verdicts):
        return Verdict.UNKNOWN
    if not serving:
        return Verdict.DOWN
    if Verdict.DOWN in verdicts or Verdict.DEGRADED in verdicts:
        return Verdict.DEGRADED
    if any(problem.severity is Severity.BLOCKER for problem in problems):
        return Verdict.DEGRADED
    return Verdict.UNKNOWN if Verdict.UNKNOWN in verdicts else Verdict.HEALTHY


def one_install(names: Sequence[str]) -> Finding:
    """What is said of hosts that are one and the same install."""
    return Finding(
        id="same-install",
        severity=Severity.BLOCKER,
        summary=f"{' and '.join(names)} are one and the same install on one machine: two ways to it make no second instance",
        evidence=("the running kernel and the install directory are the same",),
        remedy="correct the address of one of them in the cluster file, or take it out",
    )


def _installs(hosts: Sequence[HostStatus]) -> list[Finding]:
    found: dict[str, list[str]] = {}
    for host in hosts:
        if host.machine is not None:
            found.setdefault(host.machine, []).append(host.name)
    return [one_install(names) for names in found.values() if len(names) > 1]


def serving_besides(hosts: Sequence[HostStatus], names: Sequence[str]) -> list[str]:
    """The instances that answer logins while those of `names` do not: connected, and degraded at worst."""
    serving = (Verdict.HEALTHY, Verdict.DEGRADED)
    return [h.name for h in hosts if h.name not in names and h.hub == "connected" and h.verdict in serving]


def _thumbprints(hosts: Sequence[HostStatus]) -> list[Finding]:
    prints = {host.name: host.certificate.thumbprint for host in hosts if host.certificate}
    if len(set(prints.values())) < 2:
        return []
    return [
        Finding(
            id="certificates-differ",
            severity=Severity.BLOCKER,
            summary="the hosts do not all have the same certificate: each start publishes its own and locks the others out",
            evidence=tuple(f"{name} {thumbprint}" for name, thumbprint in prints.items()),
            remedy="restore the first host's key and certificate on the others before anything is restarted",
        )
    ]


def _versions(hosts: Sequence[HostStatus]) -> list[Finding]:
    versions = {host.name: host.version for host in hosts if host.version}
    if len(set(versions.values())) < 2:
        return []
    return [
        Finding(
            id="versions-differ",
            severity=Severity.WARNING,
            summary="the hosts run different versions of the connector",
            evidence=tuple(f"{name} {version}" for name, version in versions.items()),
            remedy="bring every host to the same version, one at a time",
        )
    ]


def _redundancy(hosts: Sequence[HostStatus]) -> list[Finding]:
    serving = [host.name for host in hosts if host.verdict in (Verdict.HEALTHY, Verdict.DEGRADED)]
    if len(serving) != 1:
        return []
    return [
        Finding(
            id="no-redundancy",
            severity=Severity.WARNING,
            summary=f"{serving[0]} is the only instance known to be connected: if it stops, nobody can log in",
            remedy="get a second instance connected",
        )
    ]


def tenant_offline() -> Finding:
    """What is said when the Management API calls the cluster's connection offline."""
    return Finding(
        id="tenant-offline",
        severity=Severity.BLOCKER,
        summary="the Management API calls the connection offline",
        remedy="check that an instance is accepted, and that [tenant] domain is the connection's tenant",
    )
