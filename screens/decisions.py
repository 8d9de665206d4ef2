"""A run's open question, put to the operator on whichever screen follows the run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.failure import BUNDLE, FailureDialog, waits
from screens.secret_question import Decision, SecretQuestionDialog
from tui.errors import OperatorError
from tui.runbook.model import Question, RunState, RunView, SecretWanted
from tui.widgets.waiting_bar import WaitingBar

if TYPE_CHECKING:
    from screens.base import WizardScreen

_EVERY_S = 0.5
_WATCHED = (RunState.RUNNING, RunState.WAITING, RunState.PAUSED)


def open_decision(view: RunView | None) -> Question | None:
    """The question that stands between the run and its end, other than what the tenant shows."""
    question = view.question if view is not None else None
    return question if question is not None and question.kind != "tenant" else None


class Decisions:
    """One screen's dialog for the run's decisions. A decision that was put off is not asked for again until `ask`."""

    def __init__(self, screen: WizardScreen) -> None:
        self._screen = screen
        self._put_off: set[str] = set()
        self._answered: set[str] = set()
        self._dialog: FailureDialog | SecretQuestionDialog | None = None

    @property
    def waiting(self) -> Question | None:
        """The decision that was put off and is still open."""
        question = open_decision(self._screen.state.view)
        open_still = self._dialog is None and question is not None and question.id not in self._answered
        return question if open_still else None

    def told(self) -> str:
        """Who waits for what, and how long still; empty when nothing waits."""
        question = self.waiting
        return waits(question, self._screen.wizard.now()) if question is not None else ""

    def watch(self) -> None:
        """Read the run again and again while it is under way, and ask what it asks."""
        screen = self._screen
        if screen.state.run is not None and screen.is_attached:
            screen.ask("view", partial(screen.operations.run_view, screen.state.run), self._seen, self._not_seen)

    def _seen(self, view: RunView) -> None:
        self._screen.state.view = view
        self.follow(view)
        self._screen.refresh_bindings()
        if view.state in _WATCHED:
            self._screen.set_timer(_EVERY_S, self.watch)

    def _not_seen(self, _error: OperatorError) -> None:
        self._screen.set_timer(4 * _EVERY_S, self.watch)

    def follow(self, view: RunView) -> None:
        """Ask what the run asks now; take away a dialog whose question was answered elsewhere."""
        question = open_decision(view)
        if self._dialog is not None:
            shown = self._screen.wizard.screen is self._dialog
            if shown and (question is None or question.id != self._dialog.question.id):
                self._dialog.dismiss(None)
        elif question is not None and question.id not in self._put_off and self._screen.is_current:
            self.ask(question)
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        text = self.told()
        for bar in self._screen.query(WaitingBar):
            if bar.say(f"{text} Press d to decide." if text else ""):
                self._screen.refresh_bindings()

    def ask(self, question: Question, remark: str = "") -> None:
        """Put this question to the operator."""
        if question.kind == "secret" and question.secret is not None:
            self._put(self._secret_dialog(question, question.secret, remark))
            return
        cluster = self._screen.state.cluster
        names = {host.name: host for host in cluster.hosts} if cluster else {}
        self._put(FailureDialog(question, names.get(question.host or ""), remark=remark))

    def _secret_dialog(self, question: Question, wanted: SecretWanted, remark: str) -> SecretQuestionDialog:
        demo = self._screen.wizard.demo
        hint = demo.secret_hint(wanted.host, wanted.kind) if demo else None
        return SecretQuestionDialog(question, wanted, hint, remark=remark)

    def _put(self, dialog: FailureDialog | SecretQuestionDialog) -> None:
        question = dialog.question

        def decided(result: Any) -> None:
            self._dialog = None
            self._put_off.add(question.id)
            decision = Decision(result) if isinstance(result, str) else result
            if decision is None:
                self._tell_waiting()
            elif decision.word == BUNDLE:
                self._save_bundle(question)
            else:
                self._answer(question, decision)

        self._dialog = dialog
        self._screen.wizard.put(dialog, decided)

    def _answer(self, question: Question, decision: Decision) -> None:
        operations, run = self._screen.operations, self._screen.state.run
        if run is None:
            return

        def answer() -> None:
            if decision.value is not None and question.secret is not None:
                operations.supply_to_run(run, question.secret, decision.value)
            operations.answer(run, question.id, decision.word)

        def failed(error: OperatorError) -> None:
            self._answered.discard(question.id)
            self._screen.tell(" ".join(error.lines()), "bad")

        self._answered.add(question.id)
        self._screen.ask("answer", answer, lambda _none: None, failed)

    def _save_bundle(self, question: Question) -> None:
        screen = self._screen

        def saved(path: Path) -> None:
            screen.settle()
            self.ask(question, remark=f"Saved: {path}")

        screen.busy("Saving the support bundle")
        screen.ask("bundle", partial(screen.operations.support_bundle, screen.state.run), saved)
