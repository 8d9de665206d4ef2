"""Backups that this jump box has not made: age is no signature, so they are never taken unasked, and never called plainly good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tui.lab.lab import Lab
from tui.vault.identity import unlock
from tui.vault.vault import Vault

EVIL = b"/* evil */"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), names=("fir",), speed=20) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def forge(operator: Operator) -> str:
    """What anybody can do who has read a recipient and may write into the vault's directory; returns the forgery's id."""
    vault = Vault(operator.home / "data/adldap-ha/vault/lab", "lab")
    identity = unlock(operator.identity, operator.lab.vault_passphrase)
    true = vault.read(vault.list()[0], identity)
    mapper = true.files["lib/profileMapper.js"]
    files = {**true.files, "lib/profileMapper.js": replace(mapper, data=EVIL)}
    made = vault.create(
        replace(true, files=files), host="fir", kind="set", operator="eve", run=None, recipients=[operator.recipient]
    )
    return made.id


def test_a_backup_of_unknown_origin_is_neither_taken_unasked_nor_called_good(
    operator: Operator, tmp_path: Path
) -> None:
    true = operator.ask("backup", "create", "lab", "--json").document["id"]
    forged = forge(operator)
    assert operator.run("backup", "list", "lab", "--json").document["backups"][0]["id"] == forged

    verified = operator.ask("backup", "verify", "lab", forged)
    assert "nobody knows who made it" in verified.out
    assert "no record of having made" in verified.out
    assert "the backup is good" in operator.ask("backup", "verify", "lab", true).out

    restored = operator.ask("backup", "restore", "lab", "--to", str(tmp_path / "out"), "--json")
    assert restored.document["backup"] == true
    assert (tmp_path / "out/lib/profileMapper.js").read_bytes() != EVIL

    named = operator.ask("backup", "restore", "lab", forged, "--to", str(tmp_path / "named"))
    assert "no record of having made" in named.out
    assert (tmp_path / "named/lib/profileMapper.js").read_bytes() == EVIL


def test_with_only_backups_of_unknown_origin_one_has_to_be_named(operator: Operator, tmp_path: Path) -> None:
    operator.ask("backup", "create", "lab")
    forge(operator)
    for path in (operator.home / "state/adldap-ha/lab").glob("journal*"):
        path.unlink()
    refused = operator.ask("backup", "restore", "lab", "--to", str(tmp_path / "out"))
    assert refused.code != 0
    assert "no record of having made any" in refused.err
    assert not (tmp_path / "out").exists()
