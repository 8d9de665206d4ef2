"""A host's network link as a socket that can be slow, or be cut after a number of bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable


class LinkState:
    """What all connections to one host suffer. `delay` in seconds for every packet, each way."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.flows = threading.Event()
        """Not set: nothing passes, and nobody is told."""
        self.flows.set()
        self._left: int | None = None
        self._cut: Callable[[], None] | None = None
        self._lock = threading.Lock()

    @property
    def armed(self) -> bool:
        """Whether a cut is still to come."""
        return self._left is not None

    def cut_after(self, size: int | None, cut: Callable[[], None] | None = None) -> None:
        """Call `cut` once after `size` more bytes, both directions counted; None = never."""
        with self._lock:
            self._left, self._cut = size, cut

    def passes(self, size: int) -> int:
        """How many of `size` bytes still pass; fewer than asked means that the link has just been cut."""
        with self._lock:
            if self._left is None:
                return size
            if size < self._left:
                self._left -= size
                return size
            allowed, self._left = self._left, None
            cut = self._cut
        if cut is not None:
            threading.Thread(target=cut, daemon=True).start()
        return allowed


class Link:
    """The socket that a server's transport talks through."""

    def __init__(self, connection: socket.socket, state: LinkState) -> None:
        self._socket = connection
        self._state = state

    @property
    def _closed(self) -> bool:
        # paramiko's transport looks at this attribute of a socket when it is closed.
        return self._socket.fileno() < 0

    def send(self, data: bytes) -> int:
        """Send some of `data`."""
        self._wait()
        if self._state.delay:
            time.sleep(self._state.delay)
        allowed = self._state.passes(len(data))
        if allowed < len(data):
            with contextlib.suppress(OSError):
                self._socket.send(data[:allowed])
            self.close()
            raise ConnectionResetError("the lab cut this link")
        return self._socket.send(data)

    def recv(self, size: int) -> bytes:
        """Receive up to `size` bytes."""
        data = self._socket.recv(size)
        self._wait()
        if self._state.delay and data:
            time.sleep(self._state.delay)
        allowed = self._state.passes(len(data))
        if allowed < len(data):
            self.close()
            return data[:allowed]
        return data

    def _wait(self) -> None:
        while not self._state.flows.wait(0.2) and not self._closed:
            pass

    def settimeout(self, seconds: float | None) -> None:
        """Limit each later call."""
        self._socket.settimeout(seconds)

    def getpeername(self) -> object:
        """The client's address."""
        return self._socket.getpeername()

    def fileno(self) -> int:
        """The descriptor."""
        return self._socket.fileno()

    def close(self) -> None:
        """Drop the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
