"""A WinRM session that fails says how, soon, and never does a thing twice."""

from __future__ import annotations

import functools
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.lab.windows.plain_client import until
from tests.lab.windows.winrm_client import (
    ECHO,
    FAIL,
    NOISE,
    PASSWORD,
    WAIT,
    Serve,
    access_with,
    answer,
    host_of,
    session_with,
    works,
)
from tui.lab.windows import certificates
from tui.lab.windows.http_security import ConnectionSecurity
from tui.lab.windows.wsman import WsmanServer
from tui.remote.connect import open_session
from tui.remote.errors import ConnectionLost, HostUnreachable, RemoteError, RightsLacking, ScriptFailed
from tui.remote.windows import winrm_transport
from tui.remote.windows.winrm_session import WinrmSession
from tui.remote.windows_session import Parameter


@pytest.fixture
def server(listen: Serve) -> WsmanServer:
    return listen()


@pytest.fixture
def session(server: WsmanServer, tmp_path: Path) -> Iterator[WinrmSession]:
    with session_with(host_of(server), access_with(tmp_path)) as opened:
        opened.acting_account()
        yield opened


def names(server: WsmanServer) -> list[str]:
    return [call.name for call in server.record.calls]


def test_parameters_of_each_kind_arrive_and_secrets_as_secure_strings(session: WinrmSession) -> None:
    given: dict[str, Parameter] = {
        "Text": "Grün & <\"'$(x)`n\r\n\0x",
        "Words": ["one", "zwei drei"],
        "None": [],
        "Number": 1 << 33,
        "Part": 2.5,
        "Yes": True,
        "Left": None,
        "Word": SecretStr(PASSWORD),
    }
    told = session.invoke(ECHO, given)

    assert told["secrets"] == ["Word"]
    assert told["given"] == {key: value for key, value in given.items() if key not in {"Left", "Word"}} | {
        "Word": PASSWORD
    }


def test_each_script_costs_three_calls_in_one_pool(server: WsmanServer, session: WinrmSession) -> None:
    before, creates = session.round_trips, server.record.soap["Create"]
    for _ in range(5):
        session.invoke(ECHO)

    assert session.round_trips - before == 15
    assert server.record.soap["Create"] == creates == 1
    assert session.round_trips == server.record.requests


def test_error_of_a_script_tells_type_code_and_message(session: WinrmSession) -> None:
    with pytest.raises(ScriptFailed, match="The file is in use") as failed:
        session.invoke(FAIL)

    assert (failed.value.error_type, failed.value.hresult) == ("System.IO.IOException", 0x80070020)
    assert session.invoke(ECHO)["given"] == {}


def test_output_that_is_no_object_is_told(session: WinrmSession) -> None:
    with pytest.raises(RemoteError, match="did not put out what it should"):
        session.invoke(NOISE)


def test_script_that_takes_too_long_is_stopped_and_the_session_ends(server: WsmanServer, session: WinrmSession) -> None:
    with pytest.raises(ConnectionLost, match=r"Wait\.ps1 did not end within 1 s"):
        session.invoke(WAIT, timeout=1.0)
    until(lambda: server.record.calls[-1].ended == "stopped")
    assert server.shells.open_shells() == 0
    with pytest.raises(ConnectionLost):
        session.invoke(ECHO)

    assert names(server).count("Wait.ps1") == 1


def test_idle_connection_that_the_server_closed_is_made_again_for_the_same_pool(
    server: WsmanServer, session: WinrmSession
) -> None:
    for _ in range(2):
        server.close_idle()
        assert session.invoke(ECHO)["given"] == {}

    assert server.record.soap["Create"] == 1
    assert server.record.logins == {"ops": 3}


def test_connection_that_was_idle_for_long_is_not_trusted(
    server: WsmanServer, session: WinrmSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winrm_transport, "IDLE_SECONDS", 0.0)
    session.invoke(ECHO)

    assert server.record.soap["Create"] == 1
    assert server.record.logins["ops"] > 1


