"""A cluster file that is open, with the links to its hosts and what has been seen of its first host."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from tui.cluster import SITE_KEYS, Cluster, Host, SiteKeys
from tui.connector.config_keys import secret_values
from tui.connector.configuration_set import config_values, same_connection
from tui.connector.errors import ConfigError
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.health.cluster import observe_all
from tui.health.observation import Observation
from tui.remote.access import Access
from tui.remote.errors import RemoteError
from tui.remote.redaction import Redactor
from tui.runbook.context import RunContext
from tui.runbook.first_host import FirstHost, first_host
from tui.runbook.journal import Journal, RecordKind
from tui.runbook.journal_sqlite import open_journal
from tui.runbook.links import Link, Links
from tui.runbook.model import Plan
from tui.runbook.order import ADDING
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

    def take_over(self, before: OpenCluster) -> None:
        """Go on with the sessions of the same cluster as its file was before, and with what is known of its first host."""
        self.links, self.redactor = before.links, before.redactor
        if self.cluster.first == before.cluster.first:
            self._first = before._first

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

    def observe_all(self) -> list[Observation]:
        """Look at every host, side by side. The tenant is asked through one host, the first where that works: it tells
        every host the same."""
        hosts = [host.name for host in self.cluster.hosts]
        asking = self.cluster.first.name
        seen = observe_all([partial(self.observe, name, ask_ticket=name == asking) for name in hosts])
        informed = next((each for each in seen if each.ticket is not None), None)
        for place, name in enumerate(hosts):
            if informed is None and name != asking and seen[place].failure is None:
                seen[place] = self.observe(name)
                informed = seen[place] if seen[place].ticket is not None else None
        return [self._told(each, informed) if informed is not None else each for each in seen]

    @staticmethod
    def _told(seen: Observation, informed: Observation) -> Observation:
        """The observation with what the tenant said through another host, if both serve the same connection."""
        ours, theirs = seen.configuration, informed.configuration
        if seen.ticket is not None or ours is None or theirs is None:
            return seen
        try:
            return replace(seen, ticket=informed.ticket) if same_connection(ours, theirs) else seen
        except ConfigError:
            return seen

    def reference(self) -> ConfigurationSet | None:
        """The first host's set as last seen, read now if nobody has; None when it cannot be."""
        with self._lock:
            if self._first is not None:
                return self._first.configuration
        return self.observe(self.cluster.first.name, ask_ticket=False).configuration

    def hosts_of_run(self, run: str, *, undo: bool = False) -> tuple[str, ...]:
        """The additional hosts that a run was started for; empty for all, when it never came to a plan.

        Raises OperatorError naming those that have left the cluster file, as going on would mean another run than was
        confirmed. With `undo` they are left out: an undo looks after what the run has applied, whatever is listed.
        """
        with self.journal() as journal:
            begun = journal.records(run, kind=RecordKind.RUN)
            plans = journal.records(run, kind=RecordKind.PLAN)
        asked = begun[0].entry.data.get("hosts") if begun else None
        wanted = [str(name) for name in asked] if isinstance(asked, list) else []
        if not wanted and plans:
            planned = Plan.model_validate(plans[0].entry.data).steps
            wanted = list(dict.fromkeys(step.host for step in planned if step.host and step.changes_host))
        adding = not begun or begun[0].entry.data.get("act", "add") in ADDING
        present = {host.name for host in (self.cluster.additional if adding else self.cluster.hosts)}
        missing = [name for name in wanted if name not in present]
        if missing and not undo:
            raise OperatorError(
                f"run {run} was started for hosts that are no {'additional ' if adding else ''}hosts of cluster {self.cluster.name} any more",
                host=", ".join(missing),
                tried="compared the run with the cluster file",
                meaning="nothing was done: without them it would not be the run that was confirmed",
                remedy="put them back into the cluster file and resume; or undo the run, then start a new one",
            )
        return tuple(name for name in wanted if name in present)

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
        context = self.acting_context()
        context.keep_first(first)
        return context

    def acting_context(self) -> RunContext:
        """The same without a first host: for steps that do not compare with it."""
        return RunContext(
            cluster=self.cluster,
            run=PREVIEW,
            operator=self._operator,
            links=self.links,
            safekeeping=self.safekeeping(None),
            journal=None,
        )

    def close(self) -> None:
        """End every session; never raises."""
        self.links.close()


def with_site_keys(cluster: Cluster, host: Host, keys: Mapping[str, str | None]) -> Cluster:
    """The cluster with what config.json is to say on one host of keys that may differ by site; None takes a key out.

    Raises OperatorError for a key that may not differ by site, or a value that cannot be written into a file.
    """
    try:
        chosen = SiteKeys.model_validate({**host.keys.chosen(), **keys})
    except ValidationError as error:
        raise OperatorError(
            f"{error.errors()[0]['loc'][-1]} cannot be given this value on one host alone",
            host=host.name,
            remedy=f"keys that may differ by site are {', '.join(SITE_KEYS)}; their values are single lines of text",
        ) from None
    changed = host.model_copy(update={"keys": chosen})
    hosts = tuple(changed if each.name == host.name else each for each in cluster.hosts)
    return cluster.model_copy(update={"hosts": hosts})
