"""A cluster file that is open, with the links to its hosts and what has been seen of its first host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tui.cluster import Cluster, Host
from tui.connector.config_keys import secret_values
from tui.connector.configuration_set import config_values
from tui.connector.errors import ConfigError
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.health.observation import Observation
from tui.remote.access import Access
from tui.remote.errors import RemoteError
from tui.remote.redaction import Redactor
from tui.runbook.context import RunContext
from tui.runbook.first_host import FirstHost, first_host
from tui.runbook.journal import Journal
from tui.runbook.journal_sqlite import open_journal
from tui.runbook.links import Link, Links
from tui.runbook.procedure import safekeeping_for
from tui.runbook.safekeeping import Safekeeping
from tui.vault.identity import Identity

_T = TypeVar("_T")

PREVIEW = "preview"
"""The run id of what is not a run: nothing is kept under it."""


class OpenCluster:
    """One cluster in the hands of one front. Safe for several threads; those on one host wait for one another."""

    def __init__(self, cluster: Cluster, path: Path, access: Access, identity_file: Path, operator: str) -> None:
        self.cluster = cluster
        self.path = path
        self.access = access
        self.links = Links(access)
        self.redactor = Redactor(access.secrets)
        self._identity_file = identity_file
        self._operator = operator
        self._first: FirstHost | None = None
        self._lock = threading.RLock()

    def link(self, name: str) -> Link:
        """The link to a host; raises OperatorError for a name that the cluster file does not have."""
        return self.links.to(self.host(name))

    def host(self, name: str) -> Host:
        """A host by name; raises OperatorError for one that the cluster file does not have."""
        try:
            return self.cluster.host(name)
        except KeyError:
            raise OperatorError(
                f"cluster {self.cluster.name} has no host {name}",
                remedy=f"its hosts are: {', '.join(host.name for host in self.cluster.hosts)}",
            ) from None

    def on_instance(self, name: str, call: Callable[[Instance], _T]) -> _T:
        """`call` with the instance on a host; repeated once when an old connection turned out to be lost."""
        return self.link(name).on_instance(call)

    def observe(self, name: str, *, ask_ticket: bool = True) -> Observation:
        """Look at a host; its secrets are masked from now on. A failure is part of the observation."""
        seen = self.link(name).probe(ask_ticket=ask_ticket)
        if seen.configuration is not None:
            self.hide(seen.configuration)
        return seen

    def observe_or_ask(self, name: str, *, ask_ticket: bool = True) -> Observation:
        """The same, but what lies between the jump box and the host is raised: a front can answer it."""
        seen = self.observe(name, ask_ticket=ask_ticket)
        if isinstance(seen.failure, RemoteError):
            raise seen.failure
        return seen

    def remember_first(self, seen: Observation) -> FirstHost:
        """Keep a first host that is fit to be copied; raises OperatorError with the reason when it is not."""
        with self._lock:
            self._first = None
            self._first = first_host(seen)
            return self._first

    def first(self) -> FirstHost:
        """The first host as last seen, looked at now if nobody has; raises when it is not fit to be copied."""
        with self._lock:
            return self._first or self.remember_first(self.observe_or_ask(self.cluster.first.name))

    def connection(self) -> str | None:
        """The name of the connection, as the first host was last seen to serve it; None when it cannot be told now."""
        try:
            return self.first().connection
        except OperatorError:
            return None

    def hide(self, configuration: ConfigurationSet) -> None:
        """Mask every secret of this set in whatever is shown or written from now on."""
        with contextlib.suppress(ConfigError):
            self.redactor.add(*secret_values(config_values(configuration) or {}))

    @contextlib.contextmanager
    def journal(self) -> Iterator[Journal]:
        """The cluster's journal, for a moment. Raises JournalDamaged and JournalUnavailable."""
        journal = open_journal(self.cluster.name, redactor=self.redactor)
        try:
            yield journal
        finally:
            journal.close()

    def safekeeping(self, journal: Journal | None, identity: Identity | None = None) -> Safekeeping:
        """The vault; with `identity` that has been unlocked already."""
        made = safekeeping_for(self.cluster, self.access, self._identity_file, self._operator, journal)
        if identity is not None:
            made.use(identity)
        return made

    def context(self, first: FirstHost) -> RunContext:
        """What steps need for saying what they would do: nothing is recorded and nothing kept."""
        context = RunContext(
            cluster=self.cluster,
            run=PREVIEW,
            operator=self._operator,
            links=self.links,
            safekeeping=self.safekeeping(None),
            journal=None,
        )
        context.keep_first(first)
        return context

    def close(self) -> None:
        """End every session; never raises."""
        self.links.close()
