"""Watching an open cluster: the poller over its links, with the last known state and the events kept for the next time."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tui.errors import OperatorError
from tui.health.events import HealthEvent
from tui.health.instance_watch import InstanceWatch, Look
from tui.health.model import HostStatus
from tui.health.monitor import USUAL_INTERVAL_S, Changed, Monitor
from tui.paths import state_dir
from tui.private_files import write_private
from tui.runbook.journal import RecordKind
from tui.runbook.open_cluster import OpenCluster

_FILE = "last_seen.json"
_STATUSES = TypeAdapter(dict[str, HostStatus])
_HEALTH = "health"
_LOG = logging.getLogger(__name__)


class Watching:
    """A running Monitor on one open cluster. `close` keeps what was seen last."""

    def __init__(
        self, current: OpenCluster, *, interval: float = USUAL_INTERVAL_S, on_change: Changed | None = None
    ) -> None:
        """Begin. `on_change` is told each host's name after each look, in a thread of the poller's."""
        self._current = current
        cluster = current.cluster
        names = [host.name for host in cluster.hosts]
        self._watches = {name: InstanceWatch(name, asks_tenant=name == cluster.cluster.first) for name in names}
        self._guard = {name: threading.Lock() for name in names}
        self.monitor = Monitor(
            cluster.name,
            names,
            cluster.cluster.first,
            self._look,
            interval=interval,
            on_change=on_change,
            on_events=self._keep,
            remembered=last_seen(cluster.name),
        )
        self.monitor.start()

    def _look(self, name: str) -> Look:
        watch = self._watches[name]
        with self._guard[name]:
            look = self._current.on_instance(name, watch.look)
        if look.observation.configuration is not None:
            self._current.hide(look.observation.configuration)
        return look

    def refresh(self, name: str | None = None) -> None:
        """Look at everything of one instance, or of all, now."""
        for each, watch in self._watches.items():
            if name in (None, each):
                watch.forget()
        self.monitor.refresh(name)

    def log(self, name: str) -> str:
        """The end of an instance's log as read so far, secrets masked, colours removed."""
        from tui.connector.log import readable_log

        return self._current.redactor.mask(readable_log(self._watches[name].log))

    def earlier_events(self, *, limit: int = 200) -> list[HealthEvent]:
        """What the journal has kept of earlier watching, oldest first. Raises JournalDamaged and JournalUnavailable."""
        with self._current.journal() as journal:
            records = [r for r in journal.records(kind=RecordKind.EVENT) if r.entry.detail.startswith(f"{_HEALTH}: ")]
        found = []
        for record in records[-limit:]:
            _, kind, text = record.entry.detail.split(": ", 2)
            found.append(HealthEvent(at=record.at, host=record.entry.host, kind=kind, text=text))
        return found

    def _keep(self, events: Sequence[HealthEvent]) -> None:
        """Events into the journal. A journal that cannot be written does not stop the watching."""
        try:
            with self._current.journal() as journal:
                for event in events:
                    journal.event(None, f"{_HEALTH}: {event.kind}: {event.text}", host=event.host)
        except OperatorError as error:
            _LOG.warning("health events could not be recorded: %s", error)

    def close(self) -> None:
        """Stop looking, and keep what is known for the next start. Never raises."""
        self.monitor.stop()
        known = {view.name: view.status for view in self.monitor.views() if view.status is not None and view.seen}
        try:
            remember(self._current.cluster.name, known, self._current.redactor.mask)
        except OSError as error:
            _LOG.warning("the last known state could not be kept: %s", error)


def _file(cluster: str) -> Path:
    return state_dir(cluster) / _FILE


def last_seen(cluster: str) -> dict[str, HostStatus]:
    """Every instance as it was when somebody last watched; empty when nobody has, or the file is no use."""
    try:
        return _STATUSES.validate_json(_file(cluster).read_bytes())
    except (OSError, ValidationError, ValueError):
        return {}


def remember(cluster: str, statuses: dict[str, HostStatus], mask: Callable[[str], str]) -> None:
    """Keep these for `last_seen`, 0600, without their logs, secrets masked. Raises OSError."""
    bare = {name: status.model_copy(update={"log": None}) for name, status in statuses.items()}
    text = json.dumps(_STATUSES.dump_python(bare, mode="json"))
    write_private(_file(cluster), mask(text).encode())
