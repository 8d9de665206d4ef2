"""Logging in to a real OpenSSH server."""

from __future__ import annotations

import base64
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
from tests.system.openssh.hosts import Account, Sshd, make_key
from tui.cluster import Host
from tui.remote.access import Access, remember_host_key
from tui.remote.connect import open_posix_session
from tui.remote.errors import (
    AuthenticationFailed,
    HostKeyChanged,
    HostKeyUnknown,
    HostUnreachable,
    SecretKind,
    SecretNeeded,
)
from tui.remote.known_hosts import fingerprint


def _who(host: Host, access: Access) -> str:
    session = open_posix_session(host, access)
    try:
        return session.run("id -un").text.strip()
    finally:
        session.close()


def test_a_key_logs_in(host: Host, access: Access, account: Account) -> None:
    assert _who(host, access) == account.name


def test_an_unknown_key_is_a_question_whose_answer_is_kept(
    host: Host, access: Access, account: Account, sshd: Sshd
) -> None:
    access.known_hosts.unlink()
    with pytest.raises(HostKeyUnknown) as question:
        open_posix_session(host, access)
    blob = base64.b64decode(Path(f"{sshd.host_key}.pub").read_text().split()[1])
    assert question.value.fingerprint == fingerprint(blob)
    assert (question.value.key_type, question.value.port) == ("ssh-ed25519", sshd.port)
    remember_host_key(access, question.value)
    assert _who(host, access) == account.name


def test_the_checked_key_can_be_shown(host: Host, access: Access, sshd: Sshd) -> None:
    session = open_posix_session(host, access)
    try:
        shown = subprocess.run(["ssh-keygen", "-lf", f"{sshd.host_key}.pub"], capture_output=True, check=True)
        assert vars(session)["fingerprint"] == shown.stdout.decode().split()[1]
    finally:
        session.close()


def test_a_changed_key_stops_before_any_secret_is_sent(host: Host, access: Access, sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    access.known_hosts.write_text(sshd.known_line(key=other))
    before = sshd.logged("Accepted publickey")
    with pytest.raises(HostKeyChanged, match="not the one that is known") as caught:
        open_posix_session(host, access)
    assert "ssh-keygen -R" in str(caught.value.remedy)
    assert sshd.logged("Accepted publickey") == before


def test_a_key_of_another_type_does_not_get_round_a_known_one(
    host: Host, access: Access, sshd: Sshd, tmp_path: Path
) -> None:
    access.known_hosts.write_text(sshd.known_line(key=make_key(tmp_path / "other", kind="ecdsa")))
    with pytest.raises(HostKeyChanged):
        open_posix_session(host, access)


def test_a_revoked_key_stops_even_when_it_is_known(host: Host, access: Access, sshd: Sshd) -> None:
    access.known_hosts.write_text(sshd.known_line() + sshd.known_line("@revoked"))
    with pytest.raises(HostKeyChanged, match="revoked"):
        open_posix_session(host, access)


def test_hashed_names_are_known(host: Host, access: Access, account: Account) -> None:
    subprocess.run(["ssh-keygen", "-H", "-f", str(access.known_hosts)], check=True, capture_output=True)
    assert "127.0.0.1" not in access.known_hosts.read_text()
    assert _who(host, access) == account.name


@pytest.fixture
def certified(tmp_path: Path, key: Path) -> Iterator[tuple[Sshd, Path]]:
    """A server that shows a certificate for its key, and the authority that signed it."""
    authority = make_key(tmp_path / "authority")
    directory = tmp_path / "certified"
    directory.mkdir()
    server = Sshd(directory, key, f"HostCertificate {directory}/host_key-cert.pub")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-h", "-I", "fir", "-n", "127.0.0.1", f"{server.host_key}.pub"],
        check=True,
    )
    with server:
        yield server, authority


def test_a_certificate_of_a_known_authority_is_trusted(
    certified: tuple[Sshd, Path], tmp_path: Path, account: Account, key: Path
) -> None:
    server, authority = certified
    access = make_access(tmp_path, server)
    access.known_hosts.write_text(server.known_line("@cert-authority", authority))
    assert _who(make_host(server, account, identity=key), access) == account.name


def test_a_certificate_for_another_name_or_of_a_revoked_authority_is_not_trusted(
    certified: tuple[Sshd, Path], tmp_path: Path, account: Account, key: Path
) -> None:
    server, authority = certified
    access = make_access(tmp_path, server)
    host = make_host(server, account, identity=key)
    line = server.known_line("@cert-authority", authority)
    access.known_hosts.write_text(line.replace("127.0.0.1", "localhost"))
    with pytest.raises(HostKeyUnknown) as caught:
        open_posix_session(host.model_copy(update={"address": "localhost"}), access)
    assert "it is for 127.0.0.1" in str(caught.value.tried)
    access.known_hosts.write_text(line + server.known_line("@revoked", authority))
    with pytest.raises(HostKeyUnknown):
        open_posix_session(host, access)
    second = server.known_line("@cert-authority", make_key(tmp_path / "second"))
    access.known_hosts.write_text(line + second + server.known_line("@revoked", authority))
    with pytest.raises(HostKeyChanged, match="revoked"):
        open_posix_session(host, access)


