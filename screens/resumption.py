"""Taking up an interrupted run: forward, or back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from screens.dialog import Choice, ChoiceDialog
from screens.login import log_in_to_all
from screens.questions import PassphraseDialog
from tui.errors import OperatorError
from tui.runbook.model import RunState
from tui.runbook.operations import Operations
from tui.runbook.order import WITHOUT_VAULT

if TYPE_CHECKING:
    from screens.base import WizardScreen

_CHOICES = (
    Choice("later", "n", "Not now", "leave everything as it is"),
    Choice("finish", "f", "Finish", "look at each host and do what is still missing"),
    Choice("undo", "u", "Undo", "put every host that was changed back, to the byte"),
)
_ENDED_CHOICES = (_CHOICES[0], _CHOICES[2])
_STARTS = "start again an instance that was stopped"
_LINES = (
    "The process that carried the run out is gone. What it had done is in the journal, and each host is looked at before "
    "anything is done: what is found there counts.",
)
_ENDED_LINES = ("The run has ended, and hosts that it changed are still changed.",)


def resume(screen: WizardScreen, resumed: Callable[[], None], begun: Callable[[], None]) -> None:
    """Ask which way, unlock the identity, log in to the hosts again, and start a new runner for the same run.

    `begun` is called when the operator has decided: from then on the next bar tells of the taking up, to `resumed` or to an
    error. A run that came to its own end can only be undone, unless it failed and left hosts half of the way.
    """
    view = screen.state.view
    ended = view is not None and view.state is not RunState.INTERRUPTED
    only_back = view is not None and ended and not view.can_be_finished
    lines = _ENDED_LINES if ended else _LINES
    offered: tuple[Choice, ...] = _ENDED_CHOICES if only_back else _CHOICES

    if view is not None and view.act in WITHOUT_VAULT:
        offered = tuple(replace(each, does=_STARTS) if each.word == "undo" else each for each in offered)

    def decided(word: str | None) -> None:
        if word in ("finish", "undo"):
            begun()
            _take_up(screen, resumed, undo=word == "undo")

    screen.wizard.put(ChoiceDialog("How shall the run be taken up?", lines, offered), decided)


def _take_up(screen: WizardScreen, resumed: Callable[[], None], *, undo: bool) -> None:
    """A run that changes no file needs no backup, so nothing is to be unlocked."""
    view = screen.state.view
    if view is not None and view.act in WITHOUT_VAULT:
        _start(screen, resumed, undo=undo)
    else:
        _with_passphrase(screen, resumed, undo=undo)


def _with_passphrase(screen: WizardScreen, resumed: Callable[[], None], *, undo: bool, remark: str = "") -> None:
    def typed(passphrase: str | None) -> None:
        if passphrase is not None:
            _unlock(screen, passphrase, resumed, undo=undo)

    hint = screen.wizard.demo.passphrase if screen.wizard.demo else ""
    screen.wizard.put(PassphraseDialog(hint, remark), typed)


def _unlock(screen: WizardScreen, passphrase: str, resumed: Callable[[], None], *, undo: bool) -> None:
    def unlocked(_recipient: str) -> None:
        _start(screen, resumed, undo=undo)

    def refused(error: OperatorError) -> None:
        screen.tell(". ".join(part for part in (error.summary, error.remedy) if part), "bad")
        _with_passphrase(screen, resumed, undo=undo, remark=f"{error.summary[:1].upper()}{error.summary[1:]}.")

    screen.tell("Unlocking your identity", busy=True)
    screen.ask("unlock", lambda: screen.operations.unlock_identity(passphrase), unlocked, refused)


def _start(screen: WizardScreen, resumed: Callable[[], None], *, undo: bool) -> None:
    operations, run = screen.operations, screen.state.run
    if run is None:
        return

    def connected(_none: object) -> None:
        screen.tell("Starting a new process for the run", busy=True)
        screen.ask("resume", lambda: operations.resume_run(run, undo=undo), lambda _none: resumed())

    screen.tell("Logging in to the hosts of the run", busy=True)
    screen.ask("connect", lambda: _connect_all(operations, run, undo=undo), connected)


def _connect_all(operations: Operations, run: str, *, undo: bool) -> None:
    """Log in where the run has work to do. An undo goes on without a host that cannot be reached: the others are put back."""
    view = operations.run_view(run)
    concerned = set(view.changed) if undo else {step.planned.host for step in view.steps}
    names = [host.name for host in operations.cluster.hosts if host.name in concerned]
    log_in_to_all(operations, names, all_needed=not undo)
