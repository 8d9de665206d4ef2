"""What a front does with the acts of an ordinary week: show what one would do, and start it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tui.runbook.acts import act_stages, acted_on
from tui.runbook.launch import new_run_id, start_run
from tui.runbook.model import Plan
from tui.runbook.open_cluster import OpenCluster
from tui.runbook.order import Act, RunOrder
from tui.runbook.procedure import plan_of, tenant_client


class MakeOrder(Protocol):
    """Makes the order for a run of the open cluster."""

    def __call__(self, run: str, *, hosts: tuple[str, ...], act: Act, interrupts: bool) -> RunOrder:
        """The order."""
        ...


class ActOperations:
    """The acts on one open cluster. They run on the same engine and journal as the procedure."""

    def __init__(self, current: Callable[[], OpenCluster], make_order: MakeOrder) -> None:
        self._current = current
        self._make_order = make_order

    def preview(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False) -> Plan:
        """Every step that the act would perform on these hosts (all for none), in order, with what would change.

        Changes nothing. Raises OperatorError for hosts that the act cannot be performed on.
        """
        current = self._current()
        chosen = acted_on(current.cluster, act, hosts)
        context = current.acting_context()
        stages = act_stages(context, act, chosen, tenant_client(current.cluster, current.access), interrupts=interrupts)
        return plan_of(current.cluster.name, stages, with_changes=True)

    def start(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False) -> str:
        """Start the act in a detached runner; returns the run's id.

        `interrupts`: the operator has agreed to a moment in which no instance serves.
        """
        acted_on(self._current().cluster, act, hosts)
        run = new_run_id()
        start_run(self._make_order(run, hosts=tuple(hosts), act=act, interrupts=interrupts))
        return run
