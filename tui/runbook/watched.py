"""What a front is given when it watches a cluster: the interface that Watching fulfils."""

from __future__ import annotations

from typing import Protocol

from tui.connector.model import KeyDifference, TroubleshooterReport
from tui.health.events import HealthEvent
from tui.health.model import ClusterStatus
from tui.health.monitor import InstanceView
from tui.runbook.tenant_watch import TenantView
from tui.runbook.troubleshot import Troubleshot


class Watched(Protocol):
    """A cluster under watch. What asks a host blocks; the rest answers at once from what is known."""

    @property
    def interval(self) -> float:
        """Seconds between two looks at one instance."""
        ...

    @property
    def paused(self) -> bool:
        """Whether nothing is looked at until `resume`."""
        ...

    def set_interval(self, seconds: float) -> None:
        """Look this often from now on; never more often than every two seconds."""
        ...

    def pause(self) -> None:
        """Look at nothing until `resume` or `refresh`."""
        ...

    def resume(self) -> None:
        """Go on, beginning now."""
        ...

    def refresh(self, name: str | None = None) -> None:
        """Look at everything of one instance, or of all, now."""
        ...

    def views(self) -> list[InstanceView]:
        """Every instance as known now, in the cluster file's order."""
        ...

    def status(self) -> ClusterStatus:
        """The cluster's verdict from what is known now."""
        ...

    def tenant(self) -> TenantView:
        """The tenant's side as known now."""
        ...

    def events(self) -> list[HealthEvent]:
        """What happened since the watching began, oldest first."""
        ...

    def earlier_events(self, *, limit: int = 200) -> list[HealthEvent]:
        """What the journal has kept, this watching included: the last `limit` events of each host, oldest first.
        Raises JournalDamaged and JournalUnavailable."""
        ...

    def log(self, name: str) -> str:
        """The end of an instance's log as read so far, secrets masked, colours removed."""
        ...

    def compared(self, name: str) -> tuple[KeyDifference, ...] | None:
        """An instance's configuration and the first host's, key by key; None while either has not been read. Raises ConfigError."""
        ...

    def troubleshot(self) -> dict[str, Troubleshot]:
        """What the troubleshooter last said on each host, by whomever it was run."""
        ...

    def troubleshoot(self, name: str) -> tuple[TroubleshooterReport, str]:
        """Run the troubleshooter on a host: what it means, and its raw text with secrets masked."""
        ...

    def open_console(self, name: str) -> str:
        """Open a tunnel to an instance's admin console until `close`; returns the address on this jump box, the same for a
        second call. Raises OperatorError where there is no way to it."""
        ...

    def close(self) -> None:
        """Stop looking, and keep what is known for the next start. Never raises."""
        ...
