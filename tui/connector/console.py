"""The admin console, which answers on the host's own 127.0.0.1:8357 only: read through a tunnel."""

from __future__ import annotations

import http.client
import io

from tui.connector.errors import ConsoleError
from tui.remote.session import Session, Stream

ADDRESS, PORT = "127.0.0.1", 8357
_LIMIT = 8 << 20


class _Reader(io.RawIOBase):
    """A Stream as the raw file that http.client reads a response from."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Socket:
    """The few socket methods that http.client uses, over a Stream."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def sendall(self, data: bytes) -> None:
        self._stream.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._stream))

    def settimeout(self, seconds: float | None) -> None:
        self._stream.settimeout(seconds)

    def close(self) -> None:
        # http.client closes its socket while the response is still being read; `get` closes the stream.
        pass


def get(session: Session, path: str, *, timeout: float = 30.0) -> str:
    """What the console answers to `GET path`, as text. Read-only.

    `timeout` limits the connection and each silence. Raises ConsoleError, and what Session.tunnel raises.
    """
    stream = session.tunnel(ADDRESS, PORT, timeout=min(timeout, 10.0))
    connection = http.client.HTTPConnection(ADDRESS, PORT, timeout=timeout)
    try:
        stream.settimeout(timeout)
        connection.sock = _Socket(stream)
        connection.request("GET", path, headers={"Connection": "close", "Accept": "text/plain, */*"})
        response = connection.getresponse()
        body = response.read(_LIMIT)
        location = response.getheader("Location", "")
    except (OSError, http.client.HTTPException) as error:
        raise ConsoleError(
            f"the admin console did not answer GET {path}: {type(error).__name__}",
            host=session.host,
            tried=f"GET http://{ADDRESS}:{PORT}{path} through a tunnel",
            remedy="look at the admin service's own log; the connector itself does not depend on it",
        ) from None
    finally:
        stream.close()
    if response.status in (301, 302, 303, 307, 308):
        raise _redirected(session, path, response.status, location)
    if response.status != 200:
        raise ConsoleError(
            f"the admin console answered GET {path} with {response.status}", status=response.status, host=session.host
        )
    return body.decode("utf-8", "replace")


def _redirected(session: Session, path: str, status: int, location: str) -> ConsoleError:
    v7 = location.split("?", 1)[0].rstrip("/").endswith(("/login", "/setup"))
    return ConsoleError(
        "the admin console asks for a login: it is a v7 console" if v7 else f"the admin console redirects GET {path}",
        status=status,
        host=session.host,
        meaning="v7 is not supported so far" if v7 else None,
    )


def version(session: Session) -> str:
    """The version that the running console says it is. Raises ConsoleError."""
    return get(session, "/version", timeout=10.0).strip()


def troubleshoot(session: Session, *, timeout: float = 120.0) -> str:
    """Have the console run the troubleshooter; its text, colours stripped by the console. Raises ConsoleError."""
    return get(session, "/troubleshooter/run", timeout=timeout)
