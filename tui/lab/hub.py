"""The tenant's hub: agents over WebSocket, who is accepted, and who was when."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Request, TextMessage

from tui.lab.standin.certificates import thumbprint, verify

_FLAP_SECONDS = 0.1


@dataclass(frozen=True)
class HubEvent:
    """One agent came or went. `kind` is `accepted`, `rejected` or `closed`; `connected` is who was accepted just after."""

    at: float
    host: str
    kind: str
    connected: tuple[str, ...]


class Hub:
    """All agent connections. `published` says which thumbprint the tenant knows now."""

    def __init__(self, published: Callable[[], str | None], name_of: Callable[[str], str]) -> None:
        self.open = True
        self.history: list[HubEvent] = []
        self.flapping: set[str] = set()
        """The hosts whose agents are dropped a moment after they were accepted."""
        self._published = published
        self._name_of = name_of
        self._served: set[_Agent] = set()
        self._agents: dict[_Agent, str] = {}
        self._changed = threading.Condition()

    def accepted(self) -> dict[str, int]:
        """How many agents of each host are accepted now."""
        with self._changed:
            return dict(Counter(self._name_of(agent.peer) for agent in self._agents))

    def wait_for(self, condition: Callable[[dict[str, int]], bool], timeout: float) -> bool:
        """Wait until `condition` holds of `accepted()`; False when it has not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.accepted()), timeout)

    def least_connected(self, since: float = 0.0) -> int:
        """The fewest agents that were accepted at any moment from `since` (seconds since the epoch) until now.

        Without `since`, the time before the first acceptance does not count.
        """
        with self._changed:
            before = [event for event in self.history if event.at < since]
            after = [event for event in self.history if event.at >= since]
        if not since:
            first = next((place for place, event in enumerate(after) if event.kind == "accepted"), len(after))
            return min((len(event.connected) for event in after[first:]), default=0)
        counts = [len(event.connected) for event in after]
        return min([len(before[-1].connected) if before else 0, *counts])

    def always_connected(self, host: str, since: float) -> bool:
        """Whether `host` was accepted at every moment from `since` until now."""
        with self._changed:
            before = [event for event in self.history if event.at < since]
            after = [event for event in self.history if event.at >= since]
        return bool(before) and host in before[-1].connected and all(host in event.connected for event in after)

    def drop_others(self) -> None:
        """Disconnect every agent whose certificate is no longer the published one; at once nobody counts them any more."""
        known = self._published()
        with self._changed:
            self._drop([agent for agent, used in self._agents.items() if used != known])

    def drop_all(self) -> None:
        """Disconnect everybody, those too that have not been accepted yet; at once nobody counts them any more."""
        with self._changed:
            self._drop(list(self._served))

    def drop_of(self, host: str) -> None:
        """Disconnect the agents of one host."""
        with self._changed:
            self._drop([agent for agent in self._served if self._name_of(agent.peer) == host])

    def _drop(self, agents: list[_Agent]) -> None:
        for agent in agents:
            agent.dropped = True
            self._forget(agent)
            agent.close()

    def serve(self, connection: socket.socket, peer: str, target: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Speak with one agent until it goes; its HTTP upgrade request has been read already."""
        agent = _Agent(connection, peer)
        with self._changed:
            self._served.add(agent)
        try:
            agent.shake_hands(target, headers)
            used = self._authenticate(agent)
            if used is None:
                return
            if self._name_of(peer) in self.flapping:
                drop = threading.Timer(_FLAP_SECONDS, self.drop_of, (self._name_of(peer),))
                drop.daemon = True
                drop.start()
            while (message := agent.receive()) is not None:
                if message.get("type") == "ping":
                    agent.send({"type": "pong"})
        except (OSError, ValueError):
            return
        finally:
            agent.close()
            self._forget(agent)

    def _authenticate(self, agent: _Agent) -> str | None:
        challenge = secrets.token_hex(16)
        agent.send({"type": "challenge", "challenge": challenge})
        answer = agent.receive()
        if answer is None:
            return None
        certificate = str(answer.get("certificate", "")).encode()
        try:
            used = thumbprint(certificate)
        except ValueError:
            used = ""
        good = verify(certificate, str(answer.get("signature", "")), challenge.encode("ascii"))
        with self._changed:
            if agent.dropped or not self.open:
                return None
            if good and used == self._published():
                self._agents[agent] = used
                self._note(agent.peer, "accepted")
            else:
                self._note(agent.peer, "rejected")
                used = ""
        agent.send({"type": "accepted" if used else "rejected"})
        return used or None

    def _forget(self, agent: _Agent) -> None:
        with self._changed:
            self._served.discard(agent)
            if self._agents.pop(agent, None) is not None:
                self._note(agent.peer, "closed")

    def _note(self, peer: str, kind: str) -> None:
        connected = tuple(sorted(self._name_of(agent.peer) for agent in self._agents))
        self.history.append(HubEvent(time.time(), self._name_of(peer), kind, connected))
        self._changed.notify_all()


class _Agent:
    """The server's end of one WebSocket."""

    def __init__(self, connection: socket.socket, peer: str) -> None:
        self.peer = peer
        self.dropped = False
        self._socket = connection
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._events: list[Event] = []
        self._sending = threading.Lock()

    def shake_hands(self, target: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._protocol.initiate_upgrade_connection(headers, target)
        requests = list(self._protocol.events())
        if not requests or not isinstance(requests[0], Request):
            raise ValueError("not a WebSocket request")
        self._socket.sendall(self._protocol.send(AcceptConnection()))

    def send(self, message: dict[str, Any]) -> None:
        with self._sending:
            self._socket.sendall(self._protocol.send(TextMessage(json.dumps(message))))

    def receive(self) -> dict[str, Any] | None:
        while True:
            while not self._events:
                data = self._socket.recv(65536)
                if not data or self._protocol.state is ConnectionState.CLOSED:
                    return None
                self._protocol.receive_data(data)
                self._events.extend(self._protocol.events())
            event = self._events.pop(0)
            if isinstance(event, TextMessage):
                loaded: dict[str, Any] = json.loads(event.data)
                return loaded
            if isinstance(event, Ping):
                self._socket.sendall(self._protocol.send(event.response()))
            if isinstance(event, CloseConnection):
                return None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
