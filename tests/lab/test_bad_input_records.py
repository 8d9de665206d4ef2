"""Backups, identities and journals that are damaged: told, refused, and never the end of what is still good."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.jump_box import JumpBox, finished, jump_box, tree_of
from tui.errors import OperatorError
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.journal import JournalDamaged
from tui.runbook.journal_sqlite import journal_path
from tui.runbook.model import RunState
from tui.vault.errors import VaultError, VaultFailure


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    with box.operations() as made:
        yield made


def test_a_backup_with_a_flipped_byte_is_noticed_and_the_other_is_still_good(operations: ClusterOperations) -> None:
    damaged, good = operations.back_up_first(), operations.back_up_first()
    data = bytearray(damaged.path.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.path.chmod(0o600)
    damaged.path.write_bytes(data)
    verification = operations.verify_backup(damaged.id)
    assert not verification.ok
    assert verification.findings[0].remedy
    assert operations.verify_backup(good.id).ok
    assert {backup.id for backup in operations.backups()} == {damaged.id, good.id}


def test_a_wrong_passphrase_starts_no_run(box: JumpBox, operations: ClusterOperations) -> None:
    before = tree_of(box.lab.hosts["oak"])
    with pytest.raises(VaultError) as failure:
        operations.unlock_identity("not the passphrase")
    assert failure.value.reason is VaultFailure.WRONG_PASSPHRASE
    operations.access.secrets.vault.passphrase = None
    with pytest.raises(OperatorError, match="locked"):
        operations.start_run()
    assert operations.runs() == []
    assert tree_of(box.lab.hosts["oak"]) == before


def test_a_journal_with_a_flipped_byte_is_set_aside_and_the_work_goes_on(
    box: JumpBox, operations: ClusterOperations
) -> None:
    backup = operations.back_up_first()
    path = journal_path("lab")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = path.read_bytes()
    at = data.index(backup.ciphertext_sha256.encode())
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(OperatorError, match="journal") as refused:
        operations.start_run()
    assert refused.value.remedy
    with pytest.raises(JournalDamaged):
        operations.runs()
    kept = operations.set_journal_aside()
    assert (kept / path.name).exists()
    assert operations.runs() == []
    view = finished(operations, operations.start_run())
    assert view.state is RunState.DONE
    assert view.verdict == "healthy"
