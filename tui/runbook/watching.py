"""Watching an open cluster: the poller over its links, with the last known state and the events kept for the next time."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tui.connector.model import KeyDifference, TroubleshooterReport
from tui.errors import OperatorError
from tui.health.cluster import tenant_offline
from tui.health.events import HealthEvent
from tui.health.instance_watch import InstanceWatch, Look
from tui.health.model import ClusterStatus, HostStatus
from tui.health.monitor import USUAL_INTERVAL_S, Changed, InstanceView, Monitor
from tui.paths import state_dir
from tui.private_files import write_private
from tui.runbook.console_tunnel import ConsoleTunnel, console_stream
from tui.runbook.kept_events import KeptEvents, keep_events
from tui.runbook.open_cluster import OpenCluster
from tui.runbook.tenant_watch import TenantView, TenantWatch
from tui.runbook.troubleshot import Troubleshot, last_troubleshot, troubleshoot

_FILE = "last_seen.json"
_STATUSES = TypeAdapter(dict[str, HostStatus])
REMEMBER_EVERY_S = 60.0
_ASKS_ANEW = frozenset(("hub", "certificate"))
"""What may mean that somebody published another certificate: the tenant is then asked at the next look."""
_LOG = logging.getLogger(__name__)


class Watching:
    """A running Monitor on one open cluster. `close` keeps what was seen last."""

    def __init__(
        self,
        current: OpenCluster,
        *,
        interval: float = USUAL_INTERVAL_S,
        on_change: Changed | None = None,
        on_tenant: Callable[[], None] | None = None,
    ) -> None:
        """Begin. `on_change` is told each host's name after each look, in a thread of the poller's; `on_tenant` is called
        after each answer of the tenant's, in another."""
        self._current = current
        self._on_tenant, self._on_change = on_tenant, on_change
        cluster = current.cluster
        names = [host.name for host in cluster.hosts]
        self._order = sorted(names, key=lambda name: name != cluster.cluster.first)
        self._watches = {name: InstanceWatch(name) for name in names}
        self._consoles: dict[str, ConsoleTunnel] = {}
        self._guard = {name: threading.Lock() for name in names}
        self._remembered_at = time.monotonic()
        self._remembering = threading.Lock()
        self._kept = KeptEvents()
        self.monitor = Monitor(
            cluster.name,
            names,
            cluster.cluster.first,
            self._look,
            interval=interval,
            on_change=self._changed,
            on_events=self._keep,
            remembered=last_seen(cluster.name),
            entries=cluster.hosts,
        )
        self._troubleshot = self._read_troubleshot()
        self._tenant = TenantWatch(cluster, current.access, self._connection, self._tenant_told)
        self.monitor.start()
        self._tenant.start()

    def _look(self, name: str) -> Look:
        watch = self._watches[name]
        with self._guard[name]:
            watch.asks_tenant = name == self._asker()
            look = self._current.on_instance(name, watch.look)
        if look.observation.configuration is not None:
            self._current.hide(look.observation.configuration)
        return look

    def _asker(self) -> str:
        """The host through which the tenant is asked: the first one, or the next that answers."""
        return next((name for name in self._order if self.monitor.view(name).failure is None), self._order[0])

    def _changed(self, name: str) -> None:
        if self._on_change is not None:
            self._on_change(name)
        if time.monotonic() - self._remembered_at >= REMEMBER_EVERY_S:
            self._remember()

    def refresh(self, name: str | None = None) -> None:
        """Look at everything of one instance, or of all, now."""
        for each, watch in self._watches.items():
            if name in (None, each):
                watch.forget()
        self.monitor.refresh(name)
        if name is None:
            self._tenant.refresh()

    @property
    def interval(self) -> float:
        """Seconds between two looks at one instance."""
        return self.monitor.interval

    @property
    def paused(self) -> bool:
        """Whether nothing is looked at until `resume`."""
        return self.monitor.paused

    def set_interval(self, seconds: float) -> None:
        """Look this often from now on; never more often than every two seconds."""
        self.monitor.set_interval(seconds)

    def pause(self) -> None:
        """Look at nothing until `resume` or `refresh`."""
        self.monitor.pause()

    def resume(self) -> None:
        """Go on, beginning now."""
        self.monitor.resume()

    def views(self) -> list[InstanceView]:
        """Every instance as known now, in the cluster file's order."""
        return self.monitor.views()

    def status(self) -> ClusterStatus:
        """The cluster's verdict from what is known now."""
        return self.monitor.status()

    def events(self) -> list[HealthEvent]:
        """What happened since the watching began, oldest first."""
        return self.monitor.events()

    def compared(self, name: str) -> tuple[KeyDifference, ...] | None:
        """An instance's configuration and the first host's, key by key; None while either has not been read. Raises ConfigError."""
        return self.monitor.compared(name)

    def tenant(self) -> TenantView:
        """The tenant's side as known now."""
        return self._tenant.view

    def _connection(self) -> str | None:
        ticket = self.monitor.ticket()
        return ticket.connection if ticket is not None else None

    def _tenant_told(self) -> None:
        self.monitor.note([tenant_offline()] if self._tenant.view.online is False else [])
        if self._on_tenant is not None:
            self._on_tenant()

    def troubleshot(self) -> dict[str, Troubleshot]:
        """What the troubleshooter last said on each host, by whomever it was run."""
        return dict(self._troubleshot)

    def troubleshoot(self, name: str) -> tuple[TroubleshooterReport, str]:
        """Run the troubleshooter on a host: what it means, and its raw text with secrets masked."""
        with self.monitor.held(name):
            report, text = troubleshoot(self._current, name)
        self._troubleshot[name] = Troubleshot(at=datetime.now(UTC), report=report)
        return report, text

    def open_console(self, name: str) -> str:
        """Open a tunnel to an instance's admin console until `close`; returns the address on this jump box.

        Raises OperatorError for a host that is reached by WinRM, which carries no tunnel, and where the console does not answer.
        """
        if name not in self._consoles:
            self._consoles[name] = ConsoleTunnel(name, lambda: console_stream(self._current, name))
        return self._consoles[name].address

    def _read_troubleshot(self) -> dict[str, Troubleshot]:
        try:
            with self._current.journal() as journal:
                return last_troubleshot(journal)
        except OperatorError as error:
            _LOG.warning("what the troubleshooter said before could not be read: %s", error)
            return {}

    def log(self, name: str) -> str:
        """The end of an instance's log as read so far, secrets masked, colours removed."""
        from tui.connector.log import readable_log

        return self._current.redactor.mask(readable_log(self._watches[name].log))

    def earlier_events(self, *, limit: int = 200) -> list[HealthEvent]:
        """What the journal has kept, the last `limit` events of each host, oldest first. Raises JournalDamaged and JournalUnavailable."""
        with self._current.journal() as journal:
            return self._kept.read(journal, limit=limit)

    def _keep(self, events: Sequence[HealthEvent]) -> None:
        """Events into the journal. A journal that cannot be written does not stop the watching."""
        if any(event.kind in _ASKS_ANEW for event in events):
            self._watches[self._asker()].forget()
        try:
            with self._current.journal() as journal:
                keep_events(journal, events)
        except (OperatorError, OSError) as error:
            _LOG.warning("health events could not be recorded: %s", error)

    def close(self) -> None:
        """Stop looking, and keep what is known for the next start. Never raises."""
        self.monitor.stop()
        self._tenant.stop()
        for console in self._consoles.values():
            console.close()
        self._remember()

    def _remember(self) -> None:
        """Keep what is known now, for a program that ends without a word as for one that ends well. Never raises."""
        with self._remembering:
            self._remembered_at = time.monotonic()
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
