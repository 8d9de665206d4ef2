"""HTTPS through a tunnel: httpcore over a Session's streams, TLS verified as always."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import httpcore

from tui.errors import OperatorError
from tui.remote.session import Session, Stream

_CHUNK = 16384
_T = TypeVar("_T")


class TunnelStream(httpcore.NetworkStream):
    """One tunnelled connection, in clear."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes` bytes."""
        self._stream.settimeout(timeout)
        try:
            return self._stream.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(error) from None
        except OSError as error:
            raise httpcore.ReadError(error) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything."""
        self._stream.settimeout(timeout)
        try:
            self._stream.sendall(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from None
        except OSError as error:
            raise httpcore.WriteError(error) from None

    def close(self) -> None:
        """End the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """TLS inside this connection."""
        return TlsStream(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Nothing is known beyond the bytes."""
        return None


class TlsStream(httpcore.NetworkStream):
    """TLS inside another stream, which need not be a real socket."""

    def __init__(
        self, inner: TunnelStream, context: ssl.SSLContext, server_hostname: str | None, timeout: float | None
    ) -> None:
        self._inner = inner
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        try:
            self._pump(self._tls.do_handshake, timeout)
        except ssl.SSLError as error:
            inner.close()
            raise httpcore.ConnectError(error) from error
        except BaseException:
            inner.close()
            raise

    def _pump(self, operation: Callable[[], _T], timeout: float | None) -> _T:
        """Try `operation` until TLS needs no more bytes, carrying them to and fro."""
        while True:
            wants_more = False
            result: _T | None = None
            try:
                result = operation()
            except ssl.SSLWantReadError:
                wants_more = True
            pending = self._outgoing.read()
            if pending:
                self._inner.write(pending, timeout)
            if not wants_more:
                return cast(_T, result)
            data = self._inner.read(_CHUNK, timeout)
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Up to `max_bytes` decrypted bytes."""
        try:
            return self._pump(lambda: self._tls.read(max_bytes), timeout)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(error) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Encrypt and send everything."""
        try:
            self._pump(lambda: self._tls.write(buffer), timeout)
        except ssl.SSLError as error:
            raise httpcore.WriteError(error) from None

    def close(self) -> None:
        """End the connection."""
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        """The TLS object, which httpcore asks for the negotiated protocol."""
        return self._tls if info == "ssl_object" else None


class TunnelBackend(httpcore.NetworkBackend):
    """Connections that begin at the host rather than here; names are resolved there as well."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A tunnel to `host`:`port`."""
        try:
            return TunnelStream(self._session.tunnel(host, port, timeout=timeout or 10.0))
        except OperatorError as error:
            raise httpcore.ConnectError(error) from error
