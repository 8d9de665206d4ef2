"""The stages of the acts that put a set of their own on hosts: one instance after another, or all at once around a new certificate."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.cluster import Cluster, Host
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.runbook.context import RunContext
from tui.runbook.giving import GivenSet, GivenWork
from tui.runbook.order import Act, Wanted
from tui.runbook.stages import Stage, Track
from tui.runbook.steps.acting import OthersServe
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.connected import Connected
from tui.runbook.steps.files import CheckSet, CommitConfig, ParkConfig, PlaceCertificates, PlaceProfileMapper
from tui.runbook.steps.gates import CompareThumbprint, Troubleshoot
from tui.runbook.steps.giving import KeepPlanned, LookBefore, Published, WayBack, Withdraw
from tui.runbook.steps.locking import LockHost, Release, Unchanged
from tui.runbook.steps.looking import BackUpBefore
from tui.runbook.steps.services import StartAdmin, StartConnector, StopServices
from tui.tenant import TenantClient

GIVING_ACTS: frozenset[Act] = frozenset(("restore", "republish", "change", "renew"))
"""The acts that this module has the stages of."""

_FILES = (PlaceCertificates, PlaceProfileMapper, CheckSet)
_PLACE = (ParkConfig, *_FILES)
_COMMIT = (CompareThumbprint, CommitConfig, StartAdmin, StartConnector)
_TAKE = (LockHost, Unchanged)
_PROVE = (Connected, Troubleshoot, Release)
_ROLLING = (*_TAKE, OthersServe, StopServices, *_PLACE, *_COMMIT, *_PROVE)
_LOOKING = (LookBefore, BackUpBefore)


def given_hosts(cluster: Cluster, act: Act, names: Sequence[str]) -> tuple[Host, ...]:
    """The hosts that an act concerns, the first host last. A backup goes only to hosts that were named; a change or a new
    certificate always to all. Raises OperatorError for a name that the cluster file does not have."""
    known = [host.name for host in cluster.hosts]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"{', '.join(unknown)} is not a host of cluster {cluster.name}",
            tried="compared with the cluster file",
            remedy=f"its hosts are: {', '.join(known)}",
        )
    if act in ("change", "renew"):
        names = known
    if not names:
        raise OperatorError("no host was named", remedy="name the hosts that the backup is for")
    chosen = [host for host in cluster.hosts if host.name in names]
    return tuple(sorted(chosen, key=lambda host: host.name == cluster.cluster.first))


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
    given_set = GivenSet(context, act, wanted)
    alone = interrupts or given_set.publishes
    works = [
        GivenWork(given_set, host.name, publisher=place == 0, client=client, alone_is_fine=alone)
        for place, host in enumerate(hosts)
    ]
    parallel = context.cluster.run.parallel
    whole = given_set.publishes
    before = (
        Stage(
            "planned",
            (Track(context.cluster.first.name, (KeepPlanned(given_set),)),),
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
    if whole:
        return (*before, *_publishing(works, parallel))
    return (*before, *(Stage(f"{act}-{work.host.name}", (_track(work, _ROLLING),)) for work in works))


def _publishing(works: Sequence[GivenWork], parallel: int) -> tuple[Stage, ...]:
    """The publisher is made ready while the others serve; they are stopped and left without config.json, as each would
    publish its old certificate again when it is refused, or its host boots, and starts; the publisher starts;
    the others follow, side by side; the rest is proof."""
    publisher, others = works[0], works[1:]
    ready = (*_TAKE, OthersServe, Withdraw, *_PLACE)

    def stage(name: str, members: Sequence[GivenWork], steps: Sequence[type[HostStep]], *, whole: bool) -> Stage:
        tracks = tuple(_track(work, steps) for work in members)
        return Stage(name, tracks, parallel, all_or_nothing=whole, abort_undoes_all=True)

    stages = [
        Stage("way-back", tuple(_track(work, (WayBack,)) for work in works), parallel, changes=False),
        stage("make-ready", (publisher,), ready, whole=True),
    ]
    if others:
        stages.append(stage("withdraw", others, (*_TAKE, Withdraw, ParkConfig), whole=True))
    stages.append(stage("publish", (publisher,), (*_COMMIT, Published), whole=True))
    if others:
        stages.append(stage("follow", others, (*_FILES, *_COMMIT), whole=False))
    stages.append(stage("prove", works, _PROVE, whole=False))
    return tuple(stages)


def _track(work: GivenWork, steps: Sequence[type[HostStep]]) -> Track:
    unbroken = None
    if StopServices in steps:
        unbroken = (StopServices.name, Connected.name)
    elif StartConnector in steps or Withdraw in steps:
        unbroken = ("" if StartConnector in steps else Withdraw.name, steps[-1].name)
    return Track(work.host.name, tuple(step(work) for step in steps), unbroken)


def interruption(cluster: Cluster, act: Act, hosts: Sequence[Host]) -> list[Finding]:
    """What is to be known about logins before the act is confirmed."""
    if act not in ("republish", "renew"):
        return []
    publisher = hosts[0].name
    return [
        Finding(
            id="interrupts-logins",
            severity=Severity.WARNING,
            summary="nobody can log in from the moment the instances are stopped until the first is accepted again",
            evidence=(
                f"{publisher} is made ready while the others serve; then they are stopped, and {publisher} starts and publishes "
                "the certificate: usually less than a minute",
                f"until {cluster.run.settle_seconds:g} s after that, fewer instances serve than usual",
            ),
            remedy="choose a quiet hour, and tell those who depend on it",
        )
    ]
