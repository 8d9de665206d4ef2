"""Confirmation: the whole plan, and the one word that begins it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from screens.base import WizardScreen
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.model import Plan, PlannedStep
from tui.widgets import words
from tui.widgets.facts import Findings
from tui.widgets.field import Field
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

JUMP_BOX = "jump box"
_BACKING_UP = ("back-up", "back-up-before")
_NOT_OF_THE_SET = (*_BACKING_UP, "lock", "release")


class ConfirmationScreen(WizardScreen):
    """Shows what a run would do. Only the cluster's name, typed, starts it."""

    STAGE = Stage.CONFIRMATION
    heading = "Shall it be done?"
    why = "Nothing has been changed so far. The first host is only ever read."
    explain = (
        "The run stops both services of an additional host, puts the set in place, and starts them again. Until a host is "
        "verified, what it had is kept and put back on any failure. The run goes on when this terminal is gone."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Begin"),
        Binding("up", "host(-1)", "Host above", show=False),
        Binding("down", "host(1)", "Host below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]
    AUTO_FOCUS = "#typed"

    def __init__(self) -> None:
        super().__init__()
        self._starting = False

    def compose_content(self) -> Iterable[Widget]:
        """The name first: it is what is missing. Then the plan."""
        yield Field(
            f"Type {self.state.name}",
            Input(placeholder="the cluster's name", id="typed", compact=True),
            explain="Typing the cluster's name says that you mean this cluster and no other.",
        )
        yield Findings(id="blockers")
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Steps", 5, style="$quiet", right=True),
            Column("What happens", style="$quiet"),
            explain="The hosts in the order in which they are worked on. The steps of the chosen one stand below.",
            id="hosts",
        )
        yield Rows(
            Column("Step", 44, style="$ink"),
            Column("Changes", style="$quiet"),
            explain="Every step in order. Nothing else is done.",
            id="steps",
        )
        yield Findings(id="findings")

    def on_mount(self) -> None:
        """Make the plan, unless it is there already."""
        self.query_one("#hosts").display = False
        self.query_one("#steps").display = False
        if self.state.plan is not None:
            self._show(self.state.plan)
            return
        self.tell("Making the plan; nothing is changed", busy=True)
        self.offer("Begin", enabled=False)
        self.ask("preview", lambda: self.operations.preview(self.state.chosen), self._show, self._failed)

    def _failed(self, error: OperatorError) -> None:
        self.tell(". ".join(part for part in (error.summary, error.remedy) if part), "bad")

    def _show(self, plan: Plan) -> None:
        self.state.plan = plan
        told = words.joined(
            plan.findings, [host.name for host in self.state.cluster.hosts] if self.state.cluster else []
        )
        stopping = blockers(told)
        self.query_one("#blockers", Findings).show(stopping)
        self.query_one("#findings", Findings).show([finding for finding in told if finding not in stopping])
        rows = self.query_one("#hosts", Rows)
        rows.display = True
        rows.show([_host_row(host, steps) for host, steps in by_host(plan.steps).items()])
        if self.state.chosen and self.state.chosen[0] in rows.keys:
            rows.choose(self.state.chosen[0])
        self._judge()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Show the chosen host's steps."""
        if event.rows.id != "hosts" or self.state.plan is None:
            return
        steps = self.query_one("#steps", Rows)
        steps.display = True
        steps.show([_step_row(step) for step in by_host(self.state.plan.steps).get(event.key, [])])

    def action_host(self, distance: int) -> None:
        """Choose another host while the name's field keeps the focus."""
        self.query_one("#hosts", Rows).action_move(distance)

    def action_page(self, distance: int) -> None:
        """Scroll the plan, which is longer than a small terminal."""
        content = self.query_one("#content")
        content.scroll_relative(y=distance * max(1, content.size.height - 1), animate=False)

    @on(Input.Changed, "#typed")
    def _typed(self) -> None:
        self._judge()

    def _judge(self) -> None:
        plan = self.state.plan
        if plan is None:
            return
        stopping = blockers(plan.findings)
        typed = self.query_one("#typed", Input).value
        right = typed == self.state.name
        if stopping:
            self.tell(f"The plan cannot be carried out: {stopping[0].summary}", "bad")
        elif right:
            self.tell(f"Press enter: {words.listed(list(self.state.chosen))} will be changed.", "now")
        elif typed and not self.state.name.startswith(typed):
            self.tell(f"That is not the name of this cluster. It is {self.state.name}.", "care")
        else:
            self.tell(f"Type {self.state.name} to begin, or go back with esc.", "now")
        self.offer("Begin", enabled=right and not stopping)

    def proceed(self) -> None:
        """Ask for the tenant's secret where there is one, then start the run."""
        from screens.questions import ClientSecretDialog

        cluster = self.state.cluster
        if cluster is None or cluster.tenant is None or self.state.client_secret_asked:
            self._start()
            return
        domain = cluster.tenant.domain

        def typed(value: str | None) -> None:
            self.state.client_secret_asked = True
            if value is None:
                self._start()
            else:
                self.ask("secret", lambda: self.operations.supply_client_secret(value), lambda _none: self._start())

        self.wizard.put(ClientSecretDialog(domain), typed)

    def _start(self) -> None:
        self._starting = True
        self.tell("Starting the run", busy=True)
        self.offer("Begin", enabled=False)
        self.ask("start", lambda: self.operations.start_run(self.state.chosen), self._started, self._not_started)

    def action_back(self) -> None:
        """Go back, unless the run is just being started: then its progress comes next."""
        if not self._starting:
            super().action_back()

    def _started(self, run: str) -> None:
        self.state.run = run
        self.state.view = None
        self.state.done.add(self.STAGE)
        self.wizard.go_home(then=Stage.PROGRESS)

    def _not_started(self, error: OperatorError) -> None:
        self._starting = False
        self.tell(". ".join(part for part in (error.summary, error.meaning, error.remedy) if part), "bad")
        self.offer("Try again")


def by_host(steps: Sequence[PlannedStep]) -> dict[str, list[PlannedStep]]:
    """The steps of each host, in the order in which hosts first appear; those of no host belong to the jump box."""
    grouped: dict[str, list[PlannedStep]] = {}
    for step in steps:
        grouped.setdefault(step.host or JUMP_BOX, []).append(step)
    return grouped


def _host_row(host: str, steps: Sequence[PlannedStep]) -> RowData:
    return RowData(host, (host, str(len(steps)), _summary(steps)))


def _summary(steps: Sequence[PlannedStep]) -> str:
    """What happens to the host itself: what goes into the vault is kept here, and the lock comes and goes."""
    changes = [change for step in steps if step.name not in _NOT_OF_THE_SET for change in step.changes]
    replaced = {change.subject for change in changes if change.action in ("create", "replace")}
    removed = {change.subject for change in changes if change.action == "remove"} - replaced
    stopped = any(change.action == "stop" for change in changes)
    started = any(change.action == "start" for change in changes)
    parts = [
        "backed up" if any(step.name in _BACKING_UP for step in steps) else "",
        f"writes {words.count(len(replaced), 'file')}" if replaced else "",
        f"removes {words.count(len(removed), 'file')}" if removed else "",
        "restarts its services" if stopped and started else "starts its services" if started else "",
    ]
    if not any(parts[1:]):
        return "is only read" + (" and backed up" if parts[0] else "")
    return ", ".join(part for part in parts if part)


def _step_row(step: PlannedStep) -> RowData:
    changes = ", ".join(f"{change.action} {change.subject}" for change in step.changes)
    return RowData(step.id, (step.title, changes or words.NOTHING))