def test_a_password_is_asked_for_and_logs_in(sshd: Sshd, account: Account, access: Access) -> None:
    host = make_host(sshd, account)
    with pytest.raises(SecretNeeded) as question:
        open_posix_session(host, access)
    assert question.value.kind is SecretKind.PASSWORD
    access.secrets.remember("fir", question.value.kind, account.password)
    assert _who(host, access) == account.name


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
    assert _who(host, access) == account.name


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
    assert _who(make_host(sshd, account), access) == account.name


def test_the_agent_signs_for_a_key_file_whose_passphrase_is_not_known(
    sshd: Sshd, account: Account, access: Access, agent: Path, tmp_path: Path
) -> None:
    _with_agent(access, "  IdentitiesOnly yes\n")
    plain = make_key(tmp_path / "k")
    keys = sshd.directory / "authorized_keys"
    keys.write_text(keys.read_text() + Path(f"{plain}.pub").read_text())
    subprocess.run(["ssh-add", "-q", str(plain)], check=True)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(plain)], check=True)
    assert _who(make_host(sshd, account, identity=plain), access) == account.name


def test_an_agent_full_of_keys_does_not_use_up_the_attempts(
    sshd: Sshd, account: Account, access: Access, agent: Path, key: Path, tmp_path: Path
) -> None:
    _with_agent(access)
    for number in range(8):
        subprocess.run(["ssh-add", "-q", str(make_key(tmp_path / f"k{number}"))], check=True)
    assert _who(make_host(sshd, account, identity=key), access) == account.name
    access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
    assert _who(make_host(sshd, account), access) == account.name


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
        assert _who(host, access) == account.name


def test_key_and_password_together(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "AuthenticationMethods publickey,password") as server:
        access = make_access(tmp_path, server)
        host = make_host(server, account, identity=key)
        with pytest.raises(SecretNeeded) as question:
            open_posix_session(host, access)
        assert question.value.kind is SecretKind.PASSWORD
        access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
        assert _who(host, access) == account.name


@pytest.fixture
def bastions(tmp_path: Path, key: Path) -> Iterator[list[Sshd]]:
    """Two jump hosts."""
    for name in ("b1", "b2"):
        (tmp_path / name).mkdir()
    with Sshd(tmp_path / "b1", key) as one, Sshd(tmp_path / "b2", key) as two:
        yield [one, two]


def test_a_chain_of_jump_hosts_each_with_its_key_checked(
    bastions: list[Sshd], sshd: Sshd, account: Account, key: Path, tmp_path: Path
) -> None:
    access = make_access(tmp_path)
    jump = ",".join(f"{account.name}@127.0.0.1:{server.port}" for server in bastions)
    host = make_host(sshd, account, identity=key, jump=jump)
    for server in (*bastions, sshd):
        with pytest.raises(HostKeyUnknown) as question:
            open_posix_session(host, access)
        assert question.value.port == server.port
        remember_host_key(access, question.value)
    session = open_posix_session(host, access)
    try:
        assert session.run("echo $SSH_CONNECTION").text.split()[3] == str(sshd.port)
        assert all(server.logged("Accepted publickey") for server in bastions)
    finally:
        session.close()


def test_a_jump_host_of_the_openssh_configuration_is_used(
    bastions: list[Sshd], sshd: Sshd, account: Account, key: Path, tmp_path: Path
) -> None:
    access = make_access(tmp_path, sshd, *bastions)
    assert access.ssh_config is not None
    access.ssh_config.write_text(
        f"Host fir\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {account.name}\n  IdentityFile {key}\n"
        f"  ProxyJump via\nHost via\n  HostName 127.0.0.1\n  Port {bastions[0].port}\n  User {account.name}\n"
        f"  IdentityFile {key}\n"
    )
    assert _who(Host(name="fir", address="fir"), access) == account.name
    assert bastions[0].logged("Accepted publickey") == 1


def test_a_jump_host_that_forbids_forwarding_is_told(sshd: Sshd, account: Account, key: Path, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "AllowTcpForwarding no") as bastion:
        access = make_access(tmp_path, sshd, bastion)
        host = make_host(sshd, account, identity=key, jump=f"{account.name}@127.0.0.1:{bastion.port}")
        with pytest.raises(HostUnreachable, match="forbids forwarding"):
            open_posix_session(host, access)


def test_a_closed_port_and_an_unknown_name_are_told_apart(access: Access, sshd: Sshd, account: Account) -> None:
    host = make_host(sshd, account)
    with pytest.raises(HostUnreachable, match="refuses connections"):
        open_posix_session(host.model_copy(update={"port": 1}), access)
    with pytest.raises(HostUnreachable, match="is not known"):
        open_posix_session(host.model_copy(update={"address": "nowhere.invalid"}), access)


def test_thirty_two_logins_at_once_pass_a_server_that_admits_few(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "MaxStartups 5:100:5") as server:
        access = make_access(tmp_path, server)
        host = make_host(server, account, identity=key)
        names: list[str] = []
        threads = [threading.Thread(target=lambda: names.append(_who(host, access))) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names == [account.name] * 32


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
