"""A Management API over HTTPS that tests can make fail, and a clock that only tests move on."""

from __future__ import annotations

import json
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT_SECRET = "CANARY-client-secret"
TOKEN = "CANARY-token"


class Tenant(ThreadingHTTPServer):
    """Answers as the Management API does; tests change what it knows and how it fails."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.secret = CLIENT_SECRET
        self.lifetime: object = 86400
        self.token_number = 0
        self.valid_tokens: set[str] = set()
        self.connections = [{"id": "con_1", "name": "corp-ad"}]
        self.live = {"con_1"}
        self.failures: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """How a path fails: status, headers, body."""
        self.asked: list[str] = []

    @property
    def domain(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    server: Tenant

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._failed():
            return
        expected = {
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": self.server.secret,
            "audience": f"https://{self.server.domain}/api/v2/",
        }
        if self.path != "/oauth/token" or body != expected:
            self._send(401, {"error": "access_denied", "error_description": "Unauthorized"})
            return
        self.server.token_number += 1
        token = f"{TOKEN}-{self.server.token_number}"
        self.server.valid_tokens.add(token)
        self._send(200, {"access_token": token, "expires_in": self.server.lifetime, "token_type": "Bearer"})

    def do_GET(self) -> None:
        if self._failed():
            return
        if self.headers.get("Authorization", "").removeprefix("Bearer ") not in self.server.valid_tokens:
            self._send(401, {"message": "Invalid token"})
            return
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if parts.path == "/api/v2/connections" and query["strategy"] == ["ad"] and query["fields"] == ["id,name"]:
            first = int(query["page"][0]) * int(query["per_page"][0])
            self._send(200, self.server.connections[first : first + int(query["per_page"][0])])
        else:
            connection = parts.path.removeprefix("/api/v2/connections/").removesuffix("/status")
            if connection in self.server.live:
                self._send(200, None)
            else:
                self._send(404, {"message": "not found"})

    def _failed(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        for path, (status, headers, body) in self.server.failures.items():
            if self.path.startswith(path):
                if status == 0:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                else:
                    self._send_bytes(status, body, headers)
                return True
        return False

    def _send(self, status: int, document: object) -> None:
        self._send_bytes(status, json.dumps(document).encode(), {"Content-Type": "application/json"})

    def _send_bytes(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


class Clock:
    """A clock that only a test moves on, in seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now
