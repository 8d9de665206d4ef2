"""A run's open question, put to the operator on whichever screen follows the run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from screens.failure import BUNDLE, FailureDialog
from tui.errors import OperatorError
from tui.runbook.model import Question, RunState, RunView

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
        self._dialog: FailureDialog | None = None

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

    def ask(self, question: Question, remark: str = "") -> None:
        """Put this question to the operator."""
        screen = self._screen
        cluster = screen.state.cluster
        names = {host.name: host for host in cluster.hosts} if cluster else {}
        dialog = FailureDialog(question, names.get(question.host or ""), remark=remark)

        def decided(word: str | None) -> None:
            self._dialog = None
            self._put_off.add(question.id)
            if word == BUNDLE:
                self._save_bundle(question)
            elif word is not None and screen.state.run is not None:
                answer = partial(screen.operations.answer, screen.state.run, question.id, word)
                screen.ask("answer", answer, lambda _none: None)

        self._dialog = dialog
        screen.wizard.put(dialog, decided)

    def _save_bundle(self, question: Question) -> None:
        screen = self._screen

        def saved(path: Path) -> None:
            self.ask(question, remark=f"Saved: {path}")

        screen.busy("Saving the support bundle")
        screen.ask("bundle", partial(screen.operations.support_bundle, screen.state.run), saved)
