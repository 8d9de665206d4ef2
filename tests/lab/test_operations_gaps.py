"""What an operator does when something was lost: a damaged journal, a set that is needed by hand, a copied cluster file."""

from __future__ import annotations

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
