"""What an operator does when something was lost: a damaged journal, a set that is needed by hand, a copied cluster file."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tui.lab.lab import Lab


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def flip_a_byte_of_the_journal(operator: Operator, near: str) -> Path:
    """Damage the record that holds `near`, as a failing disk does."""
    path = operator.home / "state" / "adldap-ha" / "lab" / "journal.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[data.index(near.encode())] ^= 1
    path.write_bytes(data)
    return path


def test_a_damaged_journal_names_the_command_that_sets_it_aside_and_then_all_works_again(operator: Operator) -> None:
    created = operator.ask("backup", "create", "lab", "--json").document
    whole = operator.run("journal", "set-aside", "lab", "--json")
    assert (whole.code, whole.document["error"]["summary"]) == (1, "the journal of cluster lab is whole")
    path = flip_a_byte_of_the_journal(operator, created["ciphertext_sha256"])
    refused = operator.run("report", "lab", "--json")
    assert (refused.code, "adldap-ha journal set-aside lab" in refused.document["error"]["remedy"]) == (1, True)
    aside = operator.run("journal", "set-aside", "lab", "--json")
    assert aside.code == 0, aside.err
    kept = Path(aside.document["kept"])
    assert (kept / path.name).exists()
    assert kept.stat().st_mode & 0o777 == 0o700
    assert operator.ask("backup", "create", "lab").code == 0
    assert "has had no run yet" in operator.run("report", "lab").err


def test_a_copied_cluster_file_is_refused_before_it_shares_journal_and_vault(operator: Operator) -> None:
    copy = operator.cluster_file.with_name("copy.toml")
    copy.write_bytes(operator.cluster_file.read_bytes())
    for name in ("lab", "copy"):
        refused = operator.run("backup", "list", name, "--json")
        assert refused.code == 1
        assert str(copy) in refused.document["error"]["summary"]
        assert str(operator.cluster_file) in refused.document["error"]["summary"]
    copy.unlink()
    assert operator.run("backup", "list", "lab").code == 0


def test_a_backup_is_decrypted_into_a_new_private_directory_with_words_on_what_it_is_worth(
    operator: Operator, tmp_path: Path
) -> None:
    created = operator.ask("backup", "create", "lab", "--json").document
    target = tmp_path / "out"
    restored = operator.ask("backup", "restore", "lab", "--to", str(target))
    assert restored.code == 0, restored.err
    for told in ("directory password", "stop both services", "config.json last", f"rm -r {target}"):
        assert told in restored.out
    install = Path(operator.lab.hosts["fir"].install_dir)
    for name in operator.lab.set.files:
        assert (target / name).read_bytes() == (install / name).read_bytes()
    assert '"owner"' in (target / "manifest.json").read_text()
    for path in [target, *target.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    again = operator.ask("backup", "restore", "lab", created["id"], "--to", str(target), "--json")
    assert (again.code, again.document["error"]["summary"]) == (1, f"{target} exists already")
    other = tmp_path / "other"
    document = operator.ask("backup", "restore", "lab", created["id"], "--to", str(other), "--json").document
    assert (document["backup"], document["directory"], document["ok"]) == (created["id"], str(other), True)
    assert set(document["files"]) == {"manifest.json", *operator.lab.set.files}


def test_a_backup_that_cannot_be_trusted_or_opened_leaves_nothing_behind(operator: Operator, tmp_path: Path) -> None:
    created = operator.ask("backup", "create", "lab", "--json").document
    target = tmp_path / "out"
    arguments = ("backup", "restore", "lab", created["id"], "--to", str(target), "--json")
    wrong = operator.run(*arguments, "--secrets", "-", stdin=b"[vault]\npassphrase = 'not this one'\n")
    assert (wrong.code, wrong.document["error"]["summary"]) == (1, "the passphrase is wrong")
    path = Path(created["path"])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    damaged = operator.ask(*arguments)
    assert (damaged.code, "damaged" in damaged.document["error"]["summary"]) == (1, True)
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_what_is_wrong_in_the_vault_is_told_beside_the_list_and_healed_when_the_vault_is_opened(
    operator: Operator,
) -> None:
    created = operator.ask("backup", "create", "lab", "--json").document
    path = Path(created["path"])
    (sidecar,) = [each for each in path.parent.glob(f"{created['id']}.*") if each != path]
    sidecar.unlink()
    listed = operator.run("backup", "list", "lab", "--json")
    assert listed.document == {"cluster": "lab", "backups": []}
    assert f"note: backup {created['id']} has no sidecar" in listed.err
    assert f"adldap-ha backup verify lab {created['id']}" in listed.err.replace("\n", " ")
    healed = operator.ask("backup", "verify", "lab", created["id"], "--json")
    assert (healed.code, healed.document["ok"]) == (0, True), healed.err
    again = operator.run("backup", "list", "lab", "--json")
    assert ([each["id"] for each in again.document["backups"]], again.err) == ([created["id"]], "")


def keyring_of(operator: Operator, folder: Path, **changed: str) -> dict[str, str]:
    """The environment of an operator whose keyring holds every secret of the lab but for what is `changed`."""
    first = operator.lab.hosts["fir"]
    held = {
        "fir/password": first.password,
        "fir/sudo_password": first.sudo_password,
        "vault/passphrase": operator.lab.vault_passphrase,
        **{name.replace("__", "/"): value for name, value in changed.items()},
    }
    file = folder / "keyring.json"
    file.write_text(json.dumps({f"adldap-ha/lab {name}": value for name, value in held.items()}))
    return {"PYTHON_KEYRING_BACKEND": "tests.lab.file_keyring.FileKeyring", "KEYRING_FILE": str(file)}


def test_what_the_keyring_holds_is_not_asked_for(operator: Operator, tmp_path: Path) -> None:
    created = operator.run("backup", "create", "lab", "--json", env=keyring_of(operator, tmp_path))
    assert created.code == 0, created.err
    assert created.document["verified"] is not None
    broken = {"PYTHON_KEYRING_BACKEND": "tests.lab.file_keyring.FileKeyring", "KEYRING_FILE": str(tmp_path / "none")}
    lacking = operator.run("backup", "verify", "lab", "--json", env=broken)
    assert (lacking.code, lacking.document["error"]["summary"]) == (1, "the vault's passphrase is needed")


def test_a_wrong_passphrase_in_the_keyring_is_told_and_a_person_is_asked(operator: Operator, tmp_path: Path) -> None:
    operator.ask("backup", "create", "lab")
    wrong = keyring_of(operator, tmp_path, vault__passphrase="CANARY of old")
    refused = operator.run("backup", "verify", "lab", "--json", env=wrong)
    assert refused.code == 1
    assert "CANARY" not in refused.out + refused.err
    with operator.terminal("backup", "verify", "lab", env=wrong) as terminal:
        terminal.expect("the passphrase is wrong")
        terminal.expect("Passphrase of the backup vault:")
        terminal.enter(operator.lab.vault_passphrase)
        terminal.expect("the backup is good")
        assert terminal.ended() == 0
