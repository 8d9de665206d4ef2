"""A Windows host behind its OpenSSH server: either default shell, strange answers, and hosts that are none."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import paramiko
import pytest
from pydantic import SecretStr

from tests.lab.windows.places import own_address
from tests.lab.windows.plain_client import until
from tests.lab.windows.winrm_client import ECHO, FAIL, NOISE, PASSWORD, USER, WAIT, answer
from tui.cluster import Host
from tui.lab.ssh_server import known_host_line
from tui.lab.windows.openssh import OpenSsh
from tui.lab.windows.wsman import Call
from tui.remote.access import Access
from tui.remote.connect import open_session
from tui.remote.errors import (
    AuthenticationFailed,
    ConnectionLost,
    HostKeyUnknown,
    HostUnreachable,
    RemoteError,
    RightsLacking,
    ScriptFailed,
)
from tui.remote.secrets import HostSecrets, Secrets
from tui.remote.windows.ssh_session import WindowsSshSession
from tui.remote.windows_session import Parameter

ADDRESS = own_address()
ASK = "echo %OS%$PSHOME"


class Server(OpenSsh):
    """The lab's SSH server with a default shell, and with what it prints instead of an answer."""

    def __init__(self, run: Callable[[Call], str]) -> None:
        self.shell = "cmd"
        self.instead: bytes | None = None
        self.commands: list[str] = []
        super().__init__(ADDRESS, USER, PASSWORD, run)

    def command(self, text: str | None) -> Callable[[paramiko.Channel], None]:
        self.commands.append(text or "")
        return functools.partial(self._shell, text or "")

    def _shell(self, text: str, channel: paramiko.Channel) -> None:
        feed = "$input | "
        if text == ASK and self.shell != "closed":
            shown = (
                rb"%OS%C:\Windows\System32\WindowsPowerShell\v1.0"
                if self.shell == "powershell"
                else b"Windows_NT$PSHOME"
            )
            self._print(channel, b"Profile loaded\r\n" * (self.shell == "powershell") + shown + b"\r\n")
        elif self.instead is not None:
            self._print(channel, self.instead)
        elif self.shell == "powershell" and not text.startswith(feed):
            self._print(channel, b"")
        else:
            self._serve(text.removeprefix(feed) if self.shell == "powershell" else text, channel)

    def _print(self, channel: paramiko.Channel, words: bytes) -> None:
        with contextlib.suppress(OSError, EOFError):
            while channel.recv(1 << 15):
                pass
            channel.sendall(words)
            channel.send_exit_status(0)
            channel.close()


@pytest.fixture
def calls() -> list[Call]:
    return []


@pytest.fixture
def server(calls: list[Call]) -> Iterator[Server]:
    def run(call: Call) -> str:
        calls.append(call)
        return answer(call)

    made = Server(run)
    made.server.open()
    yield made
    made.server.close()


@contextmanager
def opened(server: Server, directory: Path, password: str = PASSWORD) -> Iterator[WindowsSshSession]:
    known_hosts = directory / "known_hosts"
    known_hosts.write_text(known_host_line(ADDRESS, server.server))
    (directory / "ssh_config").touch()
    access = Access(
        secrets=Secrets(hosts={"elm": HostSecrets(password=SecretStr(password))}),
        known_hosts=known_hosts,
        system_known_hosts=directory / "none",
        ssh_config=directory / "ssh_config",
    )
    values = {"name": "elm", "address": ADDRESS, "port": server.server.port, "user": USER, "os": "windows"}
    session = open_session(Host.model_validate(values), access)
    assert isinstance(session, WindowsSshSession)
    try:
        yield session
    finally:
        session.close()


