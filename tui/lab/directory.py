"""A minimal LDAP v3 directory: simple bind, anonymous access on or off, search, unbind; it can be switched off.

Left out: schema, referrals, controls, paging, attribute selection, changes, StartTLS.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

from tui.lab.standin import ber

BASE = "dc=lab,dc=example"
BIND_USER = f"cn=connector,ou=services,{BASE}"
_NAMES = ("Ada Lovelace", "Alan Turing", "Barbara Liskov", "Edsger Dijkstra", "Grace Hopper", "Jean Bartik", "John Backus",
          "Katherine Johnson", "Niklaus Wirth", "Radia Perlman")  # fmt: skip

Attributes = dict[str, list[str]]


def people(count: int) -> dict[str, Attributes]:
    """`count` users: distinguished name to attributes."""
    found = {}
    for number in range(count):
        name = _NAMES[number] if number < len(_NAMES) else f"User {number}"
        login = name.lower().replace(" ", ".")
        found[f"cn={name},ou=people,{BASE}"] = {
            "objectClass": ["top", "person", "user"],
            "objectCategory": ["person"],
            "cn": [name],
            "displayName": [name],
            "sAMAccountName": [login],
            "mail": [f"{login}@lab.example"],
        }
    return found


class Directory:
    """A directory on one address. `password` and `anonymous` may be changed at any time; open binds stay bound."""

    def __init__(
        self, address: str, port: int, password: str, *, users: int = 8, context: ssl.SSLContext | None = None
    ) -> None:
        """Listen at once; with `context` it speaks ldaps. Raises OSError."""
        self.address, self.port, self.password = address, port, password
        self.anonymous = False
        self.entries = people(users)
        self.binds: list[tuple[str, int]] = []
        """Every bind: name and result code."""
        self._context = context
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.switch(True)

    @property
    def url(self) -> str:
        """Its LDAP URL."""
        return f"{'ldaps' if self._context else 'ldap'}://{self.address}:{self.port}"

    def switch(self, on: bool) -> None:
        """Listen, or stop listening and drop every connection."""
        if on and self._listener is None:
            self._listener = socket.create_server((self.address, self.port), backlog=64)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        elif not on:
            listener, self._listener = self._listener, None
            for connection in filter(None, [listener, *self._open]):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    def close(self) -> None:
        """Switch off for good."""
        self.switch(False)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        bound = False
        with contextlib.suppress(OSError, ValueError, IndexError):
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            while (message := ber.read_message(connection.recv)) is not None:
                number, operation = message.children()[:2]
                if operation.tag == 0x60:
                    code = self._bind(operation)
                    bound = code == 0
                    answers = [_result(0x61, code, "" if bound else "invalid credentials")]
                elif operation.tag == 0x63:
                    answers = self._search(operation, bound)
                elif operation.tag == 0x42:
                    break
                else:
                    answers = [_result(0x78, 2, "not supported")]
                connection.sendall(b"".join(ber.sequence(ber.number(number.number()), answer) for answer in answers))
        self._open.discard(connection)
        connection.close()

    def _bind(self, operation: ber.Element) -> int:
        _, name, secret = operation.children()
        anonymous = not name.content and not secret.content
        good = self.anonymous if anonymous else (name.text() == BIND_USER and secret.text() == self.password)
        code = 0 if good else 49
        self.binds.append((name.text(), code))
        return code

    def _search(self, operation: ber.Element, bound: bool) -> list[bytes]:
        if not bound and not self.anonymous:
            return [_result(0x65, 1, "a bind is needed for this operation")]
        base, _, _, limit, _, _, wanted = operation.children()[:7]
        found = [
            _entry(name, attributes)
            for name, attributes in self.entries.items()
            if name.lower().endswith(base.text().lower()) and matches(wanted, attributes)
        ]
        return [*found[: limit.number() or None], _result(0x65, 0, "")]


def matches(wanted: ber.Element, attributes: Attributes) -> bool:
    """Whether an entry's attributes meet a filter; names and values are compared without case."""
    combine: dict[int, Callable[[list[bool]], bool]] = {0xA0: all, 0xA1: any, 0xA2: lambda parts: not any(parts)}
    if wanted.tag in combine:
        return combine[wanted.tag]([matches(part, attributes) for part in wanted.children()])
    if wanted.tag == 0x87:
        return bool(_values(attributes, wanted.text()))
    if wanted.tag not in (0xA3, 0xA4):
        return False
    name, value = wanted.children()
    values = _values(attributes, name.text())
    if wanted.tag == 0xA3:
        return value.text().lower() in values
    return any(_has_parts(text, value.children()) for text in values)


def _values(attributes: Attributes, name: str) -> list[str]:
    return [value.lower() for key, values in attributes.items() if key.lower() == name.lower() for value in values]


def _has_parts(text: str, parts: list[ber.Element]) -> bool:
    place = 0
    for part in parts:
        wanted = part.text().lower()
        found = text.find(wanted, place)
        if found < 0 or (part.tag == 0x80 and found) or (part.tag == 0x82 and not text.endswith(wanted)):
            return False
        place = found + len(wanted)
    return True


def _entry(name: str, attributes: Attributes) -> bytes:
    listed = [
        ber.sequence(ber.octets(key), ber.sequence(*(ber.octets(value) for value in values), tag=ber.SET))
        for key, values in attributes.items()
    ]
    return ber.sequence(ber.octets(name), ber.sequence(*listed), tag=0x64)


def _result(tag: int, code: int, text: str) -> bytes:
    return ber.sequence(ber.number(code, ber.ENUMERATED), ber.octets(""), ber.octets(text), tag=tag)
