"""A door on the jump box's own loopback to the admin console of one instance, for a browser, while it is wanted."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tui.connector.console import ADDRESS, PORT
from tui.errors import OperatorError
from tui.remote.session import Stream
from tui.runbook.open_cluster import OpenCluster

_CHUNK = 32768
_IDLE_S = 600.0
_TABLE = Path("/proc/net/tcp")
_LOG = logging.getLogger(__name__)


class ConsoleTunnel:
    """Listens on 127.0.0.1 and carries each connection to the console of one host.

    The console of v6 asks nobody for a password, so only connections of the operator's own account are carried, as far as
    the system tells whose one is (Linux); others are closed at once.
    """

    def __init__(self, host: str, connect: Callable[[], Stream]) -> None:
        """`connect` opens one stream to the console; it may raise OperatorError. Raises OperatorError when the console does
        not answer or no port is free."""
        self.host = host
        self._connect = connect
        connect().close()
        try:
            self._door = socket.create_server((ADDRESS, 0))
        except OSError as error:
            raise OperatorError(
                f"no port could be opened on this jump box: {error.strerror}",
                host=host,
                step="open a tunnel to the admin console",
                remedy="look at what listens on 127.0.0.1",
            ) from None
        self._port = int(self._door.getsockname()[1])
        threading.Thread(target=self._serve, name=f"console-{host}", daemon=True).start()

    @property
    def address(self) -> str:
        """Where the console answers on this jump box."""
        return f"http://{ADDRESS}:{self._port}/"

    def close(self) -> None:
        """Carry nothing new; never raises."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                client, peer = self._door.accept()
            except OSError:
                return
            if not _own(int(peer[1]), self._port):
                _LOG.warning("a connection of another account to the console of %s was refused", self.host)
                client.close()
                continue
            threading.Thread(target=self._carry, args=(client,), name=f"console-{self.host}", daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client:
            try:
                stream = self._connect()
            except OperatorError as error:
                _LOG.warning("the console of %s could not be reached: %s", self.host, error.summary)
                return
            try:
                client.settimeout(_IDLE_S)
                stream.settimeout(_IDLE_S)
                back = threading.Thread(target=_pump, args=(stream.recv, client.sendall), daemon=True)
                back.start()
                _pump(client.recv, stream.sendall)
                back.join(_IDLE_S)
            finally:
                stream.close()


def console_stream(current: OpenCluster, name: str) -> Stream:
    """A connection to the admin console on a host. Raises OperatorError where the session carries no tunnel."""
    with current.link(name).session() as session:
        tunnel = getattr(session, "tunnel", None)
        if tunnel is None:
            raise OperatorError(
                "WinRM carries no tunnel",
                host=name,
                step="open a tunnel to the admin console",
                remedy=f"open http://{ADDRESS}:{PORT} in a browser on the host itself, or reach the host over SSH",
            )
        stream: Stream = tunnel(ADDRESS, PORT)
        return stream


def _pump(receive: Callable[[int], bytes], send: Callable[[bytes], None]) -> None:
    """Everything from one side to the other until either has ended."""
    with contextlib.suppress(OSError, EOFError):
        while data := receive(_CHUNK):
            send(data)


def _own(port: int, to: int) -> bool:
    """Whether the connection from `port` on loopback is one of this account's; where no system tells, it counts as such."""
    if not sys.platform.startswith("linux"):
        return True
    wanted = (_hexed(port), _hexed(to))
    try:
        lines = _TABLE.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return False
    for line in lines:
        parts = line.split()
        if len(parts) > 7 and (parts[1], parts[2]) == wanted:
            return int(parts[7]) == os.getuid()
    return False


def _hexed(port: int) -> str:
    loopback = int.from_bytes(socket.inet_aton(ADDRESS), sys.byteorder)
    return f"{loopback:08X}:{port:04X}"
