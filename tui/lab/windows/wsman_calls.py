"""What a WSMan server of the lab asks of its host, and what it remembers of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | bool | bytes | list[Any] | dict[str, Any] | None
"""An argument as plain Python. A SecureString arrives decrypted, as str."""


class PsError(Exception):
    """A terminating error of PowerShell: .NET type, message and HResult.

    The HResult may be given as the signed number of .NET or as the unsigned one of the books.
    """

    def __init__(self, type: str, message: str, hresult: int = 0x80131501) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.hresult = hresult - (1 << 32) if hresult & 0x80000000 and hresult > 0 else hresult


@dataclass
class Call:
    """One script that a client wants to be run."""

    script: str
    parameters: Mapping[str, Value] = field(repr=False)
    user: str
    """The account as the server's own list of accounts writes it."""
    secrets: frozenset[str] = frozenset()
    """The names of those parameters that travelled as SecureString."""
    input: tuple[Value, ...] = field(default=(), repr=False)
    """What the client piped in."""
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when the client stops the script or the server closes; a handler that waits should watch it."""
    name: str = ""
    """What the script is called, for the record. The handler sets it once it knows."""


@dataclass(frozen=True)
class Served:
    """One script that was run. Values of parameters are not kept."""

    name: str
    user: str
    parameters: tuple[str, ...]
    ended: str
    """`output`, `stopped`, or the type of the error."""
    seconds: float


@dataclass
class Record:
    """What happened at a server since it was made. Counters only grow; tests read them."""

    calls: list[Served] = field(default_factory=list)
    soap: Counter[str] = field(default_factory=Counter)
    """SOAP requests by the last word of their action: Create, Command, Receive, Send, Signal, Delete, Get."""
    connections: int = 0
    logins: Counter[str] = field(default_factory=Counter)
    """Logins that were let in, by account. Basic and certificates log in with each request, and count each."""
    wrong_passwords: Counter[str] = field(default_factory=Counter)
    """Refused logins by the user name that was tried; empty where the client did not get so far as to tell it."""

    @property
    def requests(self) -> int:
        """How many SOAP requests were answered or dropped."""
        return sum(self.soap.values())
