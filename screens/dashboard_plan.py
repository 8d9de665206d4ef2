"""The plan of an act: every step before it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.confirmation import JUMP_BOX
from screens.dashboard_confirm import ConfirmDialog
from tui.connector.model import KeyDifference
from tui.findings import Finding, Severity, blockers
from tui.runbook.model import Plan, PlannedStep
from tui.runbook.order import Act, Wanted
from tui.widgets import words
from tui.widgets.rows import Column, RowData, Rows

_KEPT = ("keep", "read")


@dataclass(frozen=True, slots=True)
class Intent:
    """An act on some hosts, before anybody has confirmed it. `hosts` empty: all.

    `typed`: what must be typed before it begins, because nobody can log in meanwhile; empty where logins go on.
    """

    act: Act
    heading: str
    told: str
    hosts: tuple[str, ...] = ()
    typed: str = ""
    wanted: Wanted = field(default_factory=Wanted)


class ActDialog(ConfirmDialog):
    """Every step that the act will take, and the one word that begins it. `keys`: what differs now, key by key."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "keys", "Differences")]
    typing = "Typing the name says that you know who cannot log in meanwhile."
    explain = (
        "What the act will do, host by host, in this order; what the chosen step changes stands below. Nothing is done before "
        "you say so. It runs in a process of its own, which goes on when this terminal is gone, and can be resumed."
    )

    def __init__(self, intent: Intent, plan: Plan, first: str, keys: Sequence[KeyDifference] = ()) -> None:
        super().__init__()
        self.heading = intent.heading
        self.word = intent.typed
        self._intent = intent
        self._plan = plan
        self._first = first
        self._compared = keys
        stopping = blockers(plan.findings)
        self.refused = f"It cannot be done: {stopping[0].summary}." if stopping else ""
        self.set_class(bool(self.word) and not self.refused, "-typed")
        self.set_class(bool(plan.findings), "-warned")

    def compose_meaning(self) -> Iterable[Widget]:
        """What it means for logins, what is to be known beforehand, the steps, and what the chosen one changes."""
        if self._intent.told:
            yield Static(self._intent.told, id="told", classes="care" if self.word else "quiet", markup=False)
        if self._plan.findings:
            yield VerticalScroll(Static(self._known_before(), markup=False), classes="text scrolls")
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Step", 44, style="$ink"),
            Column("Changes", style="$quiet"),
            explain=self.explain,
            id="act-steps",
        )
        yield Static("", id="change", classes="quiet", markup=False)

    def _known_before(self) -> Content:
        """What is to be known before it begins: on the whole width, so that little of it is out of sight."""
        hosts = list(dict.fromkeys(step.host for step in self._plan.steps if step.host))
        lines = []
        for finding in sorted(words.joined(self._plan.findings, hosts), key=_gravity):
            tone = "$bad" if finding.severity is Severity.BLOCKER else "$care"
            lines.append(Content.styled(_sentence(finding.summary, hosts), tone))
            lines += [Content.styled(evidence, "$quiet") for evidence in finding.evidence]
            lines += [Content.assemble(("→ ", "$go"), finding.remedy)] if finding.remedy else []
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        """Show the plan."""
        rows = self.query_one("#act-steps", Rows)
        rows.display = bool(self._plan.steps)
        rows.show([_step_row(step) for step in self._plan.steps])
        if self._plan.steps and (not self.word or self.refused):
            rows.focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """What the chosen step changes, from what to what."""
        step = next(each for each in self._plan.steps if each.id == event.key)
        self.query_one("#change", Static).update(_in_full(step))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys can be shown where they were compared."""
        return bool(self._compared) if action == "keys" else super().check_action(action, parameters)

    def action_keys(self) -> None:
        """Show what differs now, key by key."""
        from screens.key_by_key import KeyByKeyDialog

        self.wizard.push_screen(KeyByKeyDialog(self._intent.hosts[0], self._first, self._compared))


def _sentence(text: str, hosts: Sequence[str]) -> str:
    """With a capital, unless it begins with the name of a host."""
    return text if text.startswith(tuple(hosts)) else f"{text[:1].upper()}{text[1:]}"


def _gravity(finding: Finding) -> int:
    return list(Severity).index(finding.severity)


def _step_row(step: PlannedStep) -> RowData:
    changes = ", ".join(f"{change.action} {change.subject}" for change in step.changes if change.action not in _KEPT)
    return RowData(step.id, (step.host or JUMP_BOX, step.title, changes or words.NOTHING))


def _in_full(step: PlannedStep) -> Content:
    """Each change of the step with what is there now and then; why the step is there when it changes nothing."""
    lines = []
    for change in step.changes:
        values = " → ".join(value for value in (change.before, change.after) if value)
        if change.action not in _KEPT:
            lines.append(f"{change.action} {change.subject}{f': {values}' if values else ''}")
    if not lines and step.why:
        lines.append(f"{step.why[:1].upper()}{step.why[1:]}.")
    return Content("\n").join([Content(line) for line in lines])
