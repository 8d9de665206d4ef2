"""What a front does with the acts of an ordinary week: show what one would do, and start it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tui.cluster import Host
from tui.connector.changed_set import typed_value
from tui.connector.errors import ConfigError
from tui.errors import OperatorError
from tui.runbook.acts import act_stages, acted_on
from tui.runbook.giving import new_warnings
from tui.runbook.giving_stages import GIVING_ACTS, giving_stages, hosts_to_begin_with, interruption
from tui.runbook.launch import new_run_id, start_run
from tui.runbook.model import Plan, RunView
from tui.runbook.open_cluster import OpenCluster
from tui.runbook.order import ADDING, WITHOUT_VAULT, Act, RunOrder, Wanted
from tui.runbook.preparation import preview
from tui.runbook.procedure import chosen_hosts, plan_of, tenant_client
from tui.runbook.promotion import Promotion, promotion
from tui.runbook.typed_change import TypedWrong, keys_and_values, mapper_text
from tui.vault.identity import Identity

if TYPE_CHECKING:
    from tui.runbook.console_tunnel import ConsoleTunnel

NOTHING = Wanted()
"""For the acts that put nothing of the operator's choice on hosts."""


class MakeOrder(Protocol):
    """Makes the order for a run of the open cluster."""

    def __call__(
        self, run: str, *, hosts: tuple[str, ...], act: Act, interrupts: bool, wanted: Wanted = NOTHING
    ) -> RunOrder:
        """The order."""
        ...


class ActOperations:
    """The acts on one open cluster. They run on the same engine and journal as the procedure.

    `unlocked` is the operator's identity; it raises OperatorError while that is locked. `runs`: the cluster's, newest first.
    """

    def __init__(
        self,
        current: Callable[[], OpenCluster],
        make_order: MakeOrder,
        unlocked: Callable[[], Identity],
        runs: Callable[[], list[RunView]],
    ) -> None:
        self._current = current
        self._make_order = make_order
        self._unlocked = unlocked
        self._runs = runs

    def hosts(self, act: Act, names: Sequence[str] = ()) -> tuple[Host, ...]:
        """The hosts that the act would be performed on, in order. Raises OperatorError for hosts that it cannot be performed on."""
        cluster = self._current().cluster
        if act in GIVING_ACTS:
            return hosts_to_begin_with(cluster, act, names)
        return chosen_hosts(cluster, names) if act in ADDING else acted_on(cluster, act, names)

    def preview(
        self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = NOTHING
    ) -> Plan:
        """Every step that the act would perform on these hosts (all for none), in order, with what would change.

        Changes nothing. Raises OperatorError for hosts that the act cannot be performed on.
        """
        current, chosen = self._current(), self.hosts(act, hosts)
        if act in ADDING:
            # A front may be open for days: what the first host had when it was opened is not what a run would put on others.
            first = current.remember_first(current.observe_or_ask(current.cluster.first.name))
            return preview(current.context(first), chosen)
        client = tenant_client(current.cluster, current.access)
        with contextlib.ExitStack() as stack:
            context = current.acting_context()
            if act in GIVING_ACTS:
                context.safekeeping = current.safekeeping(stack.enter_context(current.journal()), self._unlocked())
                stages = giving_stages(context, act, wanted, chosen, client, interrupts=interrupts)
            else:
                stages = act_stages(context, act, chosen, client, interrupts=interrupts)
            findings = interruption(current.cluster, act, chosen)
            if act == "change":
                findings += new_warnings(context.first().configuration, wanted)
            return plan_of(current.cluster.name, stages, with_changes=True, findings=findings)

    def start(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = NOTHING) -> str:
        """Start the act in a detached runner; returns the run's id.

        `interrupts`: the operator has agreed to a moment in which no instance serves. `wanted`: what is put on the hosts.
        """
        chosen = self.hosts(act, hosts)
        if act not in WITHOUT_VAULT:
            self._unlocked()
        names = tuple(host.name for host in chosen) if act in GIVING_ACTS else tuple(hosts)
        run = new_run_id()
        start_run(self._make_order(run, hosts=names, act=act, interrupts=interrupts, wanted=wanted))
        return run

    def promotion(self, host: str) -> Promotion:
        """What making a host the reference means, and the cluster as it is to be saved then; changes nothing.

        Raises OperatorError when the host is not fit for that, or a run is not finished.
        """
        return promotion(self._current(), host, self._runs())

    def wanted_change(self, profile_mapper: str | None, settings: Mapping[str, str]) -> Wanted:
        """What `change` is to put on every host: a profile mapper's text, and keys with values as typed by the operator.

        Looks at the first host, for the types of the values. Raises ConfigError for a key that may not be changed everywhere.
        """
        present = self._current().first().values if settings else {}
        values = {key: typed_value(key, text, present) for key, text in settings.items()}
        return Wanted(profile_mapper=profile_mapper, values=values)

    def typed_change(self, profile_mapper: str, settings: Sequence[str]) -> Wanted:
        """What `change` is to put on every host: the path of a profile mapper on this jump box, empty for none, and
        `KEY=VALUE` texts. Raises TypedWrong, which says which of them cannot be taken, and OperatorError."""
        try:
            mapper = mapper_text(Path(profile_mapper)) if profile_mapper else None
        except OperatorError as error:
            raise TypedWrong(error) from error
        typed = keys_and_values(settings)
        present = self._current().first().values if typed else {}
        values = {}
        for place, (key, text) in enumerate(typed.items()):
            try:
                values[key] = typed_value(key, text, present)
            except ConfigError as error:
                raise TypedWrong(error, place) from error
        return Wanted(profile_mapper=mapper, values=values)

    def open_console(self, host: str) -> ConsoleTunnel:
        """Open a tunnel to the admin console of an instance; the caller closes it. Raises OperatorError where there is no way to it."""
        from tui.runbook.console_tunnel import ConsoleTunnel, console_stream

        current = self._current()
        return ConsoleTunnel(host, lambda: console_stream(current, host))
