"""admin/server.js of the stand-in: the v6 admin console on the host's loopback, without a login, import flaws included."""

from __future__ import annotations

import email
import html
import io
import json
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Callable
from email.message import Message
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from .environment import console_address, follow_lifeline, leave, on_windows
from .settings import Settings

PORT = 8357
EXPORTED = ("config.json", "lib/profileMapper.js", "certs/cert.key", "certs/cert.pem")


class Console(BaseHTTPRequestHandler):
    """One request to the console."""

    protocol_version = "HTTP/1.1"
    directory = "."
    token = ""

    def do_GET(self) -> None:
        """Serve a page."""
        parts = urlsplit(self.path)
        query = parse_qs(parts.query).get("query", [""])[0]
        pages: dict[str, Callable[[], None]] = {
            "/": self._front,
            "/version": lambda: self._text(_version(self.directory)),
            "/logs": lambda: self._text(_logs(self.directory)),
            "/profile-mapper": lambda: self._text(
                _read(self.directory, "lib/profileMapper.js").decode("utf-8", "replace")
            ),
            "/troubleshooter/run": lambda: self._text(_troubleshoot(self.directory)),
            "/export": self._export,
            "/users/search": lambda: self._users(f"(|(cn=*{query}*)(sAMAccountName=*{query}*))"),
            "/users/by-login": lambda: self._users(f"(sAMAccountName={query})"),
        }
        page = pages.get(parts.path)
        if page is None:
            self._answer(404, "text/plain", b"Cannot GET " + parts.path.encode())
        else:
            page()

    def do_POST(self) -> None:
        """Import a configuration set; no other form is served."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if parts.path != "/import":
            self._answer(404, "text/plain", b"Cannot POST " + parts.path.encode())
            return
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("_csrf")
        sent = parse_qs(parts.query).get("_csrf", [""])[0]
        if cookie is None or cookie.value != self.token or sent != self.token:
            self._answer(403, "text/plain", b"ForbiddenError: invalid csrf token")
            return
        try:
            archive = zipfile.ZipFile(io.BytesIO(_upload(self.headers, body)))
        except (zipfile.BadZipFile, ValueError) as error:
            self._answer(500, "text/plain", str(error).encode())
            return
        self._import(archive)

    def _import(self, archive: zipfile.ZipFile) -> None:
        present = [name for name in EXPORTED if name in archive.namelist()]
        for name in present:
            try:
                with open(os.path.join(self.directory, name), "wb") as file:
                    file.write(archive.read(name))
            except FileNotFoundError as error:
                sys.stderr.write(
                    f"node:events:497\n      throw er; // Unhandled 'error' event\nError: ENOENT: {error}\n"
                )
                leave(1)
        self.send_response(302)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _front(self) -> None:
        page = (
            "<!DOCTYPE html><title>AD LDAP Connector</title><h1>AD LDAP Connector</h1>"
            f'<form method="post" action="/import?_csrf={self.token}" enctype="multipart/form-data">'
            f'<input type="hidden" name="_csrf" value="{self.token}"><input type="file" name="IMPORT_FILE"></form>'
            f"<p>{html.escape(Settings(self.directory).text('CONNECTION', 'not configured'))}</p>"
        )
        self._answer(
            200, "text/html; charset=utf-8", page.encode(), {"Set-Cookie": f"_csrf={self.token}; Path=/; HttpOnly"}
        )

    def _export(self) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in EXPORTED:
                if os.path.exists(os.path.join(self.directory, name)):
                    archive.writestr(name, _read(self.directory, name))
        self._answer(200, "application/zip", buffer.getvalue())

    def _users(self, wanted: str) -> None:
        # Imported here because they take longer than all the rest, and a console that is only started needs neither.
        from .ldap import Directory, LdapError
        from .startup import bind_password

        settings = Settings(self.directory)
        try:
            directory = Directory(settings.text("LDAP_URL"))
            directory.bind(settings.text("LDAP_BIND_USER"), bind_password(settings))
            found = directory.search(settings.text("LDAP_BASE"), wanted)
            directory.close()
        except (OSError, LdapError, ValueError) as error:
            self._answer(500, "text/plain", str(error).encode())
            return
        users = [{"dn": name, **{key: values[0] for key, values in attributes.items()}} for name, attributes in found]
        self._answer(200, "application/json", json.dumps(users).encode())

    def _text(self, text: str) -> None:
        self._answer(200, "text/plain; charset=utf-8", text.encode("utf-8"))

    def _answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep requests out of the log, as the console does."""


def _read(directory: str, name: str) -> bytes:
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return file.read()
    except OSError:
        return b""


def _version(directory: str) -> str:
    try:
        return str(json.loads(_read(directory, "package.json"))["version"])
    except (ValueError, KeyError):
        return "0.0.0"


def _upload(headers: Message, body: bytes) -> bytes:
    head = f"Content-Type: {headers.get('Content-Type', '')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body)
    for part in message.walk():
        if part.get_param("name", header="Content-Disposition") == "IMPORT_FILE":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return payload
    raise ValueError("IMPORT_FILE is missing")


def _logs(directory: str) -> str:
    text = _read(directory, "logs.log").decode("utf-8", "replace") if on_windows() else ""
    return text or "Log file is empty."


def _troubleshoot(directory: str) -> str:
    # Unquoted on purpose: v6 builds this path so, and fails where the install path holds a space.
    command = ["/bin/sh", "-c", f"node {directory}/troubleshoot.js"]
    if on_windows():
        node = [sys.executable, "-E", "-S", os.path.dirname(os.path.realpath(__file__)), "node"]
        command = [*node, *f"{directory}/troubleshoot.js".split(" ")]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "STANDIN_PLAIN": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def main(arguments: list[str]) -> int:
    """Serve the console of the install directory in `arguments` until the process is ended."""
    follow_lifeline()
    Console.directory = os.path.realpath(arguments[0] if arguments else ".")
    Console.token = secrets.token_urlsafe(24)
    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer((console_address(), PORT), Console) as server:
        sys.stdout.write(f"listening on http://localhost:{PORT}\n")
        sys.stdout.flush()
        server.serve_forever()
    return 0
