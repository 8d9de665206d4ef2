"""Backups and identities are ordinary age files: Debian's `age` opens them without this program, and the reverse."""

from __future__ import annotations

import re
import shlex
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.unit.vault.conftest import Keep
from tui.connector.model import ConfigurationSet
from tui.vault.identity import create_identity, unlock
from tui.vault.vault import Vault

PASSPHRASE = "several words in a row"


def run(*command: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], input=stdin, capture_output=True, check=True, timeout=150)


def run_on_a_terminal(command: list[str | Path], typed: str) -> str:
    """Run a command that asks on its terminal, type the answer, and return what the terminal showed."""
    line = shlex.join(str(part) for part in command)
    shown = run("script", "--quiet", "--return", "--command", line, "/dev/null", stdin=typed.encode())
    return shown.stdout.decode()


@pytest.fixture
def key_file(tmp_path: Path) -> tuple[Path, str]:
    """An identity made by age-keygen, and its recipient."""
    path = tmp_path / "key.txt"
    told = run("age-keygen", "-o", path).stderr.decode()
    found = re.search(r"age1[0-9a-z]+", told)
    assert found
    return path, found.group()


def test_age_alone_opens_a_backup_and_unzip_finds_the_files_that_the_console_imports(
    keep: Keep, configuration: ConfigurationSet, key_file: tuple[Path, str], tmp_path: Path
) -> None:
    backup = keep(recipients=[key_file[1]])
    opened = tmp_path / "set.zip"
    run("age", "-d", "-i", key_file[0], "-o", opened, backup.path)
    assert b"No errors detected" in run("unzip", "-t", opened).stdout
    with zipfile.ZipFile(opened) as files:
        for path in ("config.json", "lib/profileMapper.js", "certs/cert.key", "certs/cert.pem"):
            assert files.read(path) == configuration.files[path].data
        assert "manifest.json" in files.namelist()


def test_age_opens_a_backup_with_the_identity_made_here_once_its_passphrase_is_typed(
    keep: Keep, tmp_path: Path
) -> None:
    identity_file = tmp_path / "identity.age"
    backup = keep(recipients=[create_identity(identity_file, PASSPHRASE).recipient])
    opened = tmp_path / "set.zip"
    run_on_a_terminal(["age", "-d", "-i", identity_file, "-o", opened, backup.path], f"{PASSPHRASE}\n")
    assert zipfile.ZipFile(opened).testzip() is None


def test_an_identity_that_age_protected_opens_here(
    vault: Vault, keep: Keep, configuration: ConfigurationSet, key_file: tuple[Path, str], tmp_path: Path
) -> None:
    protected = tmp_path / "identity.age"
    run_on_a_terminal(["age", "-a", "-p", "-o", protected, key_file[0]], f"{PASSPHRASE}\n{PASSPHRASE}\n")
    identity = unlock(protected, PASSPHRASE)
    assert identity.recipient == key_file[1]
    assert vault.read(keep(recipients=[key_file[1]]), identity) == configuration
