"""Unlocking the operator's identity for an act that changes files: it proves each backup by opening it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from screens.dashboard_confirm import refuse
from screens.questions import PassphraseDialog
from tui.errors import OperatorError
from tui.runbook.operations import Operations

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen


def with_vault(screen: DashboardScreen, heading: str, then: Callable[[], None]) -> None:
    """Unlock the identity, with the passphrase that is known already or the one that is typed, and go on with `then`."""

    def known(found: tuple[bool, str | None]) -> None:
        exists, passphrase = found
        if not exists:
            refuse(screen, heading, _no_identity(screen.state.name))
        elif passphrase is None:
            _ask(screen, then)
        else:
            _unlock(screen, passphrase, then)

    screen.doing("Looking for your identity")
    screen.ask("identity", partial(_known, screen.operations), known, partial(refuse, screen, heading))


def _known(operations: Operations) -> tuple[bool, str | None]:
    return operations.identity_exists(), operations.supplied_passphrase()


def _no_identity(cluster: str) -> OperatorError:
    return OperatorError(
        "there is no identity on this jump box that opens backups",
        meaning="an act that changes files first backs up what each host has; a backup that nobody can open is none",
        remedy=f"make one together with a first backup: adldap-ha backup create {cluster}",
    )


def _ask(screen: DashboardScreen, then: Callable[[], None], remark: str = "") -> None:
    def typed(passphrase: str | None) -> None:
        if passphrase is not None:
            _unlock(screen, passphrase, then)

    screen.doing("")
    hint = screen.wizard.demo.passphrase if screen.wizard.demo else ""
    screen.wizard.put(PassphraseDialog(hint, remark), typed)


def _unlock(screen: DashboardScreen, passphrase: str, then: Callable[[], None]) -> None:
    def unlocked(_none: object) -> None:
        screen.state.cluster = screen.operations.cluster
        then()

    def refused(error: OperatorError) -> None:
        _ask(screen, then, f"{error.summary[:1].upper()}{error.summary[1:]}.")

    screen.doing("Unlocking your identity")
    screen.ask("unlock", partial(_open, screen.operations, passphrase), unlocked, refused)


def _open(operations: Operations, passphrase: str) -> None:
    """Open it, and see that backups are encrypted to it from now on."""
    own = operations.unlock_identity(passphrase)
    recipients = operations.cluster.vault.recipients
    if own not in recipients:
        operations.set_recipients([own, *recipients])
