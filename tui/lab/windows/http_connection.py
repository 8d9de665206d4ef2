"""One HTTP connection to a WSMan server of the lab."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from tui.lab.windows.http_security import ConnectionSecurity

_PATIENCE = 30.0
"""How long a client may take for its TLS handshake or for the rest of a request, in seconds."""
_OVERHEAD = 65_536
"""What encryption and MIME may add to an envelope."""


class Cut(Exception):
    """Break the connection off in the middle of this answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__("cut")
        self.status = status
        self.body = body


class Closing(Exception):
    """The server goes down: no answer."""


class Service(Protocol):
    """What a connection needs of its server."""

    tls: ssl.SSLContext | None
    max_envelope_size: int

    def security(self, client_certificate: bytes | None) -> ConnectionSecurity:
        """The security of a new connection."""
        ...

    def gate(self) -> None:
        """Wait for as long as the server answers nobody. Raises Closing when it goes down."""
        ...

    def answer(self, user: str, message: bytes, client: str) -> tuple[int, bytes]:
        """Answer an envelope. Raises Cut."""
        ...


@dataclass(eq=False)
class Connection:
    """A TCP connection, for whoever wants to break it."""

    sock: socket.socket
    busy: bool = field(default=False)
    """A request is being read or answered."""

    def close(self) -> None:
        """Break it off: both sides see the end at once."""
        with contextlib.suppress(OSError):
            # SSLSocket.shutdown would drop the TLS state under the thread that reads.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class HttpConnection(BaseHTTPRequestHandler):
    """Serves one connection until it ends."""

    protocol_version = default_request_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(self, connection: Connection, address: tuple[str, int], service: Service) -> None:
        """Serve `connection` to its end, in the calling thread."""
        self._connection = connection
        self._service = service
        self._cut = False
        super().__init__(connection.sock, address, None)  # type: ignore[arg-type]

    def setup(self) -> None:
        """Make the TLS handshake. A client that breaks it off ends the connection without a word."""
        self.request.settimeout(_PATIENCE)
        certificate = None
        if self._service.tls is not None:
            self._service.gate()
            # The wrapped socket is known before the handshake, so that it can be broken off in the middle of it.
            self.request = self._connection.sock = self._service.tls.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            )
            self.request.do_handshake()
            certificate = self.request.getpeercert(binary_form=True)
        self._security = self._service.security(certificate)
        super().setup()
        self.request.settimeout(None)

    def handle_one_request(self) -> None:
        """Serve one request; a connection that breaks is not news."""
        try:
            super().handle_one_request()
        except (OSError, Closing, ValueError):
            self.close_connection = True
        finally:
            self._connection.busy = False

    def finish(self) -> None:
        """Close, with a reset where the answer was cut."""
        with contextlib.suppress(OSError, ValueError):
            if self._cut:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            super().finish()
        with contextlib.suppress(OSError):
            self.request.close()

    def do_POST(self) -> None:
        """Answer one request."""
        self._connection.busy = True
        if "Transfer-Encoding" in self.headers:
            self._reply(411, close=True)
            return
        length = int(self.headers.get("Content-Length") or 0)
        limit = self._service.max_envelope_size + _OVERHEAD
        # The whole body is read before any answer: a client that still sends would not read it.
        body = self._read(length, keep=limit)
        self._service.gate()
        if self.path.partition("?")[0].lower() != "/wsman":
            self._reply(404)
            return
        admission = self._security.admit(self.headers.get("Authorization", "").strip())
        if admission.user is None:
            self._reply(401, authenticate=admission.offers)
        elif length > limit:
            self._reply(413, close=True)
        elif not body:
            self._reply(200, authenticate=admission.offers)
        else:
            self._serve(admission.user, body, admission.offers)

    def _serve(self, user: str, body: bytes, offers: tuple[str, ...]) -> None:
        content_type = self.headers.get("Content-Type", "")
        encrypted = content_type.lower().startswith("multipart/")
        if encrypted:
            try:
                body = self._security.unwrap(body, content_type)
            except ValueError:
                # Windows, too, drops a connection whose messages it cannot decrypt.
                self._reply(400, close=True)
                return
        elif self._service.tls is None:
            self._reply(500, close=True)
            return
        if len(body) > self._service.max_envelope_size:
            self._reply(413, close=True)
            return
        try:
            status, answer = self._service.answer(user, body, self.client_address[0])
        except Cut as cut:
            self._cut, self.close_connection = True, True
            status, answer = cut.status, cut.body
        kind = "application/soap+xml;charset=UTF-8"
        if encrypted:
            kind, answer = self._security.wrap(answer)
        self._service.gate()
        self._reply(status, answer, kind=kind, authenticate=offers)

    def _read(self, length: int, *, keep: int) -> bytes:
        body = self.rfile.read(min(length, keep))
        rest = length - len(body)
        while rest > 0 and (piece := self.rfile.read(min(rest, 65_536))):
            rest -= len(piece)
        return body

    def _reply(
        self, status: int, body: bytes = b"", *, kind: str = "", authenticate: tuple[str, ...] = (), close: bool = False
    ) -> None:
        self.send_response(status)
        for offer in authenticate:
            self.send_header("WWW-Authenticate", offer)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        # Before the answer is out: whoever has read it may count on it that the connection is idle.
        self._connection.busy = False
        # The writer is buffered, so that head and body leave in one segment.
        self.wfile.write(body[: len(body) // 2] if self._cut else body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the server keeps a record."""
