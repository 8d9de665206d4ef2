"""A stand-in tenant over HTTPS: /test, the ticket, the hub, and the two calls of the Management API that this project makes.

Left out: everything else of a tenant. The Management API knows one application and one connection.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tui.lab.hub import Hub, HubEvent
from tui.lab.standin.certificates import thumbprint

CONNECTION = "lab-directory"
CONNECTION_ID = "con_lab0000000000001"


@dataclass(frozen=True)
class Posting:
    """One POST to the ticket: who published which certificate when, with which sign-in endpoint."""

    at: float
    host: str
    thumbprint: str
    endpoint: str


@dataclass
class TenantSettings:
    """What the tenant is. Secrets are not shown."""

    ticket_id: str = field(repr=False)
    client_id: str = "lab-management-client"
    client_secret: str = field(default="", repr=False)
    signing_key: str = field(default="", repr=False)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)


class Tenant:
    """The tenant on one address. `names` maps a peer's address to its host's name."""

    def __init__(
        self,
        address: str,
        port: int,
        context: ssl.SSLContext,
        settings: TenantSettings,
        *,
        names: dict[str, str] | None = None,
    ) -> None:
        """Listen at once. Raises OSError."""
        self.address, self.port, self.settings = address, port, settings
        self.postings: list[Posting] = []
        self.reads: list[tuple[float, str]] = []
        """Every GET of the ticket: when and by which host."""
        self.foreign: str | None = None
        """The thumbprint that an instance elsewhere keeps publishing; None when there is none."""
        self.limited = False
        """Whether the Management API answers 429."""
        self.names = names if names is not None else {}
        self.hub = Hub(lambda: self.published, self.name_of)
        self._own: str | None = None
        self._context = context
        self._server: _Server | None = None
        self.switch(True)

    @property
    def domain(self) -> str:
        """Its domain, with the port."""
        return f"{self.address}:{self.port}"

    @property
    def ticket(self) -> str:
        """The provisioning ticket's URL."""
        return f"https://{self.domain}/p/ad/{self.settings.ticket_id}"

    @property
    def hub_url(self) -> str:
        """The hub's URL."""
        return f"wss://{self.domain}/lo/hub"

    @property
    def token(self) -> str:
        """The Management API's access token."""
        return self.settings.token

    @property
    def published(self) -> str | None:
        """The thumbprint that the tenant knows: the last one that was published."""
        return self.foreign or self._own

    @property
    def history(self) -> list[HubEvent]:
        """Who was accepted, rejected or gone, in order."""
        return list(self.hub.history)

    def accepted(self) -> dict[str, int]:
        """How many agents of each host are accepted now."""
        return self.hub.accepted()

    def least_connected(self, since: float = 0.0) -> int:
        """The fewest accepted agents at any moment since then."""
        return self.hub.least_connected(since)

    def name_of(self, peer: str) -> str:
        """The host at this address, else the address."""
        return self.names.get(peer, peer)

    def know(self, certificate_thumbprint: str) -> None:
        """Have it published already, as by an earlier start."""
        self._own = certificate_thumbprint

    def publish_foreign(self, certificate_thumbprint: str | None) -> None:
        """Let an instance elsewhere publish its own certificate, again after everybody else's; None ends it."""
        self.foreign = certificate_thumbprint
        if certificate_thumbprint:
            self.postings.append(
                Posting(time.time(), "elsewhere", certificate_thumbprint, "http://elsewhere:4000/wsfed")
            )
        self.hub.drop_others()

    def publish(self, certificate: bytes, peer: str, endpoint: str) -> None:
        """Take a posted certificate. Raises ValueError when it is none."""
        own = thumbprint(certificate)
        self.postings.append(Posting(time.time(), self.name_of(peer), own, endpoint))
        self._own = own
        self.hub.drop_others()

    def switch_hub(self, on: bool) -> None:
        """Let agents in, or drop them and answer 503. It has taken effect when this returns."""
        self.hub.open = on
        if not on:
            self.hub.drop_all()

    def switch(self, on: bool) -> None:
        """Listen, or be unreachable."""
        if on and self._server is None:
            self._server = _Server((self.address, self.port), self, self._context)
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        elif not on and self._server is not None:
            server, self._server = self._server, None
            server.shutdown()
            server.server_close()
            self.hub.drop_all()
            server.drop_all()

    def close(self) -> None:
        """Switch off for good."""
        self.switch(False)

    def ticket_info(self) -> dict[str, Any]:
        """What `GET <ticket>/info` answers."""
        realm = f"urn:auth0:{self.address}"
        return {
            "adHub": self.hub_url,
            "connectionName": CONNECTION,
            "connectionDomain": self.domain,
            "kerberos": False,
            "certAuth": False,
            "realm": {"name": realm, "postTokensTo": f"https://{self.domain}/login/callback"},
            "thumbprints": [self.published] if self.published else [],
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], tenant: Tenant, context: ssl.SSLContext) -> None:
        self.tenant = tenant
        self._context = context
        self._open: set[ssl.SSLSocket] = set()
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The TLS handshake happens here, in the connection's own thread."""
        with contextlib.suppress(OSError), self._context.wrap_socket(request, server_side=True) as secure:
            secure.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(secure)
            try:
                super().finish_request(secure, client_address)
            finally:
                self._open.discard(secure)

    def drop_all(self) -> None:
        """Cut the connections that clients keep for their next question."""
        for secure in list(self._open):
            with contextlib.suppress(OSError):
                secure.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients come and go; nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        tenant = self.server.tenant
        if parts.path == "/test":
            self._json(200, {"clock": int(time.time() * 1000)})
        elif parts.path == "/pem":
            self._answer(200, "text/plain", tenant.settings.signing_key.encode())
        elif parts.path == f"/p/ad/{tenant.settings.ticket_id}/info":
            tenant.reads.append((time.time(), tenant.name_of(self.client_address[0])))
            self._json(200, tenant.ticket_info())
        elif parts.path == "/lo/hub":
            self._hub()
        elif parts.path.startswith("/api/v2/"):
            self._management(parts.path.removeprefix("/api/v2/"), parse_qs(parts.query))
        else:
            self._json(404, {"error": "Not Found"})

    def do_POST(self) -> None:
        tenant = self.server.tenant
        try:
            document = self._document()
            if self.path == f"/p/ad/{tenant.settings.ticket_id}/info":
                tenant.publish(
                    str(document["certs"][0]).encode(), self.client_address[0], str(document["signInEndpoint"])
                )
                self._json(200, {})
            elif self.path == "/oauth/token":
                self._token(document)
            else:
                self._json(404, {"error": "Not Found"})
        except (ValueError, KeyError, IndexError, TypeError):
            self._json(400, {"error": "Bad Request"})

    def _document(self) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            return {name: values[0] for name, values in parse_qs(body.decode()).items()}
        loaded = json.loads(body)
        if not isinstance(loaded, dict):
            raise ValueError("not an object")
        return loaded

    def _hub(self) -> None:
        hub = self.server.tenant.hub
        self.close_connection = True
        if not hub.open or self.headers.get("Upgrade", "").lower() != "websocket":
            self._json(503 if not hub.open else 400, {"error": "unavailable"})
            return
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        hub.serve(self.connection, self.client_address[0], self.path, headers)

    def _token(self, document: dict[str, Any]) -> None:
        tenant = self.server.tenant
        wanted = {
            "grant_type": "client_credentials",
            "client_id": tenant.settings.client_id,
            "client_secret": tenant.settings.client_secret,
            "audience": f"https://{tenant.domain}/api/v2/",
        }
        if tenant.limited:
            self._json(429, {"error": "too_many_requests"})
        elif any(document.get(name) != value for name, value in wanted.items()):
            self._json(401, {"error": "access_denied", "error_description": "Unauthorized"})
        else:
            answer = {
                "access_token": tenant.token,
                "scope": "read:connections",
                "expires_in": 86400,
                "token_type": "Bearer",
            }
            self._json(200, answer)

    def _management(self, path: str, query: dict[str, list[str]]) -> None:
        tenant = self.server.tenant
        if tenant.limited:
            self._json(429, {"statusCode": 429, "error": "Too Many Requests", "errorCode": "too_many_requests"})
        elif self.headers.get("Authorization") != f"Bearer {tenant.token}":
            self._json(401, {"statusCode": 401, "error": "Unauthorized"})
        elif path == "connections":
            first_page = query.get("page", ["0"])[0] == "0" and query.get("strategy", ["ad"])[0] == "ad"
            self._json(200, [{"id": CONNECTION_ID, "name": CONNECTION}] if first_page else [])
        elif path == f"connections/{CONNECTION_ID}/status" and tenant.accepted():
            self._answer(200, "text/plain", b"OK")
        else:
            self._json(404, {"statusCode": 404, "error": "Not Found"})

    def _json(self, status: int, document: object) -> None:
        self._answer(status, "application/json; charset=utf-8", json.dumps(document).encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are recorded where they matter, not printed."""
