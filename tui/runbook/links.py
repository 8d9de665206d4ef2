"""Links: one open session and instance for each host, used by one thread at a time and reopened when it was lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tui.cluster import Host
from tui.connector.instance import Instance
from tui.errors import OperatorError
from tui.health.observation import Observation
from tui.health.probes import observe, unobserved
from tui.remote.access import Access
from tui.remote.errors import ConnectionLost, RemoteError, SecretKind
from tui.remote.session import HostSession

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)

CLOSING_S = 1.0
"""How long the end of a link waits for whoever uses it: a host that does not answer holds up nobody who leaves."""


class Link:
    """The way to one host. Safe for several threads: they wait for one another."""

    def __init__(self, host: Host, access: Access) -> None:
        self.host = host
        self._access = access
        self._lock = threading.RLock()
        self._uses = 0
        self._ends = 0
        self._ended = 0
        self._session: HostSession | None = None
        self._instance: Instance | None = None

    @contextmanager
    def session(self) -> Iterator[HostSession]:
        """The open session, opened now if need be. A lost one is dropped, so the next use opens another.

        Raises what `open_session` raises; errors that leave here name the host.
        """
        from tui.remote.connect import open_session

        with self._in_use():
            known = self._known_secrets()
            try:
                if self._session is None:
                    self._session = open_session(self.host, self._access)
                yield self._session
            except OperatorError as error:
                error.host = error.host or self.host.name
                if isinstance(error, RemoteError) and error.refused_secret is None:
                    error.refused_secret = next(iter(known - self._known_secrets()), None)
                if isinstance(error, ConnectionLost):
                    self._drop()
                raise

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._lock:
            self._uses += 1
            try:
                yield
            finally:
                self._uses -= 1
                if not self._uses and self._ends != self._ended:
                    self._drop()

    def _known_secrets(self) -> set[SecretKind]:
        """The kinds of this host's secrets in memory: one that is gone after a failure was refused."""
        held = self._access.secrets.hosts.get(self.host.name)
        lasting = set(SecretKind) - {SecretKind.CHALLENGE}
        return {kind for kind in lasting if held is not None and getattr(held, kind.value) is not None}

    @contextmanager
    def instance(self) -> Iterator[Instance]:
        """The instance on this host, found now if need be. Raises NoInstall and what `session` raises."""
        from tui.connector.discovery import open_instance

        with self.session() as session:
            if self._instance is None:
                self._instance = open_instance(session, self.host)
            yield self._instance

    def on_instance(self, call: Callable[[Instance], _T]) -> _T:
        """`call` with the instance, once more over a new session when the old one turns out to be lost.

        So `call` must be idempotent: whether the first attempt reached the host is not known.
        """
        reused, ends = self._session is not None, self._ends
        try:
            with self.instance() as instance:
                return call(instance)
        except ConnectionLost:
            if not reused or ends != self._ends:
                raise
        with self.instance() as instance:
            return call(instance)

    def probe(self, *, ask_ticket: bool = True) -> Observation:
        """Observe the instance. Never raises OperatorError: every failure becomes part of the observation."""
        name = self.host.name
        try:
            return self.on_instance(lambda instance: observe(instance, name=name, ask_ticket=ask_ticket))
        except OperatorError as error:
            return unobserved(name, error)

    def close(self, *, within: float = CLOSING_S) -> None:
        """End the session; never raises. The next use opens another. One that is in use for longer than `within` seconds ends
        when its use does."""
        self._ends += 1
        if self._lock.acquire(timeout=within):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _drop(self) -> None:
        self._ended = self._ends
        if self._session is not None:
            self._session.close()
            _LOG.info("%s: session ended after %d round trips", self.host.name, self._session.round_trips)
        self._session = self._instance = None


class Links:
    """A link to each host that was asked for, made when first asked for."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}

    def to(self, host: Host) -> Link:
        """The link to `host`; a new one when the cluster file says something else of it than before."""
        with self._lock:
            known = self._links.get(host.name)
            if known is not None and known.host.model_copy(update={"keys": host.keys}) == host:
                known.host = host
            else:
                if known is not None:
                    known.close()
                known = self._links[host.name] = Link(host, self.access)
            return known

    def close(self) -> None:
        """End every session; never raises."""
        with self._lock:
            links, self._links = list(self._links.values()), {}
        deadline = time.monotonic() + CLOSING_S
        for link in links:
            link.close(within=max(0.0, deadline - time.monotonic()))
