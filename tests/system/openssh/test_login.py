"""Logging in to a real OpenSSH server."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL
from paramiko.server import InteractiveQuery

from tests.system.openssh.conftest import make_access, make_host
from tests.system.openssh.hosts import Account, Sshd, make_key, who
from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import (
    AuthenticationFailed,
    SecretKind,
    SecretNeeded,
)


def test_a_key_logs_in(host: Host, access: Access, account: Account) -> None:
    assert who(host, access) == account.name


def test_a_password_is_asked_for_and_logs_in(sshd: Sshd, account: Account, access: Access) -> None:
    host = make_host(sshd, account)
    with pytest.raises(SecretNeeded) as question:
        open_posix_session(host, access)
    assert question.value.kind is SecretKind.PASSWORD
    access.secrets.remember("fir", question.value.kind, account.password)
    assert who(host, access) == account.name


def test_a_wrong_password_is_tried_once(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key) as server:
        access = make_access(tmp_path, server)
        access.secrets.remember("fir", SecretKind.PASSWORD, "CANARY-wrong")
        host = make_host(server, account)
        with pytest.raises(AuthenticationFailed, match="refuses the password") as caught:
            open_posix_session(host, access)
        with pytest.raises(SecretNeeded):
            open_posix_session(host, access)
        assert server.logged("Failed password") == 1
        assert "CANARY" not in str(caught.value)


def test_a_key_with_a_passphrase(sshd: Sshd, account: Account, access: Access, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", "CANARY-phrase", kind="ecdsa")
    host = make_host(sshd, account, identity=locked)
    keys = sshd.directory / "authorized_keys"
    keys.write_text(keys.read_text() + Path(f"{locked}.pub").read_text())
    with pytest.raises(SecretNeeded) as question:
        open_posix_session(host, access)
    assert question.value.kind is SecretKind.KEY_PASSPHRASE
    access.secrets.remember("fir", SecretKind.KEY_PASSPHRASE, "CANARY-no")
    with pytest.raises(AuthenticationFailed, match="passphrase does not open") as caught:
        open_posix_session(host, access)
    assert "CANARY" not in str(caught.value)
    access.secrets.remember("fir", SecretKind.KEY_PASSPHRASE, "CANARY-phrase")
    assert who(host, access) == account.name


def test_a_missing_identity_is_told(sshd: Sshd, account: Account, access: Access, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationFailed, match="no such file"):
        open_posix_session(make_host(sshd, account, identity=tmp_path / "none"), access)


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running ssh-agent without keys; its socket."""
    path = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    while not path.exists():
        assert process.poll() is None
    yield path
    process.terminate()
    process.wait(10)


def _with_agent(access: Access, extra: str = "") -> None:
    assert access.ssh_config is not None
    access.ssh_config.write_text(f"Host *\n  IdentityFile none\n{extra}")


def test_the_agent_logs_in(sshd: Sshd, account: Account, access: Access, agent: Path, key: Path) -> None:
    _with_agent(access)
    subprocess.run(["ssh-add", "-q", str(key)], check=True)
    assert who(make_host(sshd, account), access) == account.name


def test_the_agent_signs_for_a_key_file_whose_passphrase_is_not_known(
    sshd: Sshd, account: Account, access: Access, agent: Path, tmp_path: Path
) -> None:
    _with_agent(access, "  IdentitiesOnly yes\n")
    plain = make_key(tmp_path / "k")
    keys = sshd.directory / "authorized_keys"
    keys.write_text(keys.read_text() + Path(f"{plain}.pub").read_text())
    subprocess.run(["ssh-add", "-q", str(plain)], check=True)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(plain)], check=True)
    assert who(make_host(sshd, account, identity=plain), access) == account.name


def test_an_agent_full_of_keys_does_not_use_up_the_attempts(
    sshd: Sshd, account: Account, access: Access, agent: Path, key: Path, tmp_path: Path
) -> None:
    _with_agent(access)
    for number in range(8):
        subprocess.run(["ssh-add", "-q", str(make_key(tmp_path / f"k{number}"))], check=True)
    assert who(make_host(sshd, account, identity=key), access) == account.name
    access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
    assert who(make_host(sshd, account), access) == account.name


