"""The flows of the command line for the acts of an ordinary week: restart and failover drill."""

from __future__ import annotations

from collections.abc import Sequence

from tui.errors import OperatorError
from tui.headless import Talk, answered, connect_all, follow
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunView
from tui.runbook.order import Act

_COMMANDS = {"restart": "adldap-ha restart", "drill": "adldap-ha drill"}


def perform_act(
    operations: ClusterOperations, talk: Talk, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False
) -> RunView:
    """Connect, show what the act would do, have it confirmed, perform it. Raises OperatorError when it was not confirmed."""
    cluster = operations.cluster
    connect_all(operations, talk, [host.name for host in cluster.hosts], all_needed=False)
    plan = answered(operations, talk, lambda: operations.acts.preview(act, hosts, interrupts=interrupts))
    if not talk.confirm_plan(cluster, plan):
        raise OperatorError(
            "the plan was not confirmed",
            meaning="no service was touched",
            remedy=f"run {_COMMANDS[act]} {cluster.name} again and type {cluster.name}, or give --yes where nobody can type",
        )
    run = operations.acts.start(act, hosts, interrupts=interrupts)
    talk.say(f"run {run} has started; it goes on if this terminal is closed")
    return follow(operations, talk, run)
