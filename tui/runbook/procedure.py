"""The procedure: from one connector to a cluster, as stages of steps for the engine.

The order is a safety argument. The first host is only read. Everything is backed up, and the backups are proven,
before anything is changed anywhere. One additional host goes first, alone, so that what is wrong with the set or the
network shows on one host only. The others follow in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tui.cluster import Cluster, Host
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.cluster import judge_all, observe_all
from tui.health.model import HostStatus
from tui.paths import vault_dir
from tui.remote.access import Access
from tui.runbook.acts import act_stages, acted_on
from tui.runbook.context import HostWork, RunContext
from tui.runbook.giving_stages import GIVING_ACTS, given_hosts, giving_stages
from tui.runbook.journal import Journal
from tui.runbook.links import Links
from tui.runbook.model import HostVerdict, Plan, PlannedStep, Step
from tui.runbook.order import ADDING, RunOrder
from tui.runbook.safekeeping import Safekeeping
from tui.runbook.stages import Procedure, Stage, Track
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.connected import Connected
from tui.runbook.steps.files import CheckSet, CommitConfig, ParkConfig, PlaceCertificates, PlaceProfileMapper
from tui.runbook.steps.gates import CompareThumbprint, FirstHostUndisturbed, Troubleshoot
from tui.runbook.steps.locking import LockHost, Release, Unchanged
from tui.runbook.steps.looking import BackUpBefore, BackUpSet, FirstHostStep, Inspect
from tui.runbook.steps.services import STARTS_AT_BOOT, StartAdmin, StartConnector, StopServices
from tui.runbook.steps.tenant import TenantStatus
from tui.tenant import TenantClient
from tui.vault.identity import Identity, unlock
from tui.vault.vault import Vault

LOOKING: tuple[type[HostStep], ...] = (Inspect, BackUpBefore)
CHANGING: tuple[type[HostStep], ...] = (
    LockHost,
    Unchanged,
    StopServices,
    ParkConfig,
    PlaceCertificates,
    PlaceProfileMapper,
    CheckSet,
    CompareThumbprint,
    CommitConfig,
    StartAdmin,
    StartConnector,
    Connected,
    Troubleshoot,
    FirstHostUndisturbed,
    Release,
)
"""What is done to each additional host, in this order."""


def build_procedure(order: RunOrder, journal: Journal) -> Procedure:
    """The procedure that an order asks for; connects to nothing yet.

    Raises ClusterFileError, and OperatorError for hosts that the cluster file does not have.
    """
    from tui.cluster_file import load_cluster

    cluster = load_cluster(order.cluster_file)
    links = Links(order.access)
    context = RunContext(
        cluster=cluster,
        run=order.run,
        operator=order.operator,
        links=links,
        safekeeping=safekeeping_for(cluster, order.access, order.identity_file, order.operator, journal),
        journal=journal,
    )
    client = tenant_client(cluster, order.access)
    if order.act in ADDING:
        hosts = chosen_hosts(cluster, order.hosts)
        stages = build_stages(context, hosts, client, one_at_a_time=order.act == "converge")
        seen = (cluster.first, *hosts)
    elif order.act in GIVING_ACTS:
        hosts = given_hosts(cluster, order.act, order.hosts)
        stages = giving_stages(context, order.act, order.wanted, hosts, client, interrupts=order.interrupts)
        seen = cluster.hosts
    else:
        hosts = acted_on(cluster, order.act, order.hosts)
        stages = act_stages(context, order.act, hosts, client, interrupts=order.interrupts)
        seen = cluster.hosts
    return Procedure(
        plan=plan_of(cluster.name, stages, with_changes=False),
        stages=stages,
        close=links.close,
        verdicts=lambda: run_verdicts(context, seen),
    )


def safekeeping_for(
    cluster: Cluster, access: Access, identity_file: Path, operator: str, journal: Journal | None
) -> Safekeeping:
    """The cluster's vault, opened with the passphrase among the secrets when an identity is first needed."""

    def open_identity() -> Identity:
        passphrase = access.secrets.vault.passphrase
        if passphrase is None:
            raise OperatorError(
                "the vault's passphrase is needed",
                meaning="a backup that cannot be decrypted proves nothing",
                remedy="supply [vault] passphrase, or unlock the identity in the wizard",
            )
        return unlock(identity_file, passphrase.get_secret_value())

    return Safekeeping(
        Vault(vault_dir(cluster.name), cluster.name),
        recipients=cluster.vault.recipients,
        operator=operator,
        unlock=open_identity,
        journal=journal,
    )


