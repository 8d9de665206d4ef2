"""A vault keeps sets encrypted, gives them back to the byte, and finds every damage and forgery."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest

from tests.unit.vault.conftest import BIND_PASSWORD, OWNER, TICKET, Keep, finding_ids, make_set, overwrite
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.vault import archive
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.identity import Identity
from tui.vault.model import Backup
from tui.vault.sidecar import sidecar_path, write_sidecar
from tui.vault.vault import Vault


def reason_of(vault: Vault, backup: Backup, identity: Identity, expected: str | None = None) -> VaultFailure:
    with pytest.raises(VaultError) as caught:
        vault.read(backup, identity, expected_sha256=expected)
    return caught.value.reason


class TestCreate:
    def test_a_backup_gives_back_the_set_to_the_byte(
        self, vault: Vault, keep: Keep, configuration: ConfigurationSet, identity: Identity
    ) -> None:
        assert vault.read(keep(), identity) == configuration

    def test_its_files_are_private_and_read_only(self, vault: Vault, keep: Keep) -> None:
        backup = keep()
        assert stat.S_IMODE(vault.directory.stat().st_mode) == 0o700
        for path in (backup.path, sidecar_path(vault.directory, backup.id)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o400

    def test_its_data_is_private_before_the_first_byte(self, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
        modes: list[int] = []
        write = os.write

        def watched(descriptor: int, data: bytes) -> int:
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", watched)
        previous = os.umask(0)
        try:
            keep()
        finally:
            os.umask(previous)
        assert modes
        assert set(modes) == {0o600}

    def test_nothing_in_clear_is_on_disk(
        self, vault: Vault, keep: Keep, pair: tuple[bytes, bytes], configuration: ConfigurationSet
    ) -> None:
        keep()
        on_disk = b"".join(path.read_bytes() for path in vault.directory.iterdir())
        for secret in (BIND_PASSWORD.encode(), TICKET.encode(), b"CANARY", pair[0][100:160], b"BEGIN RSA"):
            assert secret not in on_disk

    def test_the_sidecar_tells_what_is_inside_without_decryption(
        self, vault: Vault, keep: Keep, configuration: ConfigurationSet, identity: Identity
    ) -> None:
        backup = keep(operator="bob", run="run-1")
        listed = vault.get(backup.id)
        assert listed == backup
        assert (listed.operator, listed.run, listed.verified) == ("bob", "run-1", None)
        assert listed.recipients == (identity.recipient,)
        assert listed.ciphertext_sha256 == hashlib.sha256(backup.path.read_bytes()).hexdigest()
        assert listed.thumbprint is not None
        assert len(listed.thumbprint) == 40
        assert listed.certificate_expires is not None
        by_path = {entry.path: entry for entry in listed.files}
        assert by_path.keys() == configuration.files.keys()
        key = configuration.files["certs/cert.key"].data
        assert by_path["certs/cert.key"].sha256 == hashlib.sha256(key).hexdigest()

    def test_the_hash_of_a_small_file_would_give_it_away_so_it_is_not_listed(self, keep: Keep) -> None:
        hashes = {entry.path: entry.sha256 for entry in keep().files}
        assert hashes["lib/profileMapper.js"] is None
        assert hashes["config.json"] is not None

    def test_every_recipient_can_open_it(
        self, vault: Vault, keep: Keep, configuration: ConfigurationSet, identity: Identity
    ) -> None:
        second = Identity.generate()
        backup = keep(recipients=[identity.recipient, f" {second.recipient} ", identity.recipient])
        assert backup.recipients == (identity.recipient, second.recipient)
        assert vault.read(backup, second) == configuration

    @pytest.mark.parametrize("recipients", [[], ["age1nonsense"], ["ssh-ed25519 AAAA"]])
    def test_without_a_good_recipient_nothing_is_written(self, vault: Vault, keep: Keep, recipients: list[str]) -> None:
        with pytest.raises(VaultError) as caught:
            keep(recipients=recipients)
        assert caught.value.reason is VaultFailure.BAD_RECIPIENT
        assert not vault.directory.exists()

    def test_a_mistyped_recipient_is_told_from_nonsense(self, keep: Keep, identity: Identity) -> None:
        last = "q" if identity.recipient[-1] != "q" else "p"
        with pytest.raises(VaultError, match="mistyped"):
            keep(recipients=[identity.recipient[:-1] + last])

    def test_a_secret_key_given_as_recipient_is_not_repeated(self, keep: Keep) -> None:
        secret = str(pyrage.x25519.Identity.generate())
        with pytest.raises(VaultError, match="secret key") as caught:
            keep(recipients=[secret])
        assert secret not in str(caught.value)

    def test_an_unconfigured_host_is_backed_up_too(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        mapper = SetFile("lib/profileMapper.js", b"module.exports = 1;\n", OWNER)
        before = ConfigurationSet(Layout.V6, "6.4.1", {mapper.path: mapper}, {"lib": OWNER})
        backup = keep(before, kind="before", host="oak", run="run-1")
        assert backup.thumbprint is None
        assert vault.verify(backup, identity).ok
        assert vault.read(backup, identity) == before


class TestDamage:
    def test_a_flipped_byte_anywhere_is_found(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        whole = backup.path.read_bytes()
        for position in range(0, len(whole), 7):
            overwrite(backup.path, whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            assert reason_of(vault, backup, identity) is VaultFailure.DAMAGED

    def test_a_flipped_byte_is_found_even_when_the_sidecar_was_made_to_fit(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        backup = keep()
        whole = backup.path.read_bytes()
        for position in range(0, len(whole), 97):
            changed = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
            overwrite(backup.path, changed)
            fitting = backup.model_copy(update={"ciphertext_sha256": hashlib.sha256(changed).hexdigest()})
            assert reason_of(vault, fitting, identity) in {VaultFailure.DAMAGED, VaultFailure.WRONG_IDENTITY}

    def test_a_truncated_backup_is_found_and_already_reported_by_the_list(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        backup = keep()
        overwrite(backup.path, backup.path.read_bytes()[:-1])
        assert finding_ids(vault) == ["backup-damaged"]
        assert reason_of(vault, backup, identity) is VaultFailure.DAMAGED

    def test_a_backup_whose_data_is_gone_is_reported(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        backup.path.unlink()
        assert vault.list() == []
        assert finding_ids(vault) == ["backup-missing"]
        assert reason_of(vault, backup, identity) is VaultFailure.MISSING

    def test_another_identity_is_told_from_damage(self, vault: Vault, keep: Keep) -> None:
        assert reason_of(vault, keep(), Identity.generate()) is VaultFailure.WRONG_IDENTITY

    def test_a_damaged_sidecar_is_reported_and_harms_no_other(self, vault: Vault, keep: Keep) -> None:
        good, bad = keep(), keep()
        path = sidecar_path(vault.directory, bad.id)
        whole = path.read_bytes()
        for position in range(0, len(whole), 5):
            overwrite(path, whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            assert vault.list() == [good]
            assert finding_ids(vault) == ["backup-sidecar-damaged"]
        with pytest.raises(VaultError) as caught:
            vault.get(bad.id)
        assert caught.value.reason is VaultFailure.DAMAGED

    def test_an_unknown_id_or_one_that_is_a_path_is_missing(self, vault: Vault, keep: Keep) -> None:
        keep()
        for backup_id in ("20260102T030405Z-fir-set-abcdef", "../../etc/passwd", ""):
            with pytest.raises(VaultError) as caught:
                vault.get(backup_id)
            assert caught.value.reason is VaultFailure.MISSING


class TestForgery:
    """Anybody who knows a recipient can encrypt to it: what age cannot prove, the journal's hash does."""

    def forge(self, vault: Vault, backup: Backup, content: bytes, identity: Identity) -> Backup:
        forged = pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(identity.recipient)])
        overwrite(backup.path, forged)
        digest = hashlib.sha256(forged).hexdigest()
        changed = backup.model_copy(update={"ciphertext_sha256": digest, "size": len(forged)})
        write_sidecar(vault.directory, changed)
        return changed

    def test_a_forged_backup_is_found_by_the_hash_that_the_journal_remembers(
        self, vault: Vault, keep: Keep, identity: Identity, pair: tuple[bytes, bytes]
    ) -> None:
        backup = keep()
        remembered = backup.ciphertext_sha256
        _, manifest = archive.unpack(identity.decrypt(backup.path.read_bytes()))
        evil = dataclasses.replace(make_set(pair), version="6.4.2")
        forged = self.forge(vault, backup, archive.pack(evil, manifest.description), identity)
        assert vault.read(forged, identity) == evil
        assert reason_of(vault, forged, identity, remembered) is VaultFailure.REPLACED
        result = vault.verify(forged, identity, expected_sha256=remembered)
        assert [finding.id for finding in result.findings] == ["backup-replaced"]
        assert vault.get(backup.id).verified is None

    def test_another_backup_put_in_its_place_is_found(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        older, newer = keep(), keep()
        swapped = self.forge(vault, newer, identity.decrypt(older.path.read_bytes()), identity)
        assert reason_of(vault, swapped, identity) is VaultFailure.REPLACED

    def test_what_is_no_archive_is_refused(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        forged = self.forge(vault, keep(), b"#!/bin/sh\nrm -rf /\n", identity)
        assert reason_of(vault, forged, identity) is VaultFailure.UNSAFE

    def test_a_sidecar_cannot_point_to_another_place(self, vault: Vault, keep: Keep, tmp_path: Path) -> None:
        backup = keep()
        write_sidecar(vault.directory, backup.model_copy(update={"path": tmp_path / "elsewhere"}))
        assert vault.get(backup.id).path == backup.path

    def test_a_backup_of_another_cluster_is_reported_and_not_listed(self, vault: Vault, keep: Keep) -> None:
        keep()
        other = Vault(vault.directory, "staging")
        assert other.list() == []
        assert finding_ids(other) == ["backup-foreign"]

    def test_a_vault_that_others_may_write_to_is_reported(self, vault: Vault, keep: Keep) -> None:
        backup = keep()
        vault.directory.chmod(0o770)
        assert finding_ids(vault) == ["vault-writable-by-others"]
        assert vault.list() == [backup]


class TestVerify:
    def test_a_good_backup_is_marked_with_the_time(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        assert vault.verify(backup, identity, expected_sha256=backup.ciphertext_sha256).ok
        marked = vault.get(backup.id)
        assert marked.verified is not None
        assert marked == backup.model_copy(update={"verified": marked.verified})

    def test_damage_is_a_result_and_takes_the_mark_away(self, vault: Vault, keep: Keep, identity: Identity) -> None:
        backup = keep()
        vault.verify(backup, identity)
        whole = backup.path.read_bytes()
        overwrite(backup.path, whole[:-1] + bytes([whole[-1] ^ 1]))
        result = vault.verify(backup, identity)
        assert not result.ok
        assert [finding.id for finding in result.findings] == ["backup-damaged"]
        assert vault.get(backup.id).verified is None

    def test_a_wrong_identity_says_nothing_of_the_backup_and_leaves_the_mark(
        self, vault: Vault, keep: Keep, identity: Identity
    ) -> None:
        backup = keep()
        vault.verify(backup, identity)
        with pytest.raises(VaultError) as caught:
            vault.verify(backup, Identity.generate())
        assert caught.value.reason is VaultFailure.WRONG_IDENTITY
        assert vault.get(backup.id).verified is not None

    def test_a_key_of_another_certificate_is_no_good_backup(
        self, vault: Vault, keep: Keep, identity: Identity, pair: tuple[bytes, bytes], other_pair: tuple[bytes, bytes]
    ) -> None:
        backup = keep(make_set((other_pair[0], pair[1])))
        result = vault.verify(backup, identity)
        assert not result.ok
        assert "key-mismatch" in [finding.id for finding in result.findings]
        assert vault.get(backup.id).verified is None

    def test_a_password_that_the_key_does_not_open_is_no_good_backup(
        self, vault: Vault, keep: Keep, identity: Identity, pair: tuple[bytes, bytes], other_pair: tuple[bytes, bytes]
    ) -> None:
        result = vault.verify(keep(make_set(pair, password_key=other_pair[0])), identity)
        assert not result.ok
        assert "password-not-decryptable" in [finding.id for finding in result.findings]

    def test_a_set_without_certificate_is_no_good_backup_but_a_before_is(
        self, vault: Vault, keep: Keep, identity: Identity, configuration: ConfigurationSet
    ) -> None:
        files = {path: file for path, file in configuration.files.items() if path != "certs/cert.pem"}
        incomplete = dataclasses.replace(configuration, files=files)
        assert not vault.verify(keep(incomplete), identity).ok
        assert vault.verify(keep(incomplete, kind="before"), identity).ok


def test_backups_are_listed_newest_first(vault: Vault, keep: Keep) -> None:
    made = [keep() for _ in range(3)]
    assert vault.list() == made[::-1]
    assert made[0].created + timedelta(minutes=1) > made[2].created


def test_a_sidecar_is_plain_json_for_other_tools(vault: Vault, keep: Keep) -> None:
    backup = keep()
    document = json.loads(sidecar_path(vault.directory, backup.id).read_text())
    assert document["backup"]["id"] == backup.id
