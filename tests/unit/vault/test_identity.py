"""The operator's identity: made once, opened with a passphrase that never leaves memory and pipes."""

from __future__ import annotations

import pickle
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pyrage
import pytest

from tui.vault import identity as identity_module
from tui.vault import passphrase_worker
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.identity import Identity, create_identity, unlock

PASSPHRASE = "CANARY pässphrase of several words"


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An identity file and its recipient."""
    path = tmp_path_factory.mktemp("identity") / "vault" / "identity.age"
    return path, create_identity(path, PASSPHRASE).recipient


def failure(path: Path, passphrase: str = PASSPHRASE) -> VaultError:
    with pytest.raises(VaultError) as caught:
        unlock(path, passphrase)
    assert passphrase not in str(caught.value)
    return caught.value


def test_it_opens_with_its_passphrase_and_opens_what_was_made_for_it(protected: tuple[Path, str]) -> None:
    path, recipient = protected
    opened = unlock(path, PASSPHRASE)
    assert opened.recipient == recipient
    assert opened.decrypt(pyrage.encrypt(b"set", [pyrage.x25519.Recipient.from_str(recipient)])) == b"set"


def test_its_file_is_private_and_says_nothing_in_clear(protected: tuple[Path, str]) -> None:
    path, recipient = protected
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"AGE-SECRET-KEY" not in path.read_bytes()
    assert recipient.encode() not in path.read_bytes()


def test_a_wrong_passphrase_is_told_as_such(protected: tuple[Path, str]) -> None:
    error = failure(protected[0], "something else")
    assert error.reason is VaultFailure.WRONG_PASSPHRASE


def test_a_damaged_file_is_told_from_a_wrong_passphrase(protected: tuple[Path, str], tmp_path: Path) -> None:
    whole = protected[0].read_bytes()
    damaged = tmp_path / "identity.age"
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert failure(damaged).reason is VaultFailure.BAD_IDENTITY


def test_a_file_made_to_take_for_ever_is_refused_at_once(protected: tuple[Path, str], tmp_path: Path) -> None:
    laborious = tmp_path / "identity.age"
    header, _, rest = protected[0].read_bytes().partition(b"\n--- ")
    laborious.write_bytes(re.sub(rb"(-> scrypt \S+) \d+", rb"\1 40", header) + b"\n--- " + rest)
    error = failure(laborious)
    assert error.reason is VaultFailure.BAD_IDENTITY
    assert "laborious" in error.summary


def test_a_second_identity_never_replaces_the_first(protected: tuple[Path, str]) -> None:
    path, _ = protected
    before = path.read_bytes()
    with pytest.raises(VaultError) as caught:
        create_identity(path, PASSPHRASE)
    assert caught.value.reason is VaultFailure.EXISTS
    assert path.read_bytes() == before


@pytest.mark.parametrize("passphrase", ["", "short", "with\nline end", "\x00\x00\x00\x00\x00\x00\x00\x00"])
def test_a_passphrase_that_could_not_protect_or_be_typed_is_refused(tmp_path: Path, passphrase: str) -> None:
    with pytest.raises(VaultError, match="will not do"):
        create_identity(tmp_path / "identity.age", passphrase)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    assert failure(tmp_path / "absent").reason is VaultFailure.MISSING


def test_what_is_no_protected_identity_is_told(tmp_path: Path, identity: Identity) -> None:
    path = tmp_path / "identity.age"
    contents = {
        b"nonsense": "no age file",
        b"": "no age file",
        f"{pyrage.x25519.Identity.generate()}\n".encode(): "not encrypted",
        pyrage.encrypt(b"x", [pyrage.x25519.Recipient.from_str(identity.recipient)]): "not protected by a passphrase",
        b"age-encryption.org/v1\n-> scrypt": "damaged",
    }
    for content, told in contents.items():
        path.write_bytes(content)
        error = failure(path)
        assert error.reason is VaultFailure.BAD_IDENTITY
        assert told in error.summary


def test_a_protected_file_without_a_key_in_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "identity.age"
    path.write_bytes(b"age-encryption.org/v1\n")
    for inside in (b"a letter to a friend", b"AGE-SECRET-KEY-1DAMAGED\n"):
        monkeypatch.setattr(identity_module, "_work", lambda *_, inside=inside: inside)
        assert failure(path).reason is VaultFailure.BAD_IDENTITY


def test_a_worker_that_dies_is_told_as_a_lack_of_memory_may_be(
    protected: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(passphrase_worker, "__file__", str(dying))
    error = failure(protected[0])
    assert error.reason is VaultFailure.STORAGE
    assert "free memory" in str(error)


def test_the_passphrase_is_in_no_argument_and_no_environment(
    protected: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "spy.py"
    seen = tmp_path / "seen"
    spy.write_text(
        "import os, sys\n"
        f"open({str(seen)!r}, 'wb').write(open('/proc/self/cmdline', 'rb').read() + open('/proc/self/environ', 'rb').read())\n"
        "sys.exit(3)\n"
    )
    monkeypatch.setattr(passphrase_worker, "__file__", str(spy))
    failure(protected[0])
    assert b"open" in seen.read_bytes()
    assert b"CANARY" not in seen.read_bytes()


def test_other_threads_go_on_while_it_opens(protected: tuple[Path, str]) -> None:
    done = threading.Event()

    def open_it() -> None:
        unlock(protected[0], PASSPHRASE)
        done.set()

    opener = threading.Thread(target=open_it, daemon=True)
    opener.start()
    turns = 0
    while not done.wait(0.01) and opener.is_alive():
        turns += 1
    opener.join()
    assert done.is_set()
    assert turns > 10


def test_it_cannot_be_printed_or_pickled(identity: Identity) -> None:
    for text in (repr(identity), str(identity), f"{identity!r}", str(vars(identity))):
        assert "AGE-SECRET-KEY" not in text
    with pytest.raises(TypeError):
        pickle.dumps(identity)


def test_importing_it_loads_no_cryptography(tmp_path: Path) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, tui.vault.identity; print('pyrage' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loaded.stdout == "False\n"