@pytest.mark.parametrize("shell", ["cmd", "powershell", "closed"])
def test_scripts_run_whatever_the_default_shell_is(
    server: Server, tmp_path: Path, calls: list[Call], shell: str
) -> None:
    server.shell = shell
    given: dict[str, Parameter] = {
        "Text": "Grün & <\"'$(x)",
        "Words": ["a", "b c"],
        "No": [],
        "Number": 1 << 33,
        "Yes": True,
        "Left": None,
    }
    with opened(server, tmp_path) as session:
        told = session.invoke(ECHO, {**given, "Word": SecretStr("canary-word")})
        assert session.acting_account() == "ELM\\ops"

    assert told["given"] == {name: value for name, value in given.items() if value is not None} | {
        "Word": "canary-word"
    }
    assert told["secrets"] == ["Word"]
    assert [call.name for call in calls] == ["Get-Ability.ps1", "Echo.ps1"]
    assert server.commands.count(ASK) == 1
    assert all(len(command) < 8_000 for command in server.commands)
    assert not any("canary" in command or "Echo" in command for command in server.commands)


def test_error_of_a_script_tells_type_code_and_message(server: Server, tmp_path: Path) -> None:
    with opened(server, tmp_path) as session:
        with pytest.raises(ScriptFailed, match="The file is in use") as failed:
            session.invoke(FAIL)
        assert (failed.value.error_type, failed.value.hresult) == ("System.IO.IOException", 0x80070020)
        with pytest.raises(RemoteError, match="did not put out what it should"):
            session.invoke(NOISE)
        assert session.invoke(ECHO)["given"] == {}


def test_script_that_takes_too_long_is_not_run_again(
    server: Server, tmp_path: Path, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.remote.windows.ssh_session._STARTING_SECONDS", 0.3)
    with ExitStack() as stack:
        session = stack.enter_context(opened(server, tmp_path))
        stack.callback(lambda: calls[-2].stopped.set())
        session.acting_account()
        with pytest.raises(ConnectionLost, match=r"Wait\.ps1 did not end within 1 s"):
            session.invoke(WAIT, timeout=1.0)
        assert session.invoke(ECHO)["given"] == {}

    assert [call.name for call in calls].count("Wait.ps1") == 1


def test_connection_that_ends_during_a_script(server: Server, tmp_path: Path, calls: list[Call]) -> None:
    def cut() -> None:
        until(lambda: any(call.name == "Wait.ps1" for call in calls))
        server.server.close()

    with opened(server, tmp_path) as session:
        session.acting_account()
        cutting = threading.Thread(target=cut)
        cutting.start()
        with pytest.raises(ConnectionLost) as lost:
            session.invoke(WAIT)
        cutting.join()
        with pytest.raises(ConnectionLost):
            session.invoke(ECHO)
    for call in calls:
        call.stopped.set()

    assert "unknown" in (lost.value.meaning or "")


def test_constrained_language_mode_is_told(server: Server, tmp_path: Path) -> None:
    server.instead = b"[adldap-ha ConstrainedLanguage 5.1.17763.1]\r\n"
    with opened(server, tmp_path) as session, pytest.raises(RightsLacking, match="ConstrainedLanguage") as told:
        session.invoke(ECHO)

    assert told.value.remedy


@pytest.mark.parametrize("words", [b"", b"'powershell.exe' is not recognized as an internal or external command\r\n"])
def test_host_without_powershell(server: Server, tmp_path: Path, words: bytes) -> None:
    server.instead = words
    with opened(server, tmp_path) as session, pytest.raises(HostUnreachable, match="PowerShell did not answer") as told:
        session.invoke(ECHO)

    assert "not recognized" in str(told.value) or not words


def test_login_is_that_of_any_ssh_host(server: Server, tmp_path: Path) -> None:
    values = {"name": "elm", "address": ADDRESS, "port": server.server.port, "user": USER, "os": "windows"}
    with pytest.raises(AuthenticationFailed), opened(server, tmp_path, "wrong"):
        pass
    with pytest.raises(HostKeyUnknown):
        open_session(
            Host.model_validate(values),
            Access(
                known_hosts=tmp_path / "no", system_known_hosts=tmp_path / "none", ssh_config=tmp_path / "ssh_config"
            ),
        )
