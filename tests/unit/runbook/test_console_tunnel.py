"""The door to an admin console: open to the operator's own account only, and only while it is wanted."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Iterator

import pytest

from tui.errors import OperatorError
from tui.runbook.console_tunnel import ConsoleTunnel


class Console:
    """What answers behind the tunnel: each connection is one end of a pair."""

    def __init__(self) -> None:
        self.far: list[socket.socket] = []
        self.asked: queue.Queue[socket.socket] = queue.Queue()

    def connect(self) -> socket.socket:
        near, far = socket.socketpair()
        self.far.append(far)
        self.asked.put(far)
        return near

    def close(self) -> None:
        for each in self.far:
            each.close()


@pytest.fixture
def console() -> Iterator[Console]:
    made = Console()
    yield made
    made.close()


def knock(tunnel: ConsoleTunnel) -> socket.socket:
    port = int(tunnel.address.rstrip("/").rpartition(":")[2])
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.settimeout(20)
    return client


def test_bytes_go_both_ways(console: Console) -> None:
    tunnel = ConsoleTunnel("oak", console.connect)
    console.asked.get(timeout=20)
    try:
        with knock(tunnel) as client:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            far = console.asked.get(timeout=20)
            far.settimeout(20)
            assert far.recv(100) == b"GET / HTTP/1.0\r\n\r\n"
            far.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            assert client.recv(100) == b"HTTP/1.0 200 OK\r\n\r\n"
    finally:
        tunnel.close()


def test_another_account_on_the_jump_box_is_turned_away(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.getuid() + 1
    tunnel = ConsoleTunnel("oak", console.connect)
    monkeypatch.setattr("tui.runbook.console_tunnel.os.getuid", lambda: other)
    try:
        with knock(tunnel) as client:
            try:
                answer = client.recv(100)
            except ConnectionResetError:
                answer = b""
            assert answer == b""
        assert len(console.far) == 1
    finally:
        tunnel.close()


def test_a_console_that_does_not_answer_is_told_before_an_address_is() -> None:
    def refused() -> socket.socket:
        raise OperatorError("nothing answers on port 8357")

    with pytest.raises(OperatorError, match="8357"):
        ConsoleTunnel("oak", refused)
