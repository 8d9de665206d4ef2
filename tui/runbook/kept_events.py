"""What happened to instances, in the cluster's journal: written as it happens, read on from where the last reading ended."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Sequence

from tui.health.events import HealthEvent
from tui.runbook.journal import Journal, Record, RecordKind

HEALTH = "health"
KEPT = 500
"""At most so many events of each host are held."""


class KeptEvents:
    """The latest events of each host that the journal has. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_to = 0
        self._found: defaultdict[str | None, deque[tuple[int, HealthEvent]]] = defaultdict(lambda: deque(maxlen=KEPT))

    def read(self, journal: Journal, *, limit: int) -> list[HealthEvent]:
        """The last `limit` of each host and of the cluster, oldest first. Raises JournalDamaged and JournalUnavailable."""
        with self._lock:
            for record in journal.records(kind=RecordKind.EVENT, after=self._read_to):
                self._read_to = record.seq
                event = _event(record)
                if event is not None:
                    self._found[event.host].append((record.seq, event))
            latest = [pair for found in self._found.values() for pair in list(found)[-limit:]]
        return [event for _, event in sorted(latest, key=lambda pair: pair[0])]


def keep_events(journal: Journal, events: Sequence[HealthEvent]) -> None:
    """Write events. Raises JournalDamaged and JournalUnavailable."""
    for event in events:
        journal.event(None, f"{HEALTH}: {event.kind}: {event.text}", host=event.host)


def _event(record: Record) -> HealthEvent | None:
    parts = record.entry.detail.split(": ", 2)
    if len(parts) < 3 or parts[0] != HEALTH:
        return None
    return HealthEvent(at=record.at, host=record.entry.host, kind=parts[1], text=parts[2])
