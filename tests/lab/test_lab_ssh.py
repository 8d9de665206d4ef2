"""The lab's SSH servers, tried with the real ssh client and with paramiko's."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from tests.lab.conftest import OpenSsh, connect
from tui.lab.host import FURNISHINGS, NOISE
from tui.lab.lab import Lab
from tui.lab.ssh_server import new_host_key

EVERY_BYTE = bytes(range(256)) * 300


def test_a_lab_is_ready_with_its_first_host_accepted_in_a_few_seconds(make_lab: Callable[..., Lab]) -> None:
    started = time.monotonic()
    lab = make_lab()
    assert lab.tenant.accepted() == {"fir": 1}
    assert time.monotonic() - started < 15
    waiting = lab.hosts["oak"].services.unit(lab.hosts["oak"].connector_unit)
    assert (waiting.active, waiting.result) == ("failed", "start-limit-hit")


def test_commands_run_in_the_hosts_own_tree_with_their_exit_status(ssh: OpenSsh) -> None:
    done = ssh.run("oak", "pwd; id -un; hostname; echo to-stderr >&2; exit 7")
    home = str(ssh.lab.hosts["oak"].home)
    assert done.stdout.decode().split("\n") == [home, "ops", "oak", ""]
    assert (done.returncode, done.stderr) == (7, b"to-stderr\n")


def test_bytes_pass_unchanged_both_ways(ssh: OpenSsh) -> None:
    done = ssh.run("fir", "cat >copy; cat copy; cat copy >&2", EVERY_BYTE)
    assert done.stdout == EVERY_BYTE
    assert done.stderr == EVERY_BYTE


def test_quoting_reaches_the_real_shell(ssh: OpenSsh) -> None:
    done = ssh.run("fir", """printf '%s|' "a b" 'c"d' $((6 * 7)) `echo e` | tr a-z A-Z""")
    assert done.stdout == b'A B|C"D|42|E|'


@pytest.mark.parametrize("shell", ["bash", "fish", "tcsh"])
def test_other_login_shells_run_what_arrives(lab: Lab, ssh: OpenSsh, shell: str) -> None:
    host = lab.hosts["elm"]
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed on this machine")
    host.shell = path
    try:
        done = ssh.run("elm", "echo 'through the login shell'; false")
    finally:
        host.shell = FURNISHINGS[2].shell
    assert done.stdout.decode() == "through the login shell\n"
    assert done.returncode == 1


def test_a_noisy_shell_speaks_first_on_both_outputs(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("noisy_shell", "fir")
    done = ssh.run("fir", "cat", b"payload")
    assert done.stdout.decode() == f"{NOISE}payload"
    assert done.stderr.decode() == NOISE


def test_a_command_dies_with_its_connection(lab: Lab, ssh: OpenSsh) -> None:
    mark = lab.hosts["fir"].home / "alive"
    client = subprocess.Popen(ssh.argv("fir", "echo $$ >alive; exec sleep 300"), stdin=subprocess.PIPE)
    pid = _wait_for(lambda: int(mark.read_text() or "0") if mark.exists() else 0)
    client.kill()
    client.wait()
    assert client.stdin is not None
    client.stdin.close()
    assert _wait_for(lambda: not _alive(pid))


def test_an_interactive_terminal_is_a_real_one(lab: Lab) -> None:
    with connect(lab.hosts["fir"]) as client:
        channel = client.invoke_shell("xterm", 91, 33)
        channel.settimeout(10)
        channel.sendall(b"stty size; exit 5\n")
        output = b""
        while part := channel.recv(4096):
            output += part
        assert b"33 91" in output
        assert channel.recv_exit_status() == 5


@pytest.mark.parametrize("prompts", [0, 1, 2])
def test_keyboard_interactive_asks_as_often_as_told(lab: Lab, prompts: int) -> None:
    host = lab.hosts["oak"]
    host.login.methods, before = {"keyboard-interactive"}, host.login.methods
    host.login.prompts = ("Password: ", "One-time code: ")[:prompts]
    asked: list[str] = []

    def answer(title: str, text: str, wanted: list[tuple[str, bool]]) -> list[str]:
        asked.extend(prompt for prompt, _ in wanted)
        return [host.password, host.login.code][: len(wanted)]

    transport = paramiko.Transport((host.address, host.port))
    try:
        transport.start_client(timeout=10)
        transport.auth_interactive(host.user, answer)
        assert transport.is_authenticated()
    finally:
        transport.close()
        host.login.methods, host.login.prompts = before, ("Password: ",)
    assert len(asked) == prompts


def test_a_wrong_password_is_refused_and_counted(lab: Lab) -> None:
    host = lab.hosts["elm"]
    before = len(host.login.attempts)
    with pytest.raises(paramiko.AuthenticationException):
        connect(host, password="wrong")
    assert ("password", False) in host.login.attempts[before:]


def test_too_many_wrong_keys_end_the_connection(lab: Lab) -> None:
    host = lab.hosts["elm"]
    transport = paramiko.Transport((host.address, host.port))
    try:
        transport.start_client(timeout=10)
        for _ in range(host.login.max_tries):
            with pytest.raises(paramiko.SSHException):
                transport.auth_publickey(host.user, new_host_key())
        with pytest.raises(paramiko.SSHException):
            transport.auth_password(host.user, host.password)
        assert not transport.is_active()
    finally:
        transport.close()


def test_the_eleventh_session_of_a_connection_is_refused(lab: Lab) -> None:
    with connect(lab.hosts["fir"]) as client:
        transport = client.get_transport()
        assert transport is not None
        channels = [transport.open_session(timeout=10) for _ in range(10)]
        with pytest.raises(paramiko.ChannelException):
            transport.open_session(timeout=10)
        channels[0].close()
        assert _wait_for(lambda: _opens(transport))


def test_one_host_can_be_the_way_to_another(lab: Lab, ssh: OpenSsh) -> None:
    elm = lab.hosts["elm"]
    line = ssh.argv("oak", "")[:-1]
    banner = subprocess.run(
        [*line[:-1], "-W", f"{elm.address}:{elm.port}", line[-1]],
        input=b"",
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert banner.stdout.startswith(b"SSH-2.0-")


def test_every_host_has_its_own_console_behind_its_own_loopback(lab: Lab) -> None:
    for host in lab.hosts.values():
        with connect(host) as client:
            transport = client.get_transport()
            assert transport is not None
            channel = transport.open_channel("direct-tcpip", ("127.0.0.1", 8357), ("127.0.0.1", 0), timeout=10)
            channel.settimeout(10)
            channel.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            answer = b""
            while part := channel.recv(4096):
                answer += part
            assert answer.endswith(b"6.4.1")


def test_nothing_outside_the_lab_is_forwarded_to(lab: Lab, fault: Callable[..., None]) -> None:
    with connect(lab.hosts["fir"]) as client:
        transport = client.get_transport()
        assert transport is not None
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.53", 53), ("127.0.0.1", 0), timeout=10)
        fault("forwarding_off", "fir")
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 8357), ("127.0.0.1", 0), timeout=10)


def test_sftp_serves_the_same_tree_and_nothing_else(lab: Lab, tmp_path: Path, fault: Callable[..., None]) -> None:
    host = lab.hosts["oak"]
    with connect(host) as client:
        sftp = client.open_sftp()
        with sftp.open("deposit", "wb") as file:
            file.write(EVERY_BYTE)
        sftp.chmod("deposit", 0o640)
        found = host.home / "deposit"
        assert found.read_bytes() == EVERY_BYTE
        assert found.stat().st_mode & 0o777 == 0o640
        sftp.mkdir("folder", 0o700)
        sftp.posix_rename("deposit", "folder/kept")
        assert sftp.listdir("folder") == ["kept"]
        with sftp.open(f"{host.home}/folder/kept", "rb") as file:
            assert file.read() == EVERY_BYTE
        with pytest.raises(OSError, match="denied"):
            sftp.open(str(tmp_path / "outside"), "wb")
        assert not (tmp_path / "outside").exists()
        sftp.close()
        fault("sftp_off", "oak")
        with pytest.raises(paramiko.SSHException):
            client.open_sftp()


def test_the_link_is_cut_once_after_the_bytes_that_were_allowed(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("link_cut", "elm", after=30_000)
    cut = ssh.run("elm", "cat >/dev/null; echo finished", EVERY_BYTE)
    assert cut.returncode == 255
    assert b"finished" not in cut.stdout
    again = ssh.run("elm", "cat >/dev/null; echo finished", EVERY_BYTE)
    assert again.stdout == b"finished\n"


def test_a_host_that_is_switched_off_is_gone_until_it_boots(lab: Lab) -> None:
    host = lab.hosts["elm"]
    lab.fault("host_down", "elm")
    try:
        with pytest.raises(OSError):  # noqa: PT011 - paramiko's own error is an OSError of many kinds
            connect(host)
        assert host.services.unit(host.admin_unit or "").active == "inactive"
    finally:
        lab.fault("host_down", "elm", on=False)
    connect(host).close()


def _wait_for(condition: Callable[[], int], timeout: float = 10.0) -> int:
    deadline = time.monotonic() + timeout
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


def _opens(transport: paramiko.Transport) -> bool:
    try:
        transport.open_session(timeout=10)
    except paramiko.ChannelException:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
