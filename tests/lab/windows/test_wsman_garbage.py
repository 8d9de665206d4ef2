"""Whatever a client sends, the lab's WSMan server refuses it and goes on: no thread dies, no other client notices."""

from __future__ import annotations

import base64
import socket
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSManAction

from tests.lab.windows.plain_client import PASSWORD, USER, connect, handler, pool_of, run
from tui.lab.windows import wsman_soap
from tui.lab.windows.http_security import ConnectionSecurity, Logins, Tally
from tui.lab.windows.wsman import WsmanServer


@pytest.fixture(scope="module")
def server() -> Iterator[WsmanServer]:
    with WsmanServer("127.0.91.4", 0, accounts={USER: PASSWORD}, handler=handler, host_name="ELM") as made:
        yield made


@pytest.fixture(autouse=True)
def survives(server: WsmanServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After each test the server still serves, and no thread of it died of an exception."""
    died: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    yield
    with pool_of(server) as pool:
        assert run(pool, "still serving") == "still serving"
    assert died == []


def ask(server: WsmanServer, request: bytes) -> bytes:
    """Send bytes, and give the first line of what comes back (b"" where the connection was just closed)."""
    with socket.create_connection((server.address, server.port), timeout=5) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return sock.makefile("rb").readline().strip()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"", b""),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"NONSENSE\r\n\r\n", b"400"),
        (b"GET /wsman HTTP/1.1\r\n\r\n", b"501"),
        (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"404"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: many\r\n\r\n", b""),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort", b"401"),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Negotiate ????\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Kerberos AAAA\r\nContent-Length: 0\r\n\r\n", b"401"),
        (b"POST /wsman HTTP/1.1\r\nAuthorization: Digest x\r\nContent-Length: 0\r\n\r\n", b"401"),
    ],
)
def test_bad_http_is_refused(server: WsmanServer, request_: bytes, status: bytes) -> None:
    answer = ask(server, request_)

    assert answer.split()[1:2] == ([status] if status else [])


@pytest.mark.parametrize(
    ("resource", "action", "code"),
    [
        ("http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/*", WSManAction.ENUMERATE, 2150858811),
        (wsman_soap.SHELL_RESOURCE, WSManAction.RECEIVE, 2150858843),
        (wsman_soap.SHELL_RESOURCE, WSManAction.DELETE, 2150858843),
        (wsman_soap.SHELL_RESOURCE, WSManAction.CREATE, 2150858791),
    ],
)
def test_requests_that_make_no_sense_are_faults(server: WsmanServer, resource: str, action: str, code: int) -> None:
    with connect(server) as wsman, pytest.raises(WSManFaultError) as refused:
        wsman.invoke(action, resource, None)

    assert refused.value.code == code


def test_data_that_is_no_psrp_is_a_fault(server: WsmanServer) -> None:
    with connect(server) as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        for data in (b"x", b"\0" * 64, b"\xff" * 300):
            with pytest.raises(WSManFaultError) as refused:
                pool.shell.send("stdin", data)

            assert refused.value.code == 2150858791


@settings(max_examples=200, deadline=None)
@given(
    scheme=st.sampled_from(["Negotiate", "NTLM", "CredSSP", "Basic", "Kerberos", ""]),
    token=st.binary(max_size=80) | st.binary(max_size=60).map(b"NTLMSSP\0\x01\0\0\0".__add__),
)
def test_no_token_but_a_right_one_lets_anybody_in(scheme: str, token: bytes) -> None:
    logins = Logins({USER: PASSWORD}, "ELM", {"negotiate", "credssp", "basic"})
    tally = Tally(Counter(), Counter())
    security = ConnectionSecurity(logins, tally, tls=True, client_certificate=None)

    admission = security.admit(f"{scheme} {base64.b64encode(token).decode()}".strip())

    assert admission.user is None
    assert admission.offers
    assert tally.let_in == Counter()


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: f"<a>{text}</a>".encode()))
def test_no_envelope_but_a_right_one_is_read(data: bytes) -> None:
    with pytest.raises(wsman_soap.Fault):
        wsman_soap.parse(data)
