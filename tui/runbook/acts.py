"""The acts of an ordinary week as procedures for the engine: a restart, one instance after another, and a failover drill."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.cluster import Cluster, Host
from tui.errors import OperatorError
from tui.runbook.context import RunContext
from tui.runbook.order import Act
from tui.runbook.stages import Stage, Track
from tui.runbook.steps.acting import (
    ActingWork,
    BackInService,
    Drain,
    GiveBack,
    OthersServe,
    OthersStay,
    Return,
    SafeToReturn,
)
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.locking import LockHost
from tui.tenant import TenantClient

RESTART: tuple[type[HostStep], ...] = (LockHost, SafeToReturn, OthersServe, Drain, Return, BackInService, GiveBack)
DRILL: tuple[type[HostStep], ...] = (
    LockHost,
    SafeToReturn,
    OthersServe,
    Drain,
    OthersStay,
    Return,
    BackInService,
    GiveBack,
)
_STEPS: dict[str, tuple[type[HostStep], ...]] = {"restart": RESTART, "drill": DRILL}


def acted_on(cluster: Cluster, act: Act, names: Sequence[str]) -> tuple[Host, ...]:
    """For a restart and a drill: the hosts that an act concerns, the first host last, so that the instance everybody knows leaves service last.

    Raises OperatorError for a name that the cluster file does not have, and for a drill of a cluster of one.
    """
    known = [host.name for host in cluster.hosts]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise OperatorError(
            f"{', '.join(unknown)} is not a host of cluster {cluster.name}",
            tried="compared with the cluster file",
            remedy=f"its hosts are: {', '.join(known)}",
        )
    if act == "drill" and len(known) < 2:
        raise OperatorError(
            f"cluster {cluster.name} has only one instance",
            meaning="a drill takes one instance out of service; nobody could log in meanwhile",
            remedy="add another host to the cluster first",
        )
    chosen = [host for host in cluster.hosts if not names or host.name in names]
    return tuple(sorted(chosen, key=lambda host: host.name == cluster.cluster.first))


def act_stages(
    context: RunContext,
    act: Act,
    hosts: Sequence[Host],
    client: Callable[[], TenantClient] | None,
    *,
    interrupts: bool = False,
) -> tuple[Stage, ...]:
    """One stage a host, so that never two instances are out of service; the first failure ends the run."""
    steps, several = _STEPS[act], len(hosts) > 1
    stages = []
    for host in hosts:
        work = ActingWork(
            context, host.name, all_others=several and act == "restart", alone_is_fine=interrupts, client=client
        )
        unbroken = (Drain.name, BackInService.name)
        stages.append(Stage(f"{act}-{host.name}", (Track(host.name, tuple(step(work) for step in steps), unbroken),)))
    return tuple(stages)