def test_a_server_that_hangs_up_after_few_attempts_is_understood(
    tmp_path: Path, account: Account, agent: Path, key: Path
) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "MaxAuthTries 2") as server:
        access = make_access(tmp_path, server)
        _with_agent(access)
        for number in range(4):
            subprocess.run(["ssh-add", "-q", str(make_key(tmp_path / f"k{number}"))], check=True)
        with pytest.raises(AuthenticationFailed, match="ended the connection during login") as caught:
            open_posix_session(make_host(server, account), access)
        assert "IdentitiesOnly" in str(caught.value.remedy)


def test_keyboard_interactive_through_pam(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    settings = ("PasswordAuthentication no", "KbdInteractiveAuthentication yes", "PubkeyAuthentication no")
    with Sshd(tmp_path / "s", key, *settings) as server:
        access = make_access(tmp_path, server)
        host = make_host(server, account)
        with pytest.raises(SecretNeeded) as question:
            open_posix_session(host, access)
        assert question.value.kind is SecretKind.PASSWORD
        access.secrets.remember("fir", SecretKind.PASSWORD, "CANARY-wrong")
        with pytest.raises(AuthenticationFailed):
            open_posix_session(host, access)
        access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
        assert who(host, access) == account.name


def test_key_and_password_together(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "AuthenticationMethods publickey,password") as server:
        access = make_access(tmp_path, server)
        host = make_host(server, account, identity=key)
        with pytest.raises(SecretNeeded) as question:
            open_posix_session(host, access)
        assert question.value.kind is SecretKind.PASSWORD
        access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
        assert who(host, access) == account.name


class _Interrogator(paramiko.ServerInterface):
    """A server that asks the given rounds of prompts and expects the given answers."""

    def __init__(self, rounds: list[list[str]], answers: list[list[str]]) -> None:
        self.rounds, self.answers = list(rounds), list(answers)

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def _next(self) -> InteractiveQuery | int:
        if not self.rounds:
            return AUTH_SUCCESSFUL
        return InteractiveQuery("", "", *self.rounds.pop(0))

    def check_auth_interactive(self, username: str, submethods: str | bytes) -> int | InteractiveQuery:
        return self._next()

    def check_auth_interactive_response(self, responses: list[str]) -> int | InteractiveQuery:
        return self._next() if responses == self.answers.pop(0) else AUTH_FAILED


@pytest.mark.parametrize(
    ("rounds", "answers"),
    [
        ([[]], [[]]),
        ([["Password: "]], [["pw"]]),
        ([["Password: ", "Verification code: "]], [["pw", "123456"]]),
        ([["Password: "], ["One-time password: "], []], [["pw"], ["123456"], []]),
    ],
)
def test_keyboard_interactive_with_any_number_of_prompts(
    rounds: list[list[str]], answers: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    host_key = paramiko.RSAKey.generate(2048)
    interrogator = _Interrogator(rounds, answers)

    def serve() -> None:
        client, _ = listener.accept()
        transport = paramiko.Transport(client)
        transport.add_server_key(host_key)
        transport.start_server(server=interrogator)

    threading.Thread(target=serve, daemon=True).start()
    known = tmp_path / "known_hosts"
    port = listener.getsockname()[1]
    known.write_text(f"[127.0.0.1]:{port} ssh-rsa {host_key.get_base64()}\n")
    config = tmp_path / "config"
    config.touch()
    access = Access(known_hosts=known, system_known_hosts=tmp_path / "none", ssh_config=config)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    access.secrets.remember("fir", SecretKind.PASSWORD, "pw")
    access.secrets.remember("fir", SecretKind.CHALLENGE, "123456")
    session = open_posix_session(Host(name="fir", address="127.0.0.1", port=port, user="u"), access)
    session.close()
    assert interrogator.rounds == interrogator.answers == []
    used = any("123456" in answer for answer in answers)
    assert (access.secrets.of_host("fir", SecretKind.CHALLENGE) is None) is used or answers == []
    listener.close()
