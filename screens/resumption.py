"""Taking up an interrupted run: forward, or back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from screens.dialog import Choice, ChoiceDialog
from screens.questions import PassphraseDialog
from tui.runbook.operations import Operations

if TYPE_CHECKING:
    from screens.base import WizardScreen

_CHOICES = (
    Choice("later", "n", "Not now", "leave everything as it is"),
    Choice("finish", "f", "Finish", "look at each host and do what is still missing"),
    Choice("undo", "u", "Undo", "put every host that was changed back, to the byte"),
)
_LINES = (
    "The process that carried the run out is gone. What it had done is in the journal, and each host is looked at before "
    "anything is done: what is found there counts.",
)


def resume(screen: WizardScreen, resumed: Callable[[], None]) -> None:
    """Ask which way, unlock the identity, log in to the hosts again, and start a new runner for the same run."""

    def decided(word: str | None) -> None:
        if word in ("finish", "undo"):
            _with_passphrase(screen, resumed, undo=word == "undo")

    screen.wizard.put(ChoiceDialog("How shall the run be taken up?", _LINES, _CHOICES), decided)


def _with_passphrase(screen: WizardScreen, resumed: Callable[[], None], *, undo: bool) -> None:
    def typed(passphrase: str | None) -> None:
        if passphrase is not None:
            _unlock(screen, passphrase, resumed, undo=undo)

    hint = screen.wizard.demo.passphrase if screen.wizard.demo else ""
    screen.wizard.put(PassphraseDialog(hint), typed)


def _unlock(screen: WizardScreen, passphrase: str, resumed: Callable[[], None], *, undo: bool) -> None:
    operations, run = screen.operations, screen.state.run
    if run is None:
        return

    def connected(_none: object) -> None:
        screen.ask("resume", lambda: operations.resume_run(run, undo=undo), lambda _none: resumed())

    def unlocked(_recipient: str) -> None:
        screen.busy("Logging in to the hosts of the run")
        screen.ask("connect", lambda: _connect_all(operations, run), connected)

    screen.busy("Unlocking your identity")
    screen.ask("unlock", lambda: operations.unlock_identity(passphrase), unlocked)


def _connect_all(operations: Operations, run: str) -> None:
    concerned = {step.planned.host for step in operations.run_view(run).steps}
    for host in operations.cluster.hosts:
        if host.name in concerned:
            operations.connect(host.name)
