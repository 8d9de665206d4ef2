"""What the steps of one run share: the cluster, the links, the vault, the first host, and notes kept in the journal."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tui.cluster import Cluster, Host
from tui.connector import config_keys
from tui.connector.config_keys import realm_of, secret_values
from tui.connector.configuration_set import config_values, for_site, target_set
from tui.connector.errors import ConfigError
from tui.connector.instance import Instance, LogMark
from tui.connector.model import ConfigurationSet, HostFacts, KeyDifference
from tui.health.drift import file_drift, key_differences
from tui.health.probes import observe
from tui.runbook.first_host import FirstHost, first_host
from tui.runbook.journal import Entry, Journal, Json, RecordKind
from tui.runbook.links import Link, Links
from tui.runbook.safekeeping import Safekeeping, same_bytes

FIRST_LOG_END = "first-log-end"
"""The note of where the first host's log ended when the run began: what it lost since is told in the end."""

_T = TypeVar("_T")


class RunContext:
    """One run's shared knowledge. Safe for several threads.

    `journal` may be None for a preview, which records nothing.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        run: str,
        operator: str,
        links: Links,
        safekeeping: Safekeeping,
        journal: Journal | None,
    ) -> None:
        self.cluster = cluster
        self.run = run
        self.operator = operator
        self.links = links
        self.safekeeping = safekeeping
        self.journal = journal
        self._first: FirstHost | None = None
        self._machines: dict[str, str] = {}
        self._lock = threading.RLock()

    @property
    def settle_seconds(self) -> float:
        """How long an instance must stay accepted before it counts as connected."""
        return self.cluster.run.settle_seconds

    @property
    def first_link(self) -> Link:
        """The way to the first host."""
        return self.links.to(self.cluster.first)

    def first(self) -> FirstHost:
        """The first host as this run knows it, looked at when first asked for; raises when it is not fit to be copied."""
        with self._lock:
            return self._first or self.look_at_first()

    def look_at_first(self) -> FirstHost:
        """Look at the first host anew and keep what was seen."""
        name = self.cluster.first.name
        with self._lock:
            mark, seen = self.first_link.on_instance(
                lambda instance: (instance.log_mark(), observe(instance, name=name))
            )
            self._first = replace(first_host(seen), mark=self._first_mark(name, mark))
            self.hide(self._first.configuration)
            return self._first

    def _first_mark(self, name: str, now: LogMark) -> LogMark:
        """Where the first host's log ended when the run's first runner looked at it."""
        noted = self.recall(name, FIRST_LOG_END)
        if noted is not None:
            return LogMark(str(noted["token"]))
        self.note(name, FIRST_LOG_END, "the end of the first host's log", {"token": now.token})
        return now

    def hide(self, configuration: ConfigurationSet) -> None:
        """See that no secret of this set is ever recorded, whatever text it turns up in."""
        with contextlib.suppress(ConfigError):
            if self.journal is not None:
                self.journal.redactor.add(*secret_values(config_values(configuration) or {}))

    def keep_first(self, first: FirstHost) -> None:
        """Use what a survey has just seen, so that a preview does not look twice."""
        with self._lock:
            self._first = first

    def twin(self, host: str, facts: HostFacts | None) -> str | None:
        """The host that was seen earlier and is the very same install on the same machine as this one; None if none is."""
        if facts is None or facts.machine is None:
            return None
        with self._lock:
            known = self._machines.setdefault(facts.machine, host)
        return known if known != host else None

    def note(self, host: str, name: str, text: str, data: Json) -> None:
        """Record something that a later runner of this run must know. Only the first note of a name counts."""
        if self.journal is not None and self.recall(host, name) is None:
            self.journal.append(
                Entry(RecordKind.EVENT, self.run, host, detail=text, data={"note": name, "value": data})
            )

    def recall(self, host: str, name: str) -> Json | None:
        """What `note` has recorded in this run, by whichever runner; None when nothing was."""
        if self.journal is None:
            return None
        for record in self.journal.records(self.run, kind=RecordKind.EVENT):
            value = record.entry.data.get("value")
            if record.entry.host == host and record.entry.data.get("note") == name and isinstance(value, dict):
                return value
        return None


class HostWork:
    """One additional host in one run. Belongs to the thread of its track."""

    def __init__(self, context: RunContext, host: Host) -> None:
        self.context = context
        self.host = host
        self.link = context.links.to(host)
        self.mark: LogMark | None = None
        """The end of the connector's log just before this runner started it."""
        self._before: ConfigurationSet | None = None
        self._present: ConfigurationSet | None = None

    def looking(self, call: Callable[[Instance], _T]) -> _T:
        """`call` with the host's instance; repeated once when an old connection turned out to be lost."""
        return self.link.on_instance(call)

    def changing(self, call: Callable[[Instance], _T]) -> _T:
        """`call` with the host's instance, never repeated. What was read of the host before counts no more."""
        self._present = None
        try:
            with self.link.instance() as instance:
                return call(instance)
        finally:
            self._present = None

    def present(self, instance: Instance) -> ConfigurationSet:
        """The host's set as read since this run last changed something here: for deciding what is left to do.

        What a proof or a gate rests on is read anew (`read`).
        """
        if self._present is None:
            self._present = instance.read_set()
        return self._present

    def read(self, instance: Instance) -> ConfigurationSet:
        """The host's set as it is at this moment."""
        self._present = instance.read_set()
        return self._present

    def before(self) -> ConfigurationSet | None:
        """What this host had before the run changed it, from the vault; None when the run never backed it up."""
        if self._before is None:
            self._before = self.context.safekeeping.read_before(self.host.name, self.context.run)
        return self._before

    def keep_before(self, configuration: ConfigurationSet) -> None:
        """Remember what was just backed up, so that it need not be decrypted again."""
        self._before = configuration

    def given(self) -> ConfigurationSet:
        """The set that this host is to have, but for what is its own: the first host's."""
        return self.context.first().configuration

    def own_keys(self) -> dict[str, str]:
        """What config.json says on this host alone, of keys that may differ by site."""
        return self.host.keys.chosen()

    def meant_thumbprint(self) -> str:
        """The certificate that this host and the tenant are to have in the end."""
        return self.context.first().thumbprint

    def may_start(self, here: str | None, known: str | None) -> bool:
        """Whether the connector may be started with the certificate `here` while the tenant knows `known`."""
        return here is not None and here == known == self.meant_thumbprint()

    def may_return(self, here: str, known: str) -> bool:
        """Whether undoing may start the connector with the certificate that it had, `here`, while the tenant knows `known`."""
        return here == known

    def target(self, instance: Instance) -> ConfigurationSet:
        """What this host is to have: the given bytes with what this host has of its own: who may use its files, and the keys
        of its site."""
        present = self.before()
        if present is None:
            present = self.present(instance)
        install = instance.install
        return target_set(
            self.given(),
            present,
            owner=install.owner,
            group=install.group,
            account=install.account,
            keys=self.own_keys(),
        )

    def released_with(self) -> ConfigurationSet:
        """What this run has put in place here before it gave the host back, whatever the first host has by now."""
        context = self.context
        backup = context.safekeeping.of_run(context.cluster.first.name, "set", context.run, latest=True)
        return context.safekeeping.read(backup) if backup is not None else self.given()

    def changed_since_release(self, now: ConfigurationSet, before: ConfigurationSet) -> list[str]:
        """What of the host is neither what this run has put in place nor what was there before it, by path or key; sorted."""
        if same_bytes(now, before):
            return []
        given, site = self.released_with(), self.own_keys()
        differences = key_differences(now, for_site(given, site))
        realm = realm_of(config_values(given) or {})
        keys = config_keys.not_left_alone(differences, realm=realm, decided=site)
        return sorted({each.key for each in (*file_drift(now, given), *keys)})

    def in_line(self, files: ConfigurationSet) -> bool:
        """Whether a set that was read of the host is the given one, and may be started with as it is."""
        return not self.differing_keys(files) and not file_drift(files, self.given())

    def differing_keys(self, files: ConfigurationSet) -> tuple[KeyDifference, ...]:
        """The keys of a config.json read of the host that keep it from staying: all but rewritten ones
        and those that its site chooses without the cluster file saying what."""
        given, site = self.given(), self.own_keys()
        differences = key_differences(files, for_site(given, site))
        return config_keys.not_left_alone(differences, realm=realm_of(config_values(given) or {}), decided=site)
