"""A WSMan server of the lab: the endpoint of a Windows host, for an unmodified PowerShell-remoting client.

HTTP, HTTPS, NTLM (bare or in SPNEGO), CredSSP, Basic, certificates, message encryption, WS-Management's shells and
PowerShell remoting are spoken for real. What it cannot show: it interprets no PowerShell (a handler answers the project's
own scripts from Python); no Kerberos; no cmd shells, no disconnected sessions; NTLM's challenge names this machine rather
than the host; a client certificate that is not mapped fails in the TLS handshake rather than with 401; and http.sys,
Schannel and the WinRM service have habits of their own that are not imitated.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from spnego.channel_bindings import GssChannelBindings

from tui.lab.windows import wsman_soap as soap
from tui.lab.windows.http_connection import Closing, Connection, Cut, HttpConnection
from tui.lab.windows.http_security import AUTHENTICATIONS, NEGOTIATE, ConnectionSecurity, Logins, Tally
from tui.lab.windows.wsman_calls import Call, PsError, Record, Served, Value
from tui.lab.windows.wsman_shells import Shells

__all__ = ["Call", "PsError", "Record", "Served", "Value", "WsmanServer"]

HTTP_PORT, HTTPS_PORT = 5985, 5986


class WsmanServer:
    """One listener, HTTP or HTTPS. Its threads are daemons. It may be closed and opened again, as a host that reboots.

    Attributes that may be changed at any time: `logins`, `max_envelope_size` (bytes), `delay` (seconds before each SOAP request is looked at),
    `shells.max_shells` (a user), `shells.max_operations` (a shell).
    """

    def __init__(
        self,
        address: str,
        port: int,
        *,
        accounts: Mapping[str, str],
        handler: Callable[[Call], str],
        host_name: str,
        tls: ssl.SSLContext | None = None,
        auth: Iterable[str] = (NEGOTIATE,),
        client_certificates: Mapping[Path, str] | None = None,
        bound_certificate: bytes | None = None,
        kerberos: str | None = None,
    ) -> None:
        """Nothing listens before `open`.

        `accounts`: passwords by user (`ops`, `CORP\\ops` or `ops@corp.example`); looked up at each login.
        `handler`: gives a script's one output, or raises PsError. Runs in a thread of its own, and may block.
        `port` 0: any; see `port` once open. `tls`: a server's context, for HTTPS. `auth`: of negotiate, basic, certificate,
        credssp; Basic and certificates only work over HTTPS. `client_certificates`: accounts by PEM file of the client
        certificate that is mapped to them; they are added to `tls`. `bound_certificate`: the server certificate's DER;
        given, Negotiate over HTTPS must be bound to it (CbtHardeningLevel Strict). `kerberos`: the host's name for Kerberos, whose
        key is in the process's keytab; given, Negotiate takes tickets. Raises ValueError for an unknown `auth`.
        """
        if unknown := set(auth) - AUTHENTICATIONS:
            raise ValueError(f"no such authentication: {', '.join(sorted(unknown))}")
        self.address = address
        self.port = port
        self.tls = tls
        self.record = Record()
        self.max_envelope_size = 512_000
        self.delay = 0.0
        self.shells = Shells(handler, self.record)
        self.logins = Logins(
            accounts,
            host_name,
            set(auth),
            certificates=_trust(tls, client_certificates or {}),
            bound_to=_binding(bound_certificate) if bound_certificate else None,
            kerberos=kerberos,
        )
        self._listener: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._threads: set[threading.Thread] = set()
        self._guard = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()
        self._closing = threading.Event()
        self._until_cut: int | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{'https' if self.tls else 'http'}://{self.address}:{self.port}/wsman"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        if self._listener is not None:
            return
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.address, self.port))
            listener.listen(64)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._closing.clear()
        self._answering.set()
        self._listener = listener
        accepting = threading.Thread(target=self._accept, args=(listener,), name="wsman-accept", daemon=True)
        with self._guard:
            self._threads.add(accepting)
        accepting.start()

    def close(self) -> None:
        """Stop as a host that is switched off: connections break, shells and running scripts are forgotten."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._closing.set()
        self._answering.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.shells.close()
        self.drop()
        with self._guard:
            threads = list(self._threads)
        deadline = time.monotonic() + 2.0
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def drop(self) -> None:
        """Break all connections. Shells stay, and so do scripts that run."""
        self._break(lambda connection: True)

    def close_idle(self) -> None:
        """Close those connections on which no request is under way, as http.sys does with connections left idle."""
        self._break(lambda connection: not connection.busy)

    @property
    def cut_armed(self) -> bool:
        """Whether a connection is still to be broken off."""
        return self._until_cut is not None

    def cut_receive_after(self, count: int | None) -> None:
        """Break the connection off in the middle of the answer to a Receive, once `count` more were answered whole. Once.

        None takes that back.
        """
        self._until_cut = count

    def stop_answering(self) -> None:
        """Go on accepting connections and requests and answer none: a host that hangs."""
        self._answering.clear()

    def answer_again(self) -> None:
        """End `stop_answering`. What was asked in the meantime is answered now."""
        self._answering.set()

    def security(self, client_certificate: bytes | None) -> ConnectionSecurity:
        """The security of a new connection."""
        tally = Tally(self.record.logins, self.record.wrong_passwords)
        return ConnectionSecurity(self.logins, tally, tls=self.tls is not None, client_certificate=client_certificate)

    def gate(self) -> None:
        """Wait for as long as the server answers nobody. Raises Closing when it goes down."""
        self._answering.wait()
        if self._closing.is_set():
            raise Closing

    def answer(self, user: str, message: bytes, client: str) -> tuple[int, bytes]:
        """Answer an envelope: HTTP status and envelope. Raises Cut, and Closing."""
        if self.delay:
            self._closing.wait(self.delay)
        request: soap.Request | None = None
        try:
            request = soap.parse(message)
            self.record.soap[request.verb] += 1
            body = self.shells.answer(request, user, client, self.max_envelope_size)
            status, envelope = 200, soap.response(request, body)
        except soap.Fault as fault:
            if self._closing.is_set():
                raise Closing from fault
            status, envelope = 500, soap.fault(request, fault, self.logins.host_name)
        if request is not None and request.verb == "Receive" and self._cut_now():
            raise Cut(status, envelope)
        return status, envelope

    def _cut_now(self) -> bool:
        with self._guard:
            if self._until_cut is None:
                return False
            self._until_cut -= 1
            if self._until_cut >= 0:
                return False
            self._until_cut = None
            return True

    def _break(self, which: Callable[[Connection], bool]) -> None:
        with self._guard:
            chosen = [connection for connection in self._connections if which(connection)]
        for connection in chosen:
            connection.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, client = listener.accept()
            except OSError:
                break
            connection = Connection(sock)
            thread = threading.Thread(target=self._serve, args=(connection, client), name="wsman-client", daemon=True)
            with self._guard:
                self.record.connections += 1
                self._connections.add(connection)
                self._threads.add(thread)
                thread.start()
            if self._closing.is_set():
                connection.close()
        with self._guard:
            self._threads.discard(threading.current_thread())

    def _serve(self, connection: Connection, client: tuple[str, int]) -> None:
        try:
            HttpConnection(connection, client, self)
        except (OSError, Closing):
            pass
        finally:
            with contextlib.suppress(OSError):
                connection.sock.close()
            with self._guard:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())


def _trust(tls: ssl.SSLContext | None, mapped: Mapping[Path, str]) -> dict[bytes, str]:
    """Let `tls` ask for client certificates, and take these."""
    known = {}
    for pem, user in mapped.items():
        known[x509.load_pem_x509_certificate(pem.read_bytes()).public_bytes(Encoding.DER)] = user
        if tls is not None:
            tls.verify_mode = ssl.CERT_OPTIONAL
            tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            tls.load_verify_locations(pem)
    return known


def _binding(certificate: bytes) -> GssChannelBindings:
    """The TLS channel binding of a server certificate that is signed with SHA-256 or an older hash."""
    return GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.sha256(certificate).digest())
