"""The agent's side of the hub: one WebSocket to the tenant."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, RejectConnection, Request, TextMessage

from .environment import source_address
from .web import tls_context


class HubError(Exception):
    """The hub could not be reached, or does not speak WebSocket."""


class HubConnection:
    """An open WebSocket that carries one JSON object a message."""

    def __init__(self, url: str, *, timeout: float = 10.0) -> None:
        """Connect and shake hands. Raises HubError."""
        parts = urlsplit(url)
        secure = parts.scheme in ("https", "wss")
        try:
            plain = socket.create_connection(
                (parts.hostname or "", parts.port or (443 if secure else 80)), timeout, source_address()
            )
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = tls_context().wrap_socket(plain, server_hostname=parts.hostname) if secure else plain
            self._protocol = WSConnection(ConnectionType.CLIENT)
            self._events: list[Event] = []
            self._socket.sendall(self._protocol.send(Request(host=parts.netloc, target=parts.path or "/")))
            first = self._next_event()
        except OSError as error:
            raise HubError(str(error)) from None
        if not isinstance(first, AcceptConnection):
            status = first.status_code if isinstance(first, RejectConnection) else "no WebSocket"
            self.close()
            raise HubError(f"Unexpected server response: {status}")

    def settimeout(self, seconds: float) -> None:
        """How long `receive` waits."""
        self._socket.settimeout(seconds)

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; raises OSError when the connection has gone."""
        self._socket.sendall(self._protocol.send(TextMessage(json.dumps(message))))

    def receive(self) -> dict[str, Any] | None:
        """The next message, or None when the hub has closed; raises TimeoutError."""
        while True:
            try:
                event = self._next_event()
            except TimeoutError:
                raise
            except OSError:
                return None
            if isinstance(event, TextMessage):
                loaded: dict[str, Any] = json.loads(event.data)
                return loaded
            if isinstance(event, Ping):
                self._socket.sendall(self._protocol.send(event.response()))
            if event is None or isinstance(event, CloseConnection):
                return None

    def _next_event(self) -> Event | None:
        while not self._events:
            data = self._socket.recv(65536)
            self._protocol.receive_data(data or None)
            self._events.extend(self._protocol.events())
            if not data and not self._events:
                return None
        return self._events.pop(0)

    def close(self) -> None:
        """Drop the connection."""
        self._socket.close()
