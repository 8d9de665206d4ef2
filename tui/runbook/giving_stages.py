"""The stages of the acts that put a set of their own on hosts: one instance after another, or all at once around a new certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.cluster import Cluster, Host
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.runbook.context import RunContext
from tui.runbook.giving import GivenSet, GivenWork
from tui.runbook.order import Act, Wanted
from tui.runbook.run_view import RunHistory
from tui.runbook.stages import Stage, Track
from tui.runbook.steps.acting import OthersServe
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.connected import Connected
from tui.runbook.steps.files import CheckSet, CommitConfig, ParkConfig, PlaceCertificates, PlaceProfileMapper
from tui.runbook.steps.gates import CompareThumbprint, Troubleshoot
from tui.runbook.steps.giving import KeepPlanned, LookBefore, Withdraw
from tui.runbook.steps.locking import LockHost, Unchanged
from tui.runbook.steps.looking import BackUpBefore
from tui.runbook.steps.publishing import Published, ReleaseGiven, StartPublisher, WayBack
from tui.runbook.steps.services import StartAdmin, StartConnector, StopServices
from tui.tenant import TenantClient

GIVING_ACTS: frozenset[Act] = frozenset(("restore", "republish", "change", "renew"))
"""The acts that this module has the stages of."""

_FILES = (PlaceCertificates, PlaceProfileMapper, CheckSet)
_PLACE = (ParkConfig, *_FILES)
_COMMIT = (CompareThumbprint, CommitConfig, StartAdmin, StartConnector)
_TAKE = (LockHost, Unchanged)
_PROVE = (Connected, Troubleshoot, ReleaseGiven)
_ROLLING = (*_TAKE, OthersServe, StopServices, *_PLACE, *_COMMIT, *_PROVE)
_LOOKING = (LookBefore, BackUpBefore)
_PUBLISH = (CompareThumbprint, CommitConfig, StartAdmin, StartPublisher, Published)


def given_hosts(cluster: Cluster, act: Act, names: Sequence[str]) -> tuple[Host, ...]:
    """The hosts that an act concerns, in the order of the names; without names, for a change or a new certificate, all of them,
    the first host last. A run that is resumed keeps its hosts and their order, whatever the cluster file says by then.

    Raises OperatorError for a name that the cluster file does not have, and for a backup that no host was named for.
    """
    known = [host.name for host in cluster.hosts]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"{', '.join(unknown)} is not a host of cluster {cluster.name}",
            tried="compared with the cluster file",
            remedy=f"its hosts are: {', '.join(known)}",
        )
    if not names and act in ("change", "renew"):
        names = first_last(cluster, known)
    if not names:
        raise OperatorError("no host was named", remedy="name the hosts that the backup is for")
    return tuple(cluster.host(name) for name in dict.fromkeys(names))


def hosts_to_begin_with(cluster: Cluster, act: Act, names: Sequence[str]) -> tuple[Host, ...]:
    """The hosts for a run that is about to begin, the first host last. A change or a new certificate always goes to all.

    Raises OperatorError as `given_hosts`, and for hosts that another certificate would lock out.
    """
    hosts = given_hosts(cluster, act, () if act in ("change", "renew") else first_last(cluster, names))
    left = [host.name for host in cluster.hosts if host not in hosts]
    if act == "republish" and left:
        raise OperatorError(
            f"{', '.join(left)} would be locked out by another certificate",
            meaning="nothing was begun",
            remedy=f"with --publish name every host of the cluster: --all --host {cluster.first.name}",
        )
    return hosts


def first_last(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """The names in the cluster file's order, the first host's last; names that it does not have before that."""
    known = [host.name for host in cluster.hosts]
    order = [*(name for name in known if name != cluster.first.name), cluster.first.name]
    return [*(name for name in names if name not in known), *(name for name in order if name in names)]


def giving_stages(
    context: RunContext,
    act: Act,
    wanted: Wanted,
    hosts: Sequence[Host],
    client: Callable[[], TenantClient] | None,
    *,
    interrupts: bool,
) -> tuple[Stage, ...]:
    """The stages for these hosts. The first keeps the set, the second looks and backs up, the rest change."""
    given_set = GivenSet(context, act, wanted, [host.name for host in hosts])
    alone = interrupts or given_set.publishes
    works = [GivenWork(given_set, host.name, client=client, alone_is_fine=alone) for host in hosts]
    parallel = context.cluster.run.parallel
    whole = given_set.publishes and not _taught(given_set)
    before = (
        Stage(
            "planned",
            (Track(given_set.home, (KeepPlanned(given_set),)),),
            changes=False,
            all_or_nothing=whole,
        ),
        Stage(
            "before",
            tuple(_track(work, _LOOKING) for work in works),
            parallel,
            changes=False,
            all_or_nothing=whole,
        ),
    )
    if given_set.publishes:
        return (*before, *_publishing(works, parallel, whole=whole))
    return (*before, *(Stage(f"{act}-{work.host.name}", (_track(work, _ROLLING),)) for work in works))


def _taught(given_set: GivenSet) -> bool:
    """Whether the tenant has learned the run's certificate from an earlier runner: those that serve with it are not undone because
    another host fails now."""
    context = given_set.context
    if context.journal is None:
        return False
    return f"{given_set.publisher}/{Published.name}" in RunHistory.read(context.journal, context.run).verified


def _publishing(works: Sequence[GivenWork], parallel: int, *, whole: bool) -> tuple[Stage, ...]:
    """The publisher is made ready while the others serve; they are stopped and left without config.json, as each would
    publish its old certificate again when it is refused, or its host boots, and starts; the publisher starts;
    the others follow, side by side; the rest is proof."""
    publisher, others = works[0], works[1:]
    ready = (*_TAKE, OthersServe, Withdraw, *_PLACE)

    def stage(name: str, members: Sequence[GivenWork], steps: Sequence[type[HostStep]], *, together: bool) -> Stage:
        tracks = tuple(_track(work, steps) for work in members)
        return Stage(name, tracks, parallel, all_or_nothing=together, abort_undoes_all=True)

    stages = [
        Stage("way-back", tuple(_track(work, (WayBack,)) for work in works), parallel, changes=False),
        stage("make-ready", (publisher,), ready, together=whole),
    ]
    if others:
        stages.append(stage("withdraw", others, (*_TAKE, Withdraw, ParkConfig), together=whole))
    stages.append(stage("publish", (publisher,), _PUBLISH, together=whole))
    if others:
        stages.append(stage("follow", others, (*_FILES, *_COMMIT), together=False))
    stages.append(stage("prove", works, _PROVE, together=False))
    return tuple(stages)


def _track(work: GivenWork, steps: Sequence[type[HostStep]]) -> Track:
    unbroken = None
    if StopServices in steps:
        unbroken = (StopServices.name, Connected.name)
    elif StartAdmin in steps or Withdraw in steps:
        unbroken = ("" if StartAdmin in steps else Withdraw.name, steps[-1].name)
    return Track(work.host.name, tuple(step(work) for step in steps), unbroken)


def interruption(cluster: Cluster, act: Act, hosts: Sequence[Host]) -> list[Finding]:
    """What is to be known about logins before the act is confirmed."""
    if act not in ("republish", "renew"):
        return []
    publisher, known = hosts[0].name, [host.name for host in cluster.hosts]
    return [
        Finding(
            id="interrupts-logins",
            severity=Severity.WARNING,
            summary="nobody can log in from the moment the instances are stopped until the first is accepted again",
            evidence=(
                f"{publisher} is made ready while the others serve; then they are stopped, and {publisher} starts and publishes "
                "the certificate: usually less than a minute",
                f"until {cluster.run.settle_seconds:g} s after that, fewer instances serve than usual",
                f"an instance that is not in this cluster file is locked out; it names {', '.join(known)}",
            ),
            remedy="choose a quiet hour, tell those who depend on it, and see that no instance is missing in the cluster file",
        )
    ]
