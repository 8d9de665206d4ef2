"""Summary: how it came out, and where the evidence lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.base import WizardScreen
from screens.decisions import Decisions, open_decision
from screens.failure import waits
from tui.app import UNDER_WAY
from tui.errors import OperatorError
from tui.health.model import ClusterStatus
from tui.runbook.act_words import act_words
from tui.runbook.drill import drill_rounds, drill_verdict
from tui.runbook.model import RunState, RunView, StepState
from tui.widgets import words
from tui.widgets.facts import Facts, Told
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

_EVERY_S = 0.5


class SummaryScreen(WizardScreen):
    """Verdict, hosts, report, bundle."""

    STAGE = Stage.SUMMARY
    heading = "How it came out"
    why = "The report says what was done, when, by whom, and on what evidence."
    explain = (
        "The report is Markdown without secrets, made for a change record. The support bundle holds journal, logs and findings, "
        "redacted, for asking somebody else."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Home"),
        Binding("o", "read", "Report"),
        Binding("i", "bundle", "Bundle"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._report: Path | None = None
        self._bundle: Path | None = None
        self._decisions = Decisions(self)

    def compose_content(self) -> Iterable[Widget]:
        """Verdict, hosts, facts."""
        yield Static("", id="verdict", classes="block", markup=False)
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Verdict", 12),
            Column("Why", style="$quiet"),
            explain="How each host came out of the run.",
            id="hosts",
        )
        yield Facts(id="host")
        yield Facts(id="facts")

    def on_mount(self) -> None:
        """Wait for the run's end, then write the report."""
        self.offer("Back to home")
        self.tell("Waiting for the run to close", busy=True)
        if self.state.run is None:
            self.tell("No run belongs to this: the services were only looked at.", "none")
            self.ask("status", self.operations.status, self._judged)
            return
        if self.state.view is not None:
            self._show(self.state.view)
        self._poll()

    @on(Rows.Chosen, "#hosts")
    def _chosen(self, event: Rows.Chosen) -> None:
        hosts = self.state.view.hosts if self.state.view is not None else ()
        why = next((host.detail.split("; ") for host in hosts if host.name == event.key), [])
        self.query_one("#host", Facts).show([(event.key, "\n".join(why))] if len(why) > 1 else [])

    def _judged(self, status: ClusterStatus) -> None:
        self.query_one("#verdict", Static).update(_verdict(status.verdict.value))
        rows = [
            RowData(host.name, (host.name, words.verdict(host.verdict.value), words.plain(host.hub)))
            for host in status.hosts
        ]
        self.query_one("#hosts", Rows).show(rows)

    def _poll(self) -> None:
        if self.state.run is not None and self.is_attached:
            self.ask("view", partial(self.operations.run_view, self.state.run), self._seen)

    def _seen(self, view: RunView) -> None:
        self.state.view = view
        self._show(view)
        self._decisions.follow(view)
        if view.state in UNDER_WAY:
            self._tell_waiting(view)
            self.set_timer(_EVERY_S, self._poll)
        else:
            self.offer("Open the dashboard" if _in_service(view) else "Back to home")
            self.tell("Writing the report", busy=True)
            self.ask("report", partial(self.operations.report, view.id), self._reported, self._not_reported)

    def _tell_waiting(self, view: RunView) -> None:
        decision = open_decision(view)
        self.offer("Decide" if decision else "Back to home")
        if decision is not None:
            self.tell(waits(decision, self.wizard.now()), "care")
        elif view.question is not None:
            self.tell("The run asks what the tenant shows: go back with esc and answer.", "care")
        else:
            self.tell("Waiting for the run to close", busy=True)

    def _reported(self, path: Path) -> None:
        self._report = path
        view = self.state.view
        if view is not None:
            self._show(view)
            self.state.done.add(Stage.SUMMARY)
            self.tell(*_closing(view))
        self.refresh_bindings()

    def _not_reported(self, error: OperatorError) -> None:
        self.tell(f"The report could not be written: {error.summary}", "bad")

    def _show(self, view: RunView) -> None:
        self.query_one("#verdict", Static).update(
            _verdict(view.verdict) if view.ended and view.verdict in _TOLD else words.run_state(view.state)
        )
        rows = [RowData(host.name, (host.name, words.verdict(host.verdict), host.detail)) for host in view.hosts]
        self.query_one("#hosts", Rows).show(rows)
        self.query_one("#hosts").display = bool(rows)
        self.query_one("#facts", Facts).show(self._facts(view))

    def _facts(self, view: RunView) -> list[tuple[str, Told]]:
        took = words.span(((view.ended or self.wizard.now()) - view.started).total_seconds())
        facts: list[tuple[str, Told]] = []
        if view.act == "drill" and view.ended is not None:
            facts.append(("Failover drill", _drill(view)))
        facts += [
            ("Run", words.run_state(view.state) + Content.styled(f"  {act_words(view.act).name}, {view.id}", "$quiet")),
            ("By", f"{view.operator}, {words.moment(view.started)}, took {took}"),
            ("Steps", _tally(view)),
        ]
        if self.state.backup is not None:
            facts.append(("Backup", self.state.backup.path.name))
        if self._report is not None:
            facts.append(("Report", self._report))
        if self._bundle is not None:
            facts.append(("Bundle", self._bundle))
        return facts

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A report can be read once it is written."""
        if action == "read":
            return self._report is not None
        return super().check_action(action, parameters)

    def action_read(self) -> None:
        """Show the report."""
        from screens.raw_text import RawTextDialog

        path = self._report
        if path is None:
            return

        def read(text: str) -> None:
            self.wizard.push_screen(RawTextDialog("Report", text, suggested=f"~/{path.name}"))

        self.ask("read", lambda: path.read_text(encoding="utf-8"), read)

    def action_bundle(self) -> None:
        """Save a support bundle."""

        def saved(path: Path) -> None:
            self._bundle = path
            self.settle()
            if self.state.view is not None:
                self._show(self.state.view)

        self.busy("Saving the support bundle")
        self.ask("bundle", partial(self.operations.support_bundle, self.state.run), saved)

    def proceed(self) -> None:
        """Decide what the run asks, or back to the beginning."""
        view = self.state.view
        decision = open_decision(view) if view is not None and view.state in UNDER_WAY else None
        if decision is not None:
            self._decisions.ask(decision)
        elif view is not None and _in_service(view):
            self.wizard.open_dashboard()
        else:
            self.wizard.go_home()


def _in_service(view: RunView) -> bool:
    """Whether there is a cluster to watch: a run that ended well, or any act on one that was in service before."""
    return view.ended is not None and (view.act != "add" or (view.state is RunState.DONE and view.verdict == "healthy"))


_TOLD = {
    "healthy": "every instance is connected and proved.",
    "degraded": "it answers, but not all is as it should be.",
    "down": "no instance is connected.",
}


def _verdict(word: str) -> Content:
    return words.verdict(word, f"The cluster is {word}").stylize("bold") + Content.styled(f": {_TOLD[word]}", "$ink")


def _drill(view: RunView) -> Content:
    """Whether the cluster survived the loss of each, and for how long each was out."""
    rounds, verdict = drill_rounds(view), drill_verdict(view)
    well = sum(each["verdict"] == "passed" for each in rounds)
    out = [each["out_of_service_s"] for each in rounds if each["out_of_service_s"] is not None]
    told = f"  {well} of {words.count(len(rounds), 'instance')} lost and back"
    if out:
        told += f", out of service for {words.span(max(out))} at most"
    return words.marked("good" if verdict == "passed" else "bad", verdict) + Content.styled(told, "$quiet")


def _tally(view: RunView) -> str:
    counts = Counter(step.state for step in view.steps)
    order = [state for state in StepState if counts[state]]
    over = view.ended is not None
    return ", ".join(
        f"{counts[state]} {'not begun' if over and state is StepState.PENDING else words.STEP_WORDS[state][1]}"
        for state in order
    )


def _closing(view: RunView) -> tuple[str, str]:
    if view.state is RunState.DONE and view.verdict == "healthy":
        return "Done. Keep the report with your change record.", "good"
    if view.state is RunState.ROLLED_BACK:
        return "Every changed host is as it was before. The report says what failed.", "care"
    return "Read the report: it says what is left to do.", "care"
