"""Asking the tenant every so often whether the connection is online, for the dashboard's line about it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tui.cluster import Cluster
from tui.errors import OperatorError
from tui.remote.access import Access
from tui.runbook.procedure import tenant_client
from tui.tenant import TenantClient

EVERY_S = 30.0
_LEAST_S = 2.0
"""However often it is asked for, the tenant is not asked more often: its limits are low."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TenantView:
    """What is known of the tenant's side. `online` None: it could not be told, and `why` says the reason.

    `asked` is when the Management API answered last (UTC), None before that. `connection` and `domain` are as the first
    host's ticket, or the cluster file, names them; None while neither does.
    """

    connection: str | None = None
    domain: str | None = None
    online: bool | None = None
    why: str = "not asked yet"
    remedy: str | None = None
    asked: datetime | None = None


class TenantWatch:
    """Asks in a thread of its own. `connection` names the connection once that is known."""

    def __init__(
        self,
        cluster: Cluster,
        access: Access,
        connection: Callable[[], str | None],
        told: Callable[[], None],
        *,
        every: float = EVERY_S,
    ) -> None:
        """`told` is called in the watch's thread after each answer."""
        self._cluster, self._access = cluster, access
        self._connection, self._told, self._every = connection, told, every
        self._stopped, self._wake = threading.Event(), threading.Event()
        self._client: TenantClient | None = None
        domain = cluster.tenant.domain if cluster.tenant else None
        self._view = TenantView(domain=domain, why="" if domain else "the cluster file has no [tenant]")

    def start(self) -> None:
        """Begin to ask, where the cluster file names a tenant."""
        if self._cluster.tenant is not None:
            threading.Thread(target=self._run, name="watch-tenant", daemon=True).start()

    def stop(self) -> None:
        """Ask no more; returns at once."""
        self._stopped.set()
        self._wake.set()

    def refresh(self) -> None:
        """Ask now."""
        self._wake.set()

    @property
    def view(self) -> TenantView:
        """What is known now."""
        return self._view

    def _run(self) -> None:
        asked = 0.0
        while not self._stopped.is_set():
            # An instance that cannot ask the tenant any more knows no name: the one that it told before still holds.
            connection = self._connection() or self._view.connection
            if connection is not None:
                asked = time.monotonic()
                self._view = self._ask(connection)
                self._told()
            self._wake.wait(self._every if connection is not None else 1.0)
            self._wake.clear()
            self._stopped.wait(max(0.0, asked + _LEAST_S - time.monotonic()))
        if self._client is not None:
            self._client.close()

    def _ask(self, connection: str) -> TenantView:
        domain = self._view.domain
        try:
            if self._client is None:
                self._access.secrets.client_secret()
                make = tenant_client(self._cluster, self._access)
                if make is None:
                    return self._untold(connection, "the client secret of the Management API is not known")
                self._client = make()
            answer = self._client.connection_status(connection)
        except OperatorError as error:
            return self._untold(connection, error.summary, error.remedy)
        except Exception:
            _LOG.exception("asking the tenant failed unexpectedly")
            return self._untold(connection, "asking failed in a way that nobody foresaw")
        if answer.online is None:
            return self._untold(connection, answer.why, answer.remedy)
        return TenantView(connection, domain, answer.online, answer.why, answer.remedy, datetime.now(UTC))

    def _untold(self, connection: str, why: str, remedy: str | None = None) -> TenantView:
        return TenantView(connection, self._view.domain, why=why, remedy=remedy, asked=self._view.asked)