def test_connection_dropped_during_a_script_ends_the_session_and_nothing_is_sent_again(
    server: WsmanServer, session: WinrmSession
) -> None:
    receives = server.record.soap["Receive"]

    def drop() -> None:
        until(lambda: server.record.soap["Receive"] > receives)
        server.drop()

    dropping = threading.Thread(target=drop)
    dropping.start()
    with pytest.raises(ConnectionLost, match="ended") as lost:
        session.invoke(WAIT)
    dropping.join()
    with pytest.raises(ConnectionLost):
        session.invoke(ECHO)
    server.shells.close()
    until(lambda: "Wait.ps1" in names(server))

    assert "unknown" in (lost.value.meaning or "")
    assert names(server).count("Wait.ps1") == 1
    assert "Echo.ps1" not in names(server)


def test_answer_cut_off_in_the_middle_ends_the_session(server: WsmanServer, session: WinrmSession) -> None:
    server.cut_receive_after(0)
    with pytest.raises(ConnectionLost):
        session.invoke(ECHO)

    assert names(server).count("Echo.ps1") == 1


def test_dead_host_is_noticed_within_twenty_seconds(server: WsmanServer, session: WinrmSession) -> None:
    server.stop_answering()
    began = time.monotonic()
    with pytest.raises(ConnectionLost):
        session.invoke(ECHO)
    session.close()

    assert time.monotonic() - began < 20


def test_host_that_hangs_at_the_login_is_unreachable(
    server: WsmanServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winrm_transport, "ANSWER_SECONDS", 0.5)
    server.stop_answering()
    with pytest.raises(HostUnreachable, match="does not answer"):
        open_session(host_of(server), access_with(tmp_path))


def test_host_that_is_down(server: WsmanServer, tmp_path: Path) -> None:
    host = host_of(server)
    server.close()
    with pytest.raises(HostUnreachable, match="refuses connections") as told:
        open_session(host, access_with(tmp_path))
    assert "WinRM" in (told.value.remedy or "")
    with pytest.raises(HostUnreachable, match="not known"):
        open_session(host.model_copy(update={"address": "no-such-host.invalid"}), access_with(tmp_path))


def test_session_that_the_host_forgot_is_replaced_before_anything_runs(
    server: WsmanServer, session: WinrmSession
) -> None:
    server.shells.close()
    assert session.invoke(ECHO)["given"] == {}

    assert server.record.soap["Create"] == 2
    assert names(server).count("Echo.ps1") == 1


def test_rebooted_host_gets_a_new_session(server: WsmanServer, session: WinrmSession, tmp_path: Path) -> None:
    server.close()
    server.open()
    assert session.invoke(ECHO)["given"] == {}

    works(host_of(server), access_with(tmp_path))


def test_too_many_sessions(server: WsmanServer, tmp_path: Path) -> None:
    server.shells.max_shells = 0
    with pytest.raises(HostUnreachable, match="too many remote sessions") as told:
        open_session(host_of(server), access_with(tmp_path))

    assert "MaxShellsPerUser" in (told.value.remedy or "")


def test_no_pipeline_is_left_open(server: WsmanServer, session: WinrmSession) -> None:
    server.shells.max_operations = 1
    for _ in range(3):
        session.invoke(ECHO)
        with pytest.raises(ScriptFailed):
            session.invoke(FAIL)


def test_message_that_is_too_large_is_not_run_and_the_session_goes_on(
    server: WsmanServer, session: WinrmSession
) -> None:
    server.max_envelope_size = 100 * 1024
    with pytest.raises(RemoteError, match="larger than the host's WinRM service accepts") as told:
        session.invoke(ECHO, {"Data": "x" * 300_000})

    assert "MaxEnvelopeSizekb" in (told.value.remedy or "")
    assert "Echo.ps1" not in names(server)
    assert session.invoke(ECHO)["given"] == {}


