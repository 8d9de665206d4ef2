"""Progress: the run as the journal tells it, and the few things that can be said to it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from screens.base import WizardScreen
from screens.decisions import Decisions, open_decision
from screens.dialog import Choice, ChoiceDialog
from screens.failure import waits
from screens.tracks import busiest, counts, last_sign, step_row, track_row, tracks, undoable
from tui.app import UNDER_WAY
from tui.errors import OperatorError
from tui.runbook.act_words import act_words
from tui.runbook.model import RunState, RunView, StepState
from tui.runbook.order import WITHOUT_VAULT
from tui.widgets import words
from tui.widgets.meter import Meter
from tui.widgets.rows import Column, Rows
from tui.widgets.stage import Stage

_EVERY_S = 0.5
_LOG_EVERY_S = 3.0


class ProgressScreen(WizardScreen):
    """Watches a run. Leaving it does not stop the run."""

    STAGE = Stage.PROGRESS
    heading = "Carrying it out"
    why = "One host at a time, then the others. Each is proved before the next begins."
    explain = (
        "This shows the run's journal; the run itself is another process and goes on when this terminal is gone. Pause waits "
        "for the end of the present step. Stop puts back the hosts that are not finished. Roll back puts back all of them."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("l", "log", "Log"),
        Binding("p", "pause", "Pause"),
        Binding("s", "stop", "Stop"),
        Binding("b", "roll_back", "Roll back"),
        Binding("u", "undo", "Undo"),
        Binding("escape", "back", "Back"),
        Binding("q", "detach", "Detach"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._following = True
        self._expected: str | None = None
        self._decisions = Decisions(self)
        self._taking_up = False
        self._showing_log = False

    def compose_content(self) -> Iterable[Widget]:
        """Meter, hosts, and the chosen host's steps or log."""
        yield Meter(id="meter")
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("State", 14),
            Column("Step", style="$quiet"),
            Column("Done", 5, style="$quiet", right=True),
            Column("Time", 7, style="$quiet", right=True),
            explain="The hosts of the run. Arrow keys choose one; its steps, or its log, stand below.",
            id="hosts",
        )
        yield Rows(
            Column("Step", 44, style="$ink"),
            Column("State", 14),
            Column("Time", 6, style="$quiet", right=True),
            Column("Seen", style="$quiet", from_width=76),
            explain="The steps of the chosen host, and what was seen when each was proved.",
            id="steps",
        )
        log = VerticalScroll(Static("", id="log-text", classes="quiet", markup=False), id="log")
        log.display = False
        yield log

    def on_mount(self) -> None:
        """Begin to watch."""
        self.tell("Reading the journal", busy=True)
        self.offer("")
        if self.state.view is not None:
            self._show(self.state.view)
        self._poll()

    def _poll(self) -> None:
        run = self.state.run
        if run is not None and self.is_attached:
            self.ask("view", partial(self.operations.run_view, run), self._seen, self._not_seen)

    def _seen(self, view: RunView) -> None:
        self._show(view)
        if view.state in (*UNDER_WAY, RunState.INTERRUPTED):
            self.set_timer(_EVERY_S, self._poll)

    def _not_seen(self, error: OperatorError) -> None:
        self.tell(". ".join(part for part in (error.summary, error.remedy) if part), "bad")
        self.set_timer(4 * _EVERY_S, self._poll)

    def _show(self, view: RunView) -> None:
        self.state.view = view
        self._name_act(view)
        now = last_sign(view, self.wizard.now())
        ended, total = counts(view)
        self.query_one(Meter).show(ended, total, words.clock((now - view.started).total_seconds()))
        grouped = tracks(view)
        rows = self.query_one("#hosts", Rows)
        rows.show([track_row(name, steps, now, state=view.state) for name, steps in grouped.items()])
        if self._following and (busy := busiest(view)) and busy != rows.chosen:
            self._expected = busy
            rows.choose(busy)
        self._show_steps()
        self._judge(view)
        self._decisions.follow(view)

    def _name_act(self, view: RunView) -> None:
        told = act_words(view.act)
        for id, text in (("#heading", told.heading), ("#why", told.why)):
            shown = self.query_one(id, Static)
            if str(shown.content) != text:
                shown.update(text)

    @on(Rows.Chosen, "#hosts")
    def _chosen(self, event: Rows.Chosen) -> None:
        if self._expected is not None and event.key != self._expected:
            self._following = False
        self._show_steps()
        if self._showing_log:
            self._fetch_log()

    def _show_steps(self) -> None:
        view, name = self.state.view, self.query_one("#hosts", Rows).chosen
        if view is None or name is None:
            return
        now = last_sign(view, self.wizard.now())
        steps = tracks(view).get(name, [])
        rows = self.query_one("#steps", Rows)
        rows.show([step_row(step, now, state=view.state) for step in steps])
        running = next((step for step in steps if step.state in (StepState.RUNNING, StepState.FAILED)), None)
        if running is not None and self.focused is not rows:
            rows.choose(running.planned.id)

    def _judge(self, view: RunView) -> None:
        if view.state in UNDER_WAY:
            self._taking_up = False
        if self._taking_up:
            return
        if view.state is RunState.RUNNING:
            running = [step for step in view.steps if step.state is StepState.RUNNING]
            self.tell(
                _doing(
                    [step.planned.host or "jump box" for step in running], running[0].planned.title if running else ""
                ),
                busy=True,
            )
            self.offer("")
        elif view.state is RunState.WAITING and view.question is not None and view.question.kind == "tenant":
            self.tell("Every host is proved. Look at the services, then say what the tenant shows.", "now")
            self.offer("Check the services")
        elif view.state is RunState.WAITING and view.question is not None:
            self.tell(waits(view.question, self.wizard.now()), "care")
            self.offer("Decide")
        elif view.state is RunState.PAUSED:
            self.tell("Paused between two steps. Press p to go on.", "care")
            self.offer("")
        elif view.state is RunState.INTERRUPTED:
            self.tell("The run's process is gone. Nothing is lost: finish it or put every host back.", "care")
            self.offer("Resume")
        elif view.state is RunState.DONE:
            self.tell("Every step has ended well.", "good")
            self.offer("Check the services" if view.act == "add" else "See the summary")
        else:
            self.tell(_ending(view), words.RUN_WORDS[view.state][0])
            self.offer("See the summary")
        self.refresh_bindings()

    def proceed(self) -> None:
        """Decide, resume, or go on to look at what came of it."""
        view = self.state.view
        if view is None:
            return
        if view.state is RunState.INTERRUPTED:
            self._resume()
        elif (question := open_decision(view)) is not None and view.state is RunState.WAITING:
            self._decisions.ask(question)
        elif view.state is RunState.WAITING or (view.state is RunState.DONE and view.act == "add"):
            self.finish_stage()
        else:
            self.wizard.go(Stage.SUMMARY)

    def _resume(self) -> None:
        from screens.resumption import resume

        def resumed() -> None:
            self._following, self._taking_up = True, False
            self._poll()

        def begun() -> None:
            self._taking_up = True

        resume(self, resumed, begun)

    def action_undo(self) -> None:
        """Put back the hosts that a run has left changed."""
        self._resume()

    def action_detach(self) -> None:
        """Leave the run to itself."""
        self.wizard.action_leave()

    def action_pause(self) -> None:
        """Pause at the end of the present step, or go on."""
        view = self.state.view
        if view is not None and view.state in UNDER_WAY:
            self._say("continue" if view.state is RunState.PAUSED else "pause")

    def action_stop(self) -> None:
        """Stop, after a question."""
        back = "Hosts that are not verified yet are put back, to the byte."
        if self._starts_only():
            back = "An instance that is out of service is started again."
        lines = ("The present step is finished first.", back)
        self._say_after("abort", "Stop the run?", lines, "Stop", "put back what is unfinished and end the run")

    def action_roll_back(self) -> None:
        """Roll everything back, after a question."""
        lines = (act_words(self.state.view.act if self.state.view else "add").taken_back,)
        self._say_after("roll_back", "Put every host back?", lines, "Roll back", "undo the whole run")

    def _starts_only(self) -> bool:
        """Whether the run changes no file."""
        return self.state.view is not None and self.state.view.act in WITHOUT_VAULT

    def _say_after(self, word: str, heading: str, lines: tuple[str, ...], name: str, does: str) -> None:
        view = self.state.view
        if view is None or view.state not in UNDER_WAY:
            return
        answers = (Choice("no", "n", "No", "leave the run as it is"), Choice(word, "y", name, does))

        def decided(answer: str | None) -> None:
            if answer == word:
                self._say(word)

        self.wizard.put(ChoiceDialog(heading, lines, answers), decided)

    def _say(self, word: str) -> None:
        if self.state.run is not None:
            self.busy("Telling the run")
            self.ask("control", partial(self.operations.control, self.state.run, word), lambda _none: None)

    def action_log(self) -> None:
        """Show the chosen host's log instead of its steps, or the steps again."""
        self._showing_log = not self._showing_log
        self.query_one("#log").display = self._showing_log
        self.query_one("#steps").display = not self._showing_log
        if self._showing_log:
            self._fetch_log()

    def _fetch_log(self) -> None:
        name = self.query_one("#hosts", Rows).chosen
        cluster = self.state.cluster
        if not self._showing_log or not self.is_attached or name is None or cluster is None:
            return
        if name not in {host.name for host in cluster.hosts}:
            self._show_log("The jump box has no connector log.")
            return
        self.ask("log", partial(self.operations.host_log, name, lines=100), self._fetched, self._not_fetched)

    def _fetched(self, text: str) -> None:
        self._show_log(text or "The log is empty.")
        self.set_timer(_LOG_EVERY_S, self._fetch_log)

    def _not_fetched(self, error: OperatorError) -> None:
        self._show_log("\n".join(error.lines()))

    def _show_log(self, text: str) -> None:
        shown = self.query_one("#log-text", Static)
        if str(shown.content) != text:
            shown.update(text)
            self.call_after_refresh(self.query_one("#log", VerticalScroll).scroll_end, animate=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A run that has ended takes no words any more."""
        if action == "roll_back" and self._starts_only():
            return False
        if action in ("pause", "stop", "roll_back", "detach"):
            return self.state.view is not None and self.state.view.state in UNDER_WAY
        if action == "undo":
            return undoable(self.state.view)
        return super().check_action(action, parameters)


_END_WORDS = {
    RunState.ROLLED_BACK: "The hosts have been put back as they were.",
    RunState.FAILED: "The run has failed.",
    RunState.INCONSISTENT: "A host could not be put back: it needs a person.",
}


def _ending(view: RunView) -> str:
    told = _END_WORDS.get(view.state, "The run has ended.") + _why(view)
    if not undoable(view):
        return told
    return f"{told} Still changed: {words.listed(view.changed)}. Press u to put back."


def _why(view: RunView) -> str:
    return f" {view.error[0]}" if view.error else ""


def _doing(hosts: list[str], title: str) -> str:
    if not hosts:
        return "Between two steps"
    return f"{hosts[0]}: {title}" if len(hosts) == 1 else f"Working on {words.listed(hosts)}"
