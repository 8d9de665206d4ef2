"""The troubleshooter is run through the console where that works, and directly where it does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit.connector.local_session import LocalSession
from tests.unit.connector.outputs import GOOD, v6
from tui.connector import console
from tui.connector.errors import ConnectorError, ConsoleError
from tui.connector.linux import LinuxInstance
from tui.connector.model import Install, Layout
from tui.connector.troubleshooter import read_troubleshooter
from tui.remote.session import Stream


class Console(ThreadingHTTPServer):
    """A console that answers what a test tells it to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body, self.location = 200, v6(GOOD).encode(), ""
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Console

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[Console]:
    server = Console()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


class Tunnelled(LocalSession):
    """A session whose tunnels end at the test's console."""

    console: Console

    def tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> Stream:
        assert (address, port) == ("127.0.0.1", 8357)
        return socket.create_connection(("127.0.0.1", self.console.server_port), timeout)


@pytest.fixture
def tunnelled(tmp_path: Path, served: Console) -> Tunnelled:
    session = Tunnelled(tmp_path / "session")
    session.console = served
    return session


def _instance(session: LocalSession, directory: Path, admin: str | None = "admin.service") -> LinuxInstance:
    directory.mkdir(exist_ok=True)
    node = directory / "node"
    node.write_text('#!/bin/sh\n[ "$1" = troubleshoot.js ] || exit 1\necho "with LDAP_URL=$LDAP_URL" >&2\ncat ./out\n')
    node.chmod(0o755)
    (directory / "out").write_text(v6(GOOD))
    session.set_units({"c.service": {"Id": "c.service", "MainPID": "0", "Environment": '"LDAP_URL=ldap://a b"'}})
    install = Install(
        directory=str(directory),
        found_at=str(directory),
        layout=Layout.V6,
        version="6.4.1",
        owner="root",
        group="root",
        node=str(node),
        connector_unit="c.service",
        admin_unit=admin,
        account="root",
    )
    return LinuxInstance(session, install)


def test_the_console_is_asked_first(tunnelled: Tunnelled, served: Console, tmp_path: Path) -> None:
    text = _instance(tunnelled, tmp_path / "x").troubleshoot()
    assert served.asked == ["/troubleshooter/run"]
    assert read_troubleshooter(text).passed
    assert tunnelled.round_trips == 0


@pytest.mark.parametrize(
    ("status", "body", "location"),
    [
        (200, b"Error: Cannot find module '/opt/My'\n", ""),
        (200, b"", ""),
        (500, b"oops", ""),
        (302, b"", "/setup"),
    ],
)
def test_a_console_that_fails_is_passed_by(
    tunnelled: Tunnelled, served: Console, tmp_path: Path, status: int, body: bytes, location: str
) -> None:
    served.status, served.body, served.location = status, body, location
    text = _instance(tunnelled, tmp_path / "x").troubleshoot()
    assert "LDAP_URL=ldap://a b" in text
    assert read_troubleshooter(text).passed


def test_a_path_with_spaces_is_never_left_to_the_console(tunnelled: Tunnelled, served: Console, tmp_path: Path) -> None:
    text = _instance(tunnelled, tmp_path / "ad ldap").troubleshoot()
    assert served.asked == []
    assert read_troubleshooter(text).passed


def test_forbidden_forwarding_is_no_obstacle(session: LocalSession, tmp_path: Path) -> None:
    assert read_troubleshooter(_instance(session, tmp_path / "x").troubleshoot()).passed


def test_no_node_is_told(session: LocalSession, tmp_path: Path) -> None:
    instance = _instance(session, tmp_path / "x", admin=None)
    (tmp_path / "x/node").unlink()
    with pytest.raises(ConnectorError, match="not found") as caught:
        instance.troubleshoot()
    assert caught.value.remedy


@pytest.mark.parametrize("location", ["/login", "/setup?next=/", "http://127.0.0.1:8357/login"])
def test_a_v7_console_is_recognised_by_where_it_sends_one(tunnelled: Tunnelled, served: Console, location: str) -> None:
    served.status, served.location = 302, location
    with pytest.raises(ConsoleError, match="v7"):
        console.version(tunnelled)


def test_the_version_is_read(tunnelled: Tunnelled, served: Console) -> None:
    served.body = b"6.4.1\n"
    assert console.version(tunnelled) == "6.4.1"


def test_a_console_that_hangs_up_is_told(tunnelled: Tunnelled, served: Console) -> None:
    served.shutdown()
    served.server_close()
    with socket.create_server(("127.0.0.1", served.server_port)) as rude:
        thread = threading.Thread(target=lambda: rude.accept()[0].close(), daemon=True)
        thread.start()
        with pytest.raises(ConsoleError, match="did not answer"):
            console.get(tunnelled, "/version", timeout=5)