def test_largest_file_as_base64_travels_in_pieces(session: WinrmSession) -> None:
    data = "x" * ((4 << 20) * 4 // 3)
    assert session.invoke(ECHO, {"Data": data})["given"] == {"Data": data}


def test_answer_in_clear_over_http_is_not_used(
    server: WsmanServer, session: WinrmSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ConnectionSecurity, "wrap", lambda security, message: ("application/soap+xml;charset=UTF-8", message)
    )
    with pytest.raises(ConnectionLost, match="not encrypted") as told:
        session.invoke(ECHO)

    assert "tampering" in (told.value.meaning or "")


def test_fault_in_clear_over_http_is_not_believed_so_that_nothing_is_sent_again(
    server: WsmanServer, session: WinrmSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ConnectionSecurity, "wrap", lambda security, message: ("application/soap+xml;charset=UTF-8", message)
    )
    server.shells.close()
    with pytest.raises(ConnectionLost, match="not encrypted"):
        session.invoke(ECHO)

    assert server.record.soap["Create"] == 1
    assert "Echo.ps1" not in names(server)


def test_redirect_is_not_followed(server: WsmanServer, tmp_path: Path) -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(307)
            self.send_header("Location", server.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer((server.address, 0), Elsewhere) as other:
        serving = threading.Thread(target=other.serve_forever, daemon=True)
        serving.start()
        host = host_of(server).model_copy(update={"port": other.server_port})
        with pytest.raises(HostUnreachable, match="sends its clients elsewhere"):
            open_session(host, access_with(tmp_path))
        other.shutdown()

    assert server.record.connections == 0


@pytest.mark.parametrize(
    ("ability", "words", "remedy"),
    [
        ({"language_mode": "ConstrainedLanguage"}, "ConstrainedLanguage mode", "policy"),
        ({"elevated": False}, "User Account Control", "LocalAccountTokenFilterPolicy"),
        ({"elevated": False, "administrator": False}, "is not an administrator", "Administrators"),
        ({"version": "4.0"}, "PowerShell 4.0 is too old", "Windows Management Framework 5.1"),
    ],
)
def test_rights_that_lack_are_told_before_any_other_script_runs(
    listen: Serve, tmp_path: Path, ability: dict[str, Any], words: str, remedy: str
) -> None:
    server = listen(handler=functools.partial(answer, **ability))
    with session_with(host_of(server), access_with(tmp_path)) as session:
        doings: list[Callable[[], object]] = [session.acting_account, lambda: session.invoke(ECHO)]
        for do in doings:
            with pytest.raises(RightsLacking, match=words) as lacking:
                do()
            assert remedy in (lacking.value.remedy or "")

    assert set(names(server)) == {"Get-Ability.ps1"}


def test_nothing_secret_is_logged(server: WsmanServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with session_with(host_of(server), access_with(tmp_path)) as session:
        session.invoke(ECHO, {"Word": SecretStr("canary-parameter"), "Data": "canary-data"})
        server.drop()
        server.stop_answering()
    server.answer_again()

    # The lab's own side of the wire logs what it likes.
    told = [record for record in caplog.records if not record.name.startswith("psrpcore")]
    assert not any("canary" in record.getMessage() + (record.exc_text or "") for record in told)
    assert not [record for record in told if record.name.startswith(("pypsrp", "spnego", "urllib3"))]


def test_many_hosts_at_once(tmp_path: Path) -> None:
    made = certificates.self_signed("127.0.92.9")
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                WsmanServer(
                    "127.0.92.9",
                    0,
                    accounts={"ops": PASSWORD},
                    handler=answer,
                    host_name=f"E{number}",
                    tls=made.context,
                )
            )
            for number in range(4)
        ]
        pem = tmp_path / "ca.pem"
        pem.write_text(ssl.DER_cert_to_PEM_cert(made.der))
        hosts = [host_of(server, ca_file=pem) for server in servers]
        done: list[str] = []
        threads = [
            threading.Thread(target=lambda host=host: done.append(works(host, access_with(tmp_path)).host))
            for host in hosts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert len(done) == 4