def tenant_client(cluster: Cluster, access: Access) -> Callable[[], TenantClient] | None:
    """How to make the Management API client; None when there is no `[tenant]`, or no client secret for it."""
    tenant, secret = cluster.tenant, access.secrets.tenant.client_secret
    if tenant is None or secret is None:
        return None
    ca_file = tenant.ca_file.expanduser() if tenant.ca_file else None
    return lambda: TenantClient(tenant.domain, tenant.client_id, secret.get_secret_value(), ca_file=ca_file)


def chosen_hosts(cluster: Cluster, names: Sequence[str]) -> tuple[Host, ...]:
    """The additional hosts of that name, in the file's order; all of them for no names. Raises OperatorError."""
    known = {host.name for host in cluster.additional}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"{', '.join(unknown)} is not an additional host of cluster {cluster.name}",
            tried="compared with the cluster file",
            remedy=f"additional hosts are: {', '.join(host.name for host in cluster.additional) or 'none'}",
        )
    return tuple(host for host in cluster.additional if not names or host.name in names)


def build_stages(
    context: RunContext,
    hosts: Sequence[Host],
    client: Callable[[], TenantClient] | None,
    *,
    one_at_a_time: bool = False,
) -> tuple[Stage, ...]:
    """The stages for these additional hosts. The first stage reads, the second backs up, the rest change.

    `one_at_a_time`: they are in service already, so never two of them are changed at once.
    """
    works = {host.name: HostWork(context, host) for host in hosts}

    def tracks(chosen: Sequence[Host], steps: Sequence[type[HostStep]]) -> tuple[Track, ...]:
        unbroken = (StopServices.name, Connected.name) if StopServices in steps else None
        return tuple(Track(host.name, tuple(step(works[host.name]) for step in steps), unbroken) for host in chosen)

    first = context.cluster.first.name
    parallel = context.cluster.run.parallel
    canary, others = tuple(hosts[:1]), tuple(hosts[1:])
    stages = [Stage("first-host", (Track(first, (FirstHostStep(context), BackUpSet(context))),), changes=False)]
    if hosts:
        stages.append(Stage("before", tracks(hosts, LOOKING), parallel, changes=False))
        stages.append(Stage("first-addition", tracks(canary, CHANGING)))
    if others:
        stages.append(Stage("additions", tracks(others, CHANGING), 1 if one_at_a_time else parallel))
    stages.append(Stage("tenant", (Track(None, (TenantStatus(context, client),)),), changes=False))
    return tuple(stages)


def plan_of(cluster: str, stages: Sequence[Stage], *, with_changes: bool, findings: Sequence[Finding] = ()) -> Plan:
    """The plan that lists exactly the steps of `stages`. `with_changes` looks at the hosts; else nothing is asked."""

    def planned(step: Step, changes_host: bool) -> PlannedStep:
        return PlannedStep(
            id=f"{step.host or 'tenant'}/{step.name}",
            name=step.name,
            host=step.host,
            title=step.title,
            why=step.why,
            changes=step.plan() if with_changes else (),
            changes_host=changes_host,
        )

    listed = tuple(
        tuple(planned(step, stage.changes) for track in stage.tracks for step in track.steps) for stage in stages
    )
    return Plan(cluster=cluster, stages=listed, findings=tuple(findings))


def run_verdicts(context: RunContext, hosts: Sequence[Host]) -> tuple[HostVerdict, ...]:
    """How each host is doing now; a host that cannot be looked at is `unknown`. Never raises."""
    cluster = context.cluster
    observations = observe_all([context.links.to(host).probe for host in hosts])
    status = judge_all(cluster.name, cluster.first.name, observations, hosts)
    return tuple(
        HostVerdict(
            name=host.name,
            verdict=host.verdict.value,
            detail=_detail(host, _left_behind(context, host)),
            os=host.os,
            transport=host.transport,
        )
        for host in status.hosts
    )


def _left_behind(context: RunContext, host: HostStatus) -> str | None:
    """What undoing has left for a person to do on a host whose connector is still stopped."""
    noted = context.recall(host.name, STARTS_AT_BOOT)
    return str(noted["text"]) if noted and host.hub != "connected" else None


def _detail(host: HostStatus, left: str | None) -> str:
    if left:
        return left
    worst = host.problems[0].summary if host.problems else ""
    return f"hub {host.hub}" + (f"; {worst}" if worst and host.verdict.value != "healthy" else "")
