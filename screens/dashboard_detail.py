"""The lower half of the dashboard: one kind of details of the chosen instance at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from screens.dashboard_told import check_facts, event_lines
from screens.key_by_key import key_row
from tui.connector.explain import LogLine, explained_lines
from tui.connector.model import KeyDifference
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.events import HealthEvent
from tui.health.model import ClusterStatus
from tui.health.monitor import InstanceView
from tui.runbook.watched import Watched
from tui.widgets.detail_tabs import DetailTabs
from tui.widgets.facts import Facts, Findings
from tui.widgets.lines_view import LinesView, log_lines
from tui.widgets.rows import Column, Rows

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen

CHECKS, KEYS, LOG, HISTORY = "checks", "keys", "log", "history"
KINDS: Final = ((CHECKS, "Checks"), (KEYS, "Configuration"), (LOG, "Log"), (HISTORY, "History"))
_LOG_LINES = 200


@dataclass(frozen=True, slots=True)
class LogRead:
    """The end of a log, to be shown."""

    lines: tuple[LogLine, ...]


class DetailPane(Vertical):
    """Four ways to look at one instance. What has to be read anew is asked of the core in a thread."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.kind = CHECKS
        self.all_keys = False
        self._findings: tuple[Finding, ...] = ()
        self._compared: tuple[KeyDifference, ...] | None = None

    def compose(self) -> ComposeResult:
        """The kinds, then the one that is shown."""
        yield DetailTabs(KINDS, id="tabs")
        with VerticalScroll(id=CHECKS):
            yield Findings(id="problems")
            yield Facts(id="facts")
        with Vertical(id=KEYS):
            yield Static("", id="keys-told", classes="quiet", markup=False)
            yield Rows(
                Column("Key", 26, style="$ink"),
                Column("Here"),
                Column("First host"),
                Column("Class", 20, style="$quiet", from_width=90),
                explain="The configuration of the chosen instance and of the first host. Secrets are only ever equal or different.",
                id="compared",
            )
        yield LinesView(
            explain="The end of the connector's log as it comes. What a known line means follows it.",
            follows=True,
            id=LOG,
        )
        yield LinesView(explain="What happened to this instance and to the cluster, the latest first.", id=HISTORY)

    def on_mount(self) -> None:
        """One kind at a time."""
        self.pick(self.kind)

    def pick(self, kind: str) -> None:
        """Show another kind."""
        self.kind = kind
        for each, _ in KINDS:
            self.query_one(f"#{each}").display = each == kind

    def show_checks(self, screen: DashboardScreen, view: InstanceView, status: ClusterStatus, watched: Watched) -> None:
        """What was looked at, what is wrong, and what to do."""
        own = view.status.problems if view.status is not None and view.failure is None else ()
        findings = (*own, *status.problems)
        if findings != self._findings:
            self._findings = findings
            self.query_one("#problems", Findings).show(findings)
        first = screen.first
        facts = check_facts(view, watched.troubleshot().get(view.name), screen.wizard.now(), first)
        self.query_one("#facts", Facts).show(facts)

    def work(self, view: InstanceView, watched: Watched) -> Callable[[], object] | None:
        """What to ask the core in a thread for the kind that is shown; None where all is known already."""
        name = view.name
        if self.kind == KEYS:
            return lambda: watched.compared(name)
        if self.kind == LOG:
            return lambda: LogRead(tuple(explained_lines(watched.log(name))[-_LOG_LINES:]))
        if self.kind == HISTORY:
            return lambda: watched.earlier_events()
        return None

    def answered(self, view: InstanceView, answer: object) -> None:
        """Show what the core has answered."""
        if isinstance(answer, LogRead):
            self.query_one(f"#{LOG}", LinesView).show(view.name, log_lines(answer.lines))
        elif isinstance(answer, list):
            self.show_events(view, answer)
        else:
            self._compared = answer if isinstance(answer, tuple) else None
            self.show_keys(view)

    def failed(self, view: InstanceView, error: OperatorError) -> None:
        """Say why it cannot be told."""
        if self.kind in (LOG, HISTORY):
            lines = [Content.styled(line, "$care") for line in error.lines()]
            self.query_one(f"#{self.kind}", LinesView).show(view.name, lines)
        else:
            self.query_one("#compared").display = False
            self._tell_keys("\n".join(error.lines()))

    def _tell_keys(self, said: str) -> None:
        told = self.query_one("#keys-told", Static)
        told.display = bool(said)
        if str(told.content) != said:
            told.update(said)

    def show_events(self, view: InstanceView, events: Sequence[HealthEvent]) -> None:
        """The history."""
        self.query_one(f"#{HISTORY}", LinesView).show(view.name, event_lines(events, view.name))

    def show_keys(self, view: InstanceView) -> None:
        """The configuration, all keys or those that differ."""
        compared = self._compared or ()
        shown = [key for key in compared if self.all_keys or not key.equal]
        rows = self.query_one("#compared", Rows)
        rows.display = bool(shown)
        rows.show([key_row(key) for key in shown])
        self._tell_keys(_keys_told(view, self._compared, bool(shown)))


def _keys_told(view: InstanceView, compared: tuple[KeyDifference, ...] | None, shown: bool) -> str:
    if compared is None:
        return "The configuration has not been read yet."
    if shown:
        return ""
    if view.first:
        return "This is the first host: the others are compared with it. Press a to see every key."
    return f"Nothing differs in {len(compared)} keys. Press a to see every key."
