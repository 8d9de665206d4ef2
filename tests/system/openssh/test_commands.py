"""Commands on a real OpenSSH server: any login shell, any account, nothing lost and nothing added."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.openssh.conftest import make_access, make_host, temporary_account
from tests.system.openssh.hosts import Account, FailingProxy, Sshd, eventually
from tui.cluster import Host
from tui.remote import ssh_transport
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import (
    BecomeFailed,
    CommandFailed,
    ConnectionLost,
    HostUnreachable,
    SecretKind,
    SecretNeeded,
)
from tui.remote.session import ROOT, Session

PAYLOAD = bytes(range(256)) * 64 + b"\r\n\0end"
NOISE = 'echo "Welcome to $(hostname)!"; echo "mind the gap" >&2; trap "echo bye; echo bye >&2" EXIT\n'


@pytest.fixture
def session(host: Host, access: Access) -> Iterator[Session]:
    """Logged in to the usual server."""
    opened = open_posix_session(host, access)
    yield opened
    opened.close()


def test_status_outputs_and_arguments(session: Session) -> None:
    done = session.run('printf "%s|" "$@"; echo oops >&2; exit 3', ["a b", "it's", "", 'ü"$x`!'], expect=(3,))
    assert (done.text, done.error_text, done.exit_status) == ("a b|it's||ü\"$x`!|", "oops\n", 3)
    with pytest.raises(CommandFailed, match="exit status 3") as caught:
        session.run("echo why >&2; exit 3")
    assert caught.value.meaning == "why"
    assert session.run('locale 2>/dev/null | grep LC_ALL; printf %s "$LC_ALL"').text.endswith("C")


def test_payload_and_answer_larger_than_every_buffer(session: Session) -> None:
    data = PAYLOAD * 400
    done = session.run("cat; head -c 3000000 /dev/zero >&2", stdin=data)
    assert done.stdout == data
    assert done.stderr == b"\0" * 3_000_000


def test_a_command_that_does_not_read_its_input(session: Session) -> None:
    assert session.run("echo done", stdin=PAYLOAD * 400).text == "done\n"


def test_what_is_left_running_does_not_hold_up_the_answer(session: Session) -> None:
    started = time.monotonic()
    assert session.run("sleep 30 & echo started").text == "started\n"
    assert time.monotonic() - started < 10


def test_a_command_that_takes_too_long(session: Session) -> None:
    with pytest.raises(ConnectionLost, match="did not end"):
        session.run("sleep 30", timeout=0.3)
    assert session.run("echo still here").text == "still here\n"


def test_round_trips_are_counted(session: Session) -> None:
    session.run("true")
    assert session.round_trips == 3
    session.run("cat", stdin=b"x")
    assert session.round_trips == 4


def test_one_command_leaves_nothing_to_the_next(session: Session) -> None:
    session.run("cd /tmp; x=1; export x; umask 0; exec 3</etc/passwd; trap 'echo trapped' EXIT")
    assert session.run('pwd; echo "[$x]"; umask; [ -e /proc/self/fd/3 ] || echo closed').text == "/\n[]\n0022\nclosed\n"


def test_a_shell_that_was_killed_is_told_and_replaced(session: Session) -> None:
    with pytest.raises(ConnectionLost):
        session.run("kill -9 $$")
    assert session.run("echo again").text == "again\n"
    with pytest.raises(ConnectionLost):
        session.run("if then")
    pid = int(session.run("echo $$").text)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not any(shell.alive for shell in vars(session)["_shells"].values()))
    assert session.run("echo and again").text == "and again\n"


def test_sudo_is_asked_once_a_session(session: Session, access: Access, account: Account) -> None:
    assert account.sudo_log is not None
    access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
    before = account.sudo_log.read_text().count("COMMAND=") if account.sudo_log.exists() else 0
    for _ in range(3):
        session.run("true", user=ROOT)
    assert account.sudo_log.read_text().count("COMMAND=") == before + 1


@pytest.mark.parametrize(
    ("login_shell", "file", "text"),
    [
        ("/usr/bin/fish", ".config/fish/config.fish", 'echo "fish says hi"\necho noise >&2\n'),
        ("/usr/bin/tcsh", ".tcshrc", 'echo "tcsh says hi"\n'),
        ("/bin/bash", ".bashrc", NOISE),
        ("/bin/bash", ".bashrc", "read -t 0.2 stolen; echo $stolen\n"),
        ("/bin/bash", ".bashrc", "set -x\n"),
        ("/bin/dash", ".profile", ""),
    ],
    ids=["fish", "tcsh", "noisy", "greedy", "tracing", "dash"],
)
def test_login_shells(login_shell: str, file: str, text: str, sshd: Sshd, key: Path, tmp_path: Path) -> None:
    with temporary_account(login_shell, "{user} ALL=(ALL) ALL") as account:
        start_up = account.home / file
        start_up.parent.mkdir(parents=True, exist_ok=True)
        start_up.write_text(text)
        access = make_access(tmp_path, sshd)
        access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
        session = open_posix_session(make_host(sshd, account, identity=key), access)
        try:
            for user, name in ((None, account.name), (ROOT, "root")):
                done = session.run('id -un; printf "%s" "$1"; cat', ["a'b\\$!%\n"], stdin=PAYLOAD, user=user)
                assert done.stdout == f"{name}\na'b\\$!%\n".encode() + PAYLOAD
                assert done.stderr == b""
        finally:
            session.close()


def test_an_account_without_a_shell_is_told(service_account: Account, sshd: Sshd, key: Path, access: Access) -> None:
    session = open_posix_session(make_host(sshd, service_account, identity=key), access)
    try:
        with pytest.raises(HostUnreachable, match=r"did not run /bin/sh") as caught:
            session.run("true")
        assert "not available" in str(caught.value.tried)
    finally:
        session.close()


def test_sudo_with_its_password(session: Session, access: Access, account: Account, service_account: Account) -> None:
    with pytest.raises(SecretNeeded) as question:
        session.run("id -un", user=ROOT)
    assert question.value.kind is SecretKind.SUDO_PASSWORD
    access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
    assert session.run("id -un; cat", user=ROOT, stdin=b"payload").stdout == b"root\npayload"
    assert session.run("id -un; echo $HOME", user=service_account.name).text.split()[0] == service_account.name
    assert session.run("id -un", user=account.name).text.strip() == account.name
    access.secrets.remember("fir", SecretKind.PASSWORD, account.password)
    access.secrets.forget("fir", SecretKind.SUDO_PASSWORD)
    assert session.run("id -un", user=ROOT).text == "root\n"


def test_a_wrong_sudo_password_is_tried_once(session: Session, access: Access, account: Account) -> None:
    assert account.sudo_log is not None
    before = account.sudo_log.read_text() if account.sudo_log.exists() else ""
    access.secrets.remember("fir", SecretKind.PASSWORD, "CANARY-wrong")
    with pytest.raises(SecretNeeded) as caught:
        session.run("id -un", user=ROOT, stdin=b"CANARY-payload")
    assert "refuses the login password" in (caught.value.refused or "")
    assert "CANARY" not in str(caught.value)
    with pytest.raises(SecretNeeded):
        session.run("id -un", user=ROOT)
    deadline = time.monotonic() + 10
    while "incorrect password attempt" not in (news := account.sudo_log.read_text()[len(before) :]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "1 incorrect password attempt" in " ".join(news.split())
    assert "CANARY" not in news


def _run_as_root(sudoers: str, sshd: Sshd, key: Path, tmp_path: Path, **host: object) -> str:
    with temporary_account(sudoers=sudoers) as account:
        access = make_access(tmp_path, sshd)
        if "sudo" in host.pop("secret", "sudo"):  # type: ignore[operator]
            access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
        session = open_posix_session(make_host(sshd, account, identity=key, **host), access)
        try:
            return session.run("id -un; cat", user=ROOT, stdin=b"+payload").text.replace(account.name, "LOGIN")
        finally:
            session.close()


def test_sudo_without_a_password_never_leaks_the_known_one(sshd: Sshd, key: Path, tmp_path: Path) -> None:
    rule = "{user} ALL=(ALL) NOPASSWD: ALL"
    assert _run_as_root(rule, sshd, key, tmp_path) == "root\n+payload"
    assert _run_as_root(rule, sshd, key, tmp_path, secret="none") == "root\n+payload"


def test_sudo_refusals_are_told_apart(sshd: Sshd, key: Path, tmp_path: Path) -> None:
    with pytest.raises(BecomeFailed, match="may not use sudo"):
        _run_as_root("", sshd, key, tmp_path)
    with pytest.raises(BecomeFailed, match="may not use sudo"):
        _run_as_root("{user} ALL=(ALL) /usr/bin/true", sshd, key, tmp_path)
    with pytest.raises(BecomeFailed, match="demands a terminal"):
        _run_as_root("Defaults:{user} requiretty\n{user} ALL=(ALL) ALL", sshd, key, tmp_path)


def test_without_become_the_login_account_does_it_all(sshd: Sshd, key: Path, tmp_path: Path) -> None:
    assert _run_as_root("", sshd, key, tmp_path, become="none") == "LOGIN\n+payload"


@pytest.mark.parametrize("become", ["sudo", "none"])
def test_root_becomes_another_account_by_its_own_means(
    become: str, sshd: Sshd, key: Path, access: Access, service_account: Account
) -> None:
    root = Account("root", "", Path("/root"))
    session = open_posix_session(make_host(sshd, root, identity=key, become=become), access)
    try:
        assert session.run("id -un; cat", user=service_account.name, stdin=b"x").text == f"{service_account.name}\nx"
        with pytest.raises(BecomeFailed, match="there is no account"):
            session.run("true", user="nobody-of-that-name")
    finally:
        session.close()


def test_a_tunnel_carries_bytes_and_tells_refusals(session: Session, sshd: Sshd) -> None:
    stream = session.tunnel("127.0.0.1", sshd.port)
    assert stream.recv(8).startswith(b"SSH-2.0")
    stream.settimeout(0.1)
    stream.sendall(b"")
    stream.recv(4096)
    with pytest.raises(TimeoutError):
        stream.recv(4096)
    stream.close()
    with pytest.raises(HostUnreachable, match="refuses connections"):
        session.tunnel("127.0.0.1", 1)


def test_forbidden_forwarding_is_told(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "AllowTcpForwarding no") as server:
        session = open_posix_session(make_host(server, account, identity=key), make_access(tmp_path, server))
        with pytest.raises(HostUnreachable, match="forbids forwarding"):
            session.tunnel("127.0.0.1", 8357)
        session.close()


@pytest.fixture
def proxied(sshd: Sshd, account: Account, key: Path, tmp_path: Path) -> Iterator[tuple[Session, FailingProxy]]:
    """A session through a proxy that can fail."""
    proxy = FailingProxy(sshd.port)
    access = make_access(tmp_path, sshd)
    access.known_hosts.write_text(sshd.known_line().replace(f":{sshd.port}", f":{proxy.port}"))
    host = make_host(sshd, account, identity=key).model_copy(update={"port": proxy.port})
    session = open_posix_session(host, access)
    yield session, proxy
    session.close()
    proxy.close()


def test_a_link_that_falls_silent_is_noticed(
    monkeypatch: pytest.MonkeyPatch, sshd: Sshd, account: Account, key: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(ssh_transport, "PULSE_SECONDS", 0.2)
    monkeypatch.setattr(ssh_transport, "SILENCE_SECONDS", 0.5)
    proxy = FailingProxy(sshd.port)
    access = make_access(tmp_path, sshd)
    access.known_hosts.write_text(sshd.known_line().replace(f":{sshd.port}", f":{proxy.port}"))
    host = make_host(sshd, account, identity=key).model_copy(update={"port": proxy.port})
    session = open_posix_session(host, access)
    threading.Timer(0.5, proxy.fall_silent).start()
    started = time.monotonic()
    with pytest.raises(ConnectionLost):
        session.run("sleep 30", timeout=60)
    assert time.monotonic() - started < 15
    session.close()
    session.close()
    proxy.close()


def test_a_link_that_is_cut_is_told_and_closing_is_quiet(proxied: tuple[Session, FailingProxy]) -> None:
    session, proxy = proxied
    proxy.cut_after(0)
    with pytest.raises(ConnectionLost):
        session.run("true")
    with pytest.raises(ConnectionLost):
        session.run("true")
    with pytest.raises(ConnectionLost):
        session.tunnel("127.0.0.1", 1)
    session.close()
