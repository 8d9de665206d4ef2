"""A writer that is killed at any moment loses nothing that was there, and what it leaves is recognised."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from tests.unit.vault.conftest import Keep
from tui.vault.identity import Identity
from tui.vault.vault import Vault

_CALLS = ("open", "write", "fchmod", "fsync", "link", "rename", "unlink")
_WRITERS = 4


def in_a_child(action: Callable[[], object], *, killed_before_call: int = 0) -> bool:
    """Run `action` in a forked process, killed before its nth file operation; whether it ended by itself."""
    child = os.fork()
    if child == 0:
        if killed_before_call:
            _arm(killed_before_call)
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the action failed"
    return os.WIFEXITED(status)


def _arm(nth: int) -> None:
    made = 0

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal made
            made += 1
            if made == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in _CALLS:
        setattr(os, name, deadly(getattr(os, name)))


def test_a_backup_that_is_killed_half_way_harms_none_and_can_be_made_again(
    vault: Vault, keep: Keep, identity: Identity
) -> None:
    known = [keep()]
    survived = False
    moment = 0
    while not survived:
        moment += 1
        survived = in_a_child(keep, killed_before_call=moment)
        catalogue = vault.catalogue()
        assert {finding.id for finding in catalogue.findings} <= {"backup-without-sidecar"}
        assert len(catalogue.backups) + len(catalogue.without_sidecar) <= len(known) + 1
        vault.heal(identity)
        known = vault.list()
        assert vault.catalogue().findings == ()
        assert not list(vault.directory.glob(".*.tmp"))
    assert moment > 10
    assert all(vault.verify(backup, identity).ok for backup in known)


def test_a_removal_that_is_killed_half_way_leaves_whole_backups_only(
    vault: Vault, keep: Keep, identity: Identity
) -> None:
    for _ in range(4):
        keep()
    vault.verify(vault.list()[-1], identity)
    survived = False
    moment = 0
    while not survived:
        moment += 1
        survived = in_a_child(lambda: vault.retain(1), killed_before_call=moment)
        assert {finding.id for finding in vault.catalogue().findings} <= {"backup-without-sidecar"}
    assert moment > 4
    vault.heal(identity)
    assert all(vault.verify(backup, identity).ok for backup in vault.list())
    assert len(vault.list()) >= 2


def test_several_writers_at_once_take_turns(vault: Vault, keep: Keep, identity: Identity) -> None:
    children = []
    for _ in range(_WRITERS):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(5):
                    vault.verify(keep(), identity)
                    vault.retain(3)
            except BaseException:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * _WRITERS
    assert vault.catalogue().findings == ()
    assert len(vault.list()) >= 3
    assert all(vault.verify(backup, identity).ok for backup in vault.list())
