"""Confirmation: the whole plan, and the one word that begins it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from screens.base import WizardScreen
from tui.errors import OperatorError
from tui.findings import Severity, blockers
from tui.runbook.model import Plan, PlannedStep
from tui.widgets import words
from tui.widgets.facts import Facts, Findings
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
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "primary", "Begin")]
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
        yield Facts(id="step")
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
        """Show the chosen host's steps, and the chosen step in full."""
        if self.state.plan is None:
            return
        if event.rows.id == "hosts":
            steps = self.query_one("#steps", Rows)
            steps.display = True
            steps.show([_step_row(step) for step in by_host(self.state.plan.steps).get(event.key, [])])
            return
        chosen = next((step for step in self.state.plan.steps if step.id == event.key), None)
        self.query_one("#step", Facts).show(_in_full(chosen) if chosen else [])

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
            warnings = sum(finding.severity is Severity.WARNING for finding in plan.findings)
            below = f" {words.count(warnings, 'warning')} below the plan: page down." if warnings else ""
            self.tell(f"Type {self.state.name} to begin, or go back with esc.{below}", "now")
        self.offer("Begin", enabled=right and not stopping)

    def proceed(self) -> None:
        """Ask for the tenant's secret where it is not known, then start the run."""
        cluster = self.state.cluster
        if cluster is None or cluster.tenant is None or self.state.client_secret_asked:
            self._start()
            return
        domain = cluster.tenant.domain

        def looked(known: bool) -> None:
            self._start() if known else self._ask_client_secret(domain)

        self.ask("known secret", self.operations.client_secret_known, looked)

    def _ask_client_secret(self, domain: str) -> None:
        from screens.questions import ClientSecretDialog

        def typed(value: str | None) -> None:
            self.state.client_secret_asked = True
            if value is None:
                self._start()
            else:
                self.ask("secret", lambda: self.operations.supply_client_secret(value), lambda _none: self._start())

        hint = self.wizard.demo.client_secret if self.wizard.demo else None
        self.wizard.put(ClientSecretDialog(domain, hint), typed)

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
    if changes and all(change.action == "ask" for change in changes):
        return f"asks {changes[0].subject}"
    if not any(parts[1:]):
        return "is only read" + (" and backed up" if parts[0] else "")
    return ", ".join(part for part in parts if part)


def _step_row(step: PlannedStep) -> RowData:
    changes = ", ".join(f"{change.action} {change.subject}" for change in step.changes)
    return RowData(step.id, (step.title, changes or words.NOTHING))


def _in_full(step: PlannedStep) -> list[tuple[str, str | Content]]:
    """A step's reason and every change with what is there now and then: a narrow list cuts them off."""
    facts: list[tuple[str, str | Content]] = [("Why", step.why)] if step.why else []
    for change in step.changes:
        values = " → ".join(value for value in (change.before, change.after) if value)
        facts.append((change.action, f"{change.subject}: {values}" if values else change.subject))
    return facts
