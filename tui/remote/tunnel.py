"""A TCP connection from a host, as a stream."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import paramiko


class TunnelStream:
    """A direct-tcpip channel with the shape of a socket; `makefile` is there for http.client."""

    def __init__(self, channel: paramiko.Channel, timeout: float) -> None:
        self._channel = channel
        channel.settimeout(timeout)

    def sendall(self, data: bytes, /) -> None:
        """Send everything or raise OSError."""
        self._channel.sendall(data)

    def recv(self, size: int, /) -> bytes:
        """Up to `size` bytes, b"" at the end; raises TimeoutError."""
        return self._channel.recv(size)

    def settimeout(self, seconds: float | None, /) -> None:
        """Limit each later call."""
        self._channel.settimeout(seconds)

    def makefile(self, mode: str = "rb", buffering: int = -1) -> BinaryIO:
        """A buffered file over the stream; closing it leaves the stream open."""
        return cast(BinaryIO, self._channel.makefile(mode, buffering))

    def close(self) -> None:
        """Close both directions; never raises."""
        with contextlib.suppress(OSError, EOFError):
            self._channel.close()
