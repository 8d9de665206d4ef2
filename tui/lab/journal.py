"""A host's journal in memory, and journalctl's view of it."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass

MANAGER = "systemd"
_KEPT = 20_000


@dataclass(frozen=True)
class JournalEntry:
    """One message. `at` is the host's own time in seconds; `cursor` orders entries and names this one."""

    cursor: str
    number: int
    at: float
    unit: str
    identifier: str
    pid: int
    message: bytes


class Journal:
    """What the units of one host have said, oldest first, and what the manager said of them; very old entries are dropped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives the host's own time."""
        self._clock = clock
        self._numbers = itertools.count(1)
        self._entries: list[JournalEntry] = []
        self._changed = threading.Condition()
        self._boot = uuid.uuid4().hex

    def append(self, unit: str, identifier: str, pid: int, message: bytes) -> None:
        """Add one message."""
        with self._changed:
            number = next(self._numbers)
            cursor = f"s={self._boot};i={number:x};b={self._boot}"
            self._entries.append(JournalEntry(cursor, number, self._clock(), unit, identifier, pid, message))
            if len(self._entries) > _KEPT:
                del self._entries[: _KEPT // 4]
            self._changed.notify_all()

    def entries(self, unit: str | None = None) -> list[JournalEntry]:
        """The messages of one unit, or of all."""
        with self._changed:
            return [entry for entry in self._entries if unit is None or entry.unit == unit]

    def after(self, cursor: str, entries: list[JournalEntry]) -> list[JournalEntry]:
        """Those of `entries` that follow the one that `cursor` names. Raises ValueError when it is no cursor."""
        try:
            number = int(cursor.split(";")[1].removeprefix("i="), 16)
        except (IndexError, ValueError):
            raise ValueError(f"Failed to seek to cursor: Invalid argument ({cursor})") from None
        return [entry for entry in entries if entry.number > number]

    def wait_for(self, unit: str, text: str, *, timeout: float, times: int = 1) -> bool:
        """Wait until `text` has stood in `times` messages of `unit`; False when it has not in time."""
        wanted = text.encode()

        def seen() -> bool:
            return sum(wanted in entry.message for entry in self._entries if entry.unit == unit) >= times

        with self._changed:
            return self._changed.wait_for(seen, timeout)
