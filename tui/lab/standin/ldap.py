"""A small LDAP v3 client: simple bind and search, over ldap:// and ldaps://."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

from . import ber
from .web import tls_context

Entry = tuple[str, dict[str, list[str]]]


class LdapError(Exception):
    """The directory refused; `code` is LDAP's result code (49 = invalid credentials), 0 when it did not answer."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Directory:
    """One connection to a directory."""

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        """Connect; raises OSError (ssl.SSLError with ldaps://)."""
        parts = urlsplit(url)
        secure = parts.scheme == "ldaps"
        self._socket = socket.create_connection((parts.hostname or "", parts.port or (636 if secure else 389)), timeout)
        if secure:
            self._socket = tls_context().wrap_socket(self._socket, server_hostname=parts.hostname)
        self._id = 0

    def bind(self, user: str, password: str) -> None:
        """A simple bind; empty user and password make it anonymous. Raises LdapError, OSError."""
        operation = ber.sequence(ber.number(3), ber.octets(user), ber.octets(password, 0x80), tag=0x60)
        self._result(self._ask(operation)[-1])

    def search(self, base: str, wanted: str, *, limit: int = 0) -> list[Entry]:
        """The entries below `base` that match the filter `wanted`. Raises LdapError, OSError."""
        operation = ber.sequence(
            ber.octets(base),
            ber.number(2, ber.ENUMERATED),
            ber.number(0, ber.ENUMERATED),
            ber.number(limit),
            ber.number(0),
            ber.encode(ber.BOOLEAN, b"\x00"),
            encode_filter(wanted),
            ber.sequence(),
            tag=0x63,
        )
        *entries, done = self._ask(operation)
        self._result(done)
        return [_entry(element) for element in entries]

    def wait_closed(self) -> None:
        """Block until the directory ends the connection."""
        self._socket.settimeout(None)
        with contextlib.suppress(OSError):
            while self._socket.recv(4096):
                pass

    def close(self) -> None:
        """Unbind and drop the connection."""
        with contextlib.suppress(OSError):
            self._socket.sendall(ber.sequence(ber.number(self._id + 1), ber.encode(0x42, b"")))
        self._socket.close()

    def _ask(self, operation: bytes) -> list[ber.Element]:
        self._id += 1
        self._socket.sendall(ber.sequence(ber.number(self._id), operation))
        answers: list[ber.Element] = []
        while not answers or answers[-1].tag == 0x64:
            try:
                message = ber.read_message(self._socket.recv)
            except ValueError as error:
                raise ConnectionResetError(str(error)) from None
            if message is None:
                raise ConnectionResetError("the directory closed the connection")
            answers.append(message.children()[1])
        return answers

    def _result(self, element: ber.Element) -> None:
        code, _, text = element.children()[:3]
        if code.number():
            raise LdapError(code.number(), text.text())


def _entry(element: ber.Element) -> Entry:
    name, attributes = element.children()
    found = {}
    for attribute in attributes.children():
        key, values = attribute.children()
        found[key.text()] = [value.text() for value in values.children()]
    return name.text(), found


def encode_filter(text: str) -> bytes:
    """BER of a filter made of `&`, `|`, `!`, equality, presence and substrings. Raises ValueError on any other."""
    encoded, rest = _filter(text.strip())
    if rest:
        raise ValueError(f"unexpected text after the filter: {rest}")
    return encoded


def _filter(text: str) -> tuple[bytes, str]:
    if not text.startswith("(") or ")" not in text:
        raise ValueError(f"not a filter: {text}")
    sign, rest = text[1:2], text[2:]
    if sign in ("&", "|", "!"):
        parts = []
        while rest.startswith("("):
            part, rest = _filter(rest)
            parts.append(part)
        if not rest.startswith(")"):
            raise ValueError("a bracket is missing")
        return ber.sequence(*parts, tag={"&": 0xA0, "|": 0xA1, "!": 0xA2}[sign]), rest[1:]
    item, _, rest = text[1:].partition(")")
    name, _, value = item.partition("=")
    return _item(name, value), rest


def _item(name: str, value: str) -> bytes:
    if value == "*":
        return ber.octets(name, 0x87)
    if "*" not in value:
        return ber.sequence(ber.octets(name), ber.octets(value), tag=0xA3)
    first, *middle, last = value.split("*")
    parts = [ber.octets(first, 0x80)] if first else []
    parts += [ber.octets(part, 0x81) for part in middle if part]
    parts += [ber.octets(last, 0x82)] if last else []
    return ber.sequence(ber.octets(name), ber.sequence(*parts), tag=0xA4)
