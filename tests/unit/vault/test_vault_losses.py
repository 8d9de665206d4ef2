"""Nothing is lost: not by a failing disk, not by a killed writer, not by retention."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.unit.vault.conftest import Keep, finding_ids, overwrite
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.identity import Identity
from tui.vault.sidecar import sidecar_path
from tui.vault.vault import Vault


class TestCrashes:
    @pytest.mark.parametrize("call", ["open", "write", "fchmod", "fsync", "link", "rename"])
    def test_a_write_that_fails_leaves_the_vault_as_it_was(
        self, vault: Vault, keep: Keep, identity: Identity, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        kept = keep()
        before = {path.name: path.read_bytes() for path in vault.directory.iterdir()}
        for nth in range(1, 10):
            with monkeypatch.context() as patch:
                calls = fail_the_nth(patch, call, nth)
                if calls_survived(keep, calls, nth):
                    break
            left = {path.name: path.read_bytes() for path in vault.directory.iterdir()}
            assert {name: data for name, data in left.items() if not name.endswith(".tmp")} == before
            assert vault.list() == [kept]
        else:
            pytest.fail("every write failed")
        assert nth > 1, "nothing was ever made to fail"
        assert len(vault.list()) == 2
        assert all(vault.verify(backup, identity).ok for backup in vault.list())

    def test_what_a_killed_writer_left_is_ignored_and_then_removed(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        backup = keep()
        leftover = vault.directory / f".{backup.id}.age.12345678.tmp"
        leftover.write_bytes(b"half a backup")
        assert vault.list() == [backup]
        assert finding_ids(vault) == []
        keep()
        assert not leftover.exists()

    def test_data_without_a_sidecar_is_recognised_and_healed(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        backup = keep(run="run-1")
        sidecar_path(vault.directory, backup.id).unlink()
        assert vault.list() == []
        assert finding_ids(vault) == ["backup-without-sidecar"]
        assert vault.heal(identity) == (backup,)
        assert vault.list() == [backup]
        assert finding_ids(vault) == []

    def test_a_damaged_sidecar_is_healed(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        overwrite(sidecar_path(vault.directory, backup.id), b"{")
        assert vault.heal(identity) == (backup,)
        assert vault.list() == [backup]

    def test_healing_leaves_alone_what_it_cannot_open(self, vault: Vault, keep: Keep) -> None:
        backup = keep()
        sidecar_path(vault.directory, backup.id).unlink()
        assert vault.heal(Identity.generate()) == ()
        assert finding_ids(vault) == ["backup-without-sidecar"]

    def test_healing_does_not_believe_data_that_was_renamed(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        other_id = backup.id.replace("-fir-", "-oak-")
        shutil.copy(backup.path, backup.path.with_name(f"{other_id}.age"))
        assert vault.heal(identity) == ()

    def test_a_disk_that_gives_back_other_bytes_is_noticed(
        self, vault: Vault, keep: Keep, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, b"\0" + bytes(data)[1:]))
        with pytest.raises(VaultError, match="reads back differently"):
            keep()
        assert [path.name for path in vault.directory.iterdir()] == [".lock"]

    def test_a_vault_that_cannot_be_written_to_is_told_as_such(self, tmp_path: Path, keep: Keep, vault: Vault) -> None:
        vault.directory.write_bytes(b"in the way")
        with pytest.raises(VaultError) as caught:
            keep()
        assert caught.value.reason is VaultFailure.STORAGE


class TestRetention:
    def test_the_newest_stay(self, vault: Vault, keep: Keep) -> None:
        backups = [keep() for _ in range(4)]
        removed = vault.retain(2)
        assert {backup.id for backup in removed} == {backup.id for backup in backups[:2]}
        assert vault.list() == [backups[3], backups[2]]
        assert not any(backup.path.exists() for backup in removed)

    def test_each_host_and_kind_counts_by_itself(self, vault: Vault, keep: Keep) -> None:
        kept = [keep(), keep(host="oak", kind="before"), keep(host="elm", kind="before")]
        assert vault.retain(1) == ()
        assert len(vault.list()) == len(kept)

    def test_the_last_verified_one_is_never_removed(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        verified = keep()
        vault.verify(verified, identity)
        newer = [keep() for _ in range(3)]
        vault.retain(1)
        assert [backup.id for backup in vault.list()] == [newer[-1].id, verified.id]

    def test_a_verified_one_that_was_damaged_since_does_not_count_as_the_last(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        older, damaged = keep(), keep()
        for backup in (older, damaged):
            vault.verify(backup, identity)
        keep()
        overwrite(damaged.path, b"x" * damaged.size)
        vault.retain(1)
        assert older.id in [backup.id for backup in vault.list()]

    def test_what_an_unfinished_run_may_need_stays(self, vault: Vault, keep: Keep) -> None:
        needed, by_id, old, new = keep(run="run-1"), keep(), keep(run="run-0"), keep(run="run-2")
        removed = vault.retain(1, needed_runs={"run-1"}, needed_ids={by_id.id})
        assert removed == (old,)
        assert {backup.id for backup in vault.list()} == {needed.id, by_id.id, new.id}

    def test_keeping_none_is_refused(self, vault: Vault) -> None:
        with pytest.raises(ValueError, match="at least 1"):
            vault.retain(0)

    def test_a_removal_that_is_cut_short_loses_the_sidecar_first(
        self, vault: Vault, keep: Keep, identity: Identity, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, _ = keep(), keep()
        unlink = Path.unlink

        def refuse_data(path: Path, missing_ok: bool = False) -> None:
            if path == old.path:
                raise OSError(errno.EIO, "input/output error")
            unlink(path, missing_ok=missing_ok)

        monkeypatch.setattr(Path, "unlink", refuse_data)
        with pytest.raises(VaultError):
            vault.retain(1)
        assert finding_ids(vault) == ["backup-without-sidecar"]
        assert vault.heal(identity) == (old,)


def fail_the_nth(patch: pytest.MonkeyPatch, name: str, nth: int) -> list[int]:
    """Make the nth call of an os function fail as a full disk does; the list grows with each call."""
    real = getattr(os, name)
    calls: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments, **options)

    patch.setattr(os, name, counted)
    return calls


def calls_survived(keep: Keep, calls: list[int], nth: int) -> bool:
    """Whether a backup was made without the failing call being reached; when it was reached, the failure is told."""
    try:
        keep()
    except VaultError as error:
        told = (error.reason, "No space left" in error.summary, len(calls) >= nth)
    else:
        return len(calls) < nth
    if told != (VaultFailure.STORAGE, True, True):
        pytest.fail(f"a full disk was told as {told}")
    return False
