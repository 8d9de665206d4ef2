"""What an act puts on hosts besides the first host's own set: a backup, a changed set, a set with a new certificate.

It is made once, kept encrypted in the vault as the run's `planned` backup, and read from there by every later runner of the run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tui.cluster import SITE_KEYS
from tui.connector.changed_set import changed_set, renewed_set
from tui.connector.config_keys import is_configured
from tui.connector.configuration_set import config_values, set_certificate, set_findings
from tui.connector.errors import ConfigError
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.findings import Finding, Severity, blockers
from tui.runbook.context import RunContext
from tui.runbook.first_host import refusal
from tui.runbook.order import Act, Wanted
from tui.runbook.steps.acting import ActingWork
from tui.tenant import TenantClient
from tui.vault.model import Backup

PLANNED = "planned-set"
"""The note of what the planned set is: which keys it changes, and whether each host keeps its site's own."""

TENANT_KNEW = "tenant-knew"
"""The note of the certificate that the tenant knew before the run."""


@dataclass(frozen=True, slots=True)
class Given:
    """A set to be put on hosts, and the host that it comes from.

    `keeps_site`: each host keeps the values that it has for its own site, but for the keys in `changed`.
    """

    host: str
    configuration: ConfigurationSet = field(repr=False)
    keeps_site: bool
    changed: tuple[str, ...] = ()

    @property
    def thumbprint(self) -> str:
        """Of its certificate. Raises OperatorError when it has none."""
        facts = set_certificate(self.configuration)
        if facts is None:
            raise OperatorError("the set has no certificate", remedy="use another backup")
        return facts.thumbprint


class GivenSet:
    """The one set of a run. Safe for several threads."""

    def __init__(self, context: RunContext, act: Act, wanted: Wanted, hosts: Sequence[str] = ()) -> None:
        """`hosts`: the names of those that receive it, the one that begins first."""
        self.context = context
        self.act = act
        self.hosts = tuple(hosts)
        self._wanted = wanted
        self._given: Given | None = None
        self._lock = threading.RLock()

    @property
    def home(self) -> str:
        """The host under whose name the run keeps its notes: the first one when it began, whichever has been promoted since."""
        recall, hosts = self.context.recall, self.context.cluster.hosts
        noted = (host.name for host in hosts if recall(host.name, PLANNED) is not None)
        return next(noted, self.context.cluster.first.name)

    @property
    def publishes(self) -> bool:
        """Whether the tenant learns another certificate from this run."""
        return self.act in ("republish", "renew")

    @property
    def restores(self) -> bool:
        """Whether the set is a backup."""
        return self.act in ("restore", "republish")

    @property
    def publisher(self) -> str | None:
        """The host that teaches the tenant another certificate; None when the run does not."""
        return self.hosts[0] if self.publishes and self.hosts else None

    def others_of(self, host: str) -> tuple[str, ...]:
        """The hosts of the run but this one."""
        return tuple(name for name in self.hosts if name != host)

    def get(self) -> Given:
        """The set: in a run from the vault, in a preview made now. Raises OperatorError when the run has not kept it yet."""
        with self._lock:
            if self._given is None:
                kept = self.kept()
                if kept is None and self.context.journal is not None:
                    raise OperatorError(
                        "the vault no longer has what this run puts on hosts",
                        tried="looked for the run's planned backup",
                        meaning="nothing was changed further",
                        remedy="bring the backup file back into the vault, then go on with the run or undo it",
                    )
                self._given = self._read(kept) if kept is not None else self.make()
                self.context.hide(self._given.configuration)
            return self._given

    def make(self) -> Given:
        """Make it anew. Raises OperatorError with what speaks against it."""
        makers: dict[str, Callable[[], Given]] = {"change": self._changed, "renew": self._renewed}
        made = makers.get(self.act, self._restored)()
        if stopping := blockers(set_findings(made.configuration)):
            raise refusal(made.host, stopping, "this set is not fit to be put on a host")
        self.context.hide(made.configuration)
        return made

    def keep(self, made: Given) -> Backup:
        """Keep it in the vault."""
        context = self.context
        data = {"host": made.host, "keeps_site": made.keeps_site, "changed": list(made.changed)}
        context.note(self.home, PLANNED, "what is put on the hosts", {**data})
        with self._lock:
            self._given = made
        return context.safekeeping.keep(made.configuration, host=made.host, kind="planned", run=context.run)

    def kept(self) -> Backup | None:
        """The run's planned backup, None when there is none."""
        context = self.context
        noted = context.recall(self.home, PLANNED)
        if noted is None:
            return None
        return context.safekeeping.of_run(str(noted["host"]), "planned", context.run, latest=True)

    def _read(self, backup: Backup) -> Given:
        context = self.context
        noted = context.recall(self.home, PLANNED) or {}
        changed = noted.get("changed")
        return Given(
            backup.host,
            context.safekeeping.read(backup),
            keeps_site=bool(noted.get("keeps_site")),
            changed=tuple(str(key) for key in changed) if isinstance(changed, list) else (),
        )

    def _restored(self) -> Given:
        safe = self.context.safekeeping
        if self._wanted.backup is None:
            raise OperatorError(
                "no backup was named",
                remedy="name one (adldap-ha backup list shows them); a run that was interrupted so early is started anew",
            )
        backup = safe.vault.get(self._wanted.backup)
        if safe.expected_hash(backup) is None:
            raise OperatorError(
                f"this jump box has no record of having made backup {backup.id}",
                tried="looked for its hash in the journal",
                meaning="age is no signature: anybody who knows a recipient can make a backup that opens",
                remedy="restore it from the jump box that made it, or unpack it with `adldap-ha backup restore` and look at it",
            )
        safe.prove(backup)
        return Given(backup.host, safe.read(backup), keeps_site=False)

    def _changed(self) -> Given:
        wanted, first = self._wanted, self.context.first()
        if wanted.profile_mapper is None and not wanted.values:
            raise OperatorError(
                "nothing is to be changed",
                remedy="name a profile mapper, or keys with their values; a run that was interrupted so early is started anew",
            )
        mapper = wanted.profile_mapper.encode("utf-8") if wanted.profile_mapper is not None else None
        made = changed_set(first.configuration, profile_mapper=mapper, values=wanted.values)
        return Given(first.name, made, keeps_site=True, changed=tuple(sorted(wanted.values)))

    def _renewed(self) -> Given:
        first = self.context.first()
        return Given(first.name, renewed_set(first.configuration), keeps_site=True)


class GivenWork(ActingWork):
    """One host that receives the run's set."""

    def __init__(
        self,
        given_set: GivenSet,
        host_name: str,
        *,
        client: Callable[[], TenantClient] | None,
        alone_is_fine: bool,
    ) -> None:
        rolling = given_set.act == "change" and len(given_set.hosts) > 1
        super().__init__(given_set.context, host_name, all_others=rolling, alone_is_fine=alone_is_fine, client=client)
        self.given_set = given_set
        self.leads = given_set.hosts[:1] == (host_name,)
        """Whether it is the first to receive the set."""
        self.publisher = given_set.publisher == host_name
        """Whether it is the first to start with a certificate new to the tenant."""
        self.stands_in = False
        """Whether undoing lets this host teach the tenant the old certificate, as the publisher cannot."""

    @property
    def to_the_byte(self) -> bool:
        """Whether the set is this host's own, so that nothing is adapted."""
        given = self.given_set.get()
        return given.host == self.host.name and given.configuration.os == self.host.system

    def left_service(self, instance: Instance) -> bool:
        """Whether the set lies in place already, so that nothing is stopped."""
        return self.in_line(self.present(instance))

    def given(self) -> ConfigurationSet:
        """The run's set."""
        return self.given_set.get().configuration

    def released_with(self) -> ConfigurationSet:
        """The run's set, which does not change."""
        return self.given()

    def own_keys(self) -> dict[str, str]:
        """What the cluster file says of this host's site, and where the run changes a set in service, what the host has itself."""
        given = self.given_set.get()
        texts = _site_texts(config_values(given.configuration) or {})
        if self.to_the_byte:
            return texts
        chosen = self.host.keys.chosen()
        if not given.keeps_site:
            return chosen
        present = _site_texts(self._own_values())
        return {key: (texts if key in given.changed else present)[key] for key in SITE_KEYS} | chosen

    def present_site(self) -> dict[str, str]:
        """What this host's own config.json says of the keys that may differ by site; empty when it has none that can be read."""
        values = self._own_values()
        return _site_texts(values) if is_configured(values) else {}

    def meant_site(self) -> dict[str, str]:
        """What it is to say of them in the end."""
        return _site_texts(config_values(self.given()) or {}) | self.own_keys()

    def _own_values(self) -> dict[str, object]:
        files = self.before() or self._present
        try:
            return (config_values(files) if files is not None else None) or {}
        except ConfigError:
            return {}

    def target(self, instance: Instance) -> ConfigurationSet:
        """As for a host that is added; a host's own backup comes back with every byte, and who may use what is missing here."""
        if not self.to_the_byte:
            return super().target(instance)
        given, present = self.given(), self.before() or self.present(instance)
        files = {
            path: replace(file, attributes=present.files[path].attributes) if path in present.files else file
            for path, file in given.files.items()
        }
        directories = {path: present.directories.get(path, own) for path, own in given.directories.items()}
        return replace(given, files=files, directories=directories)

    def meant_thumbprint(self) -> str:
        """Of the run's set."""
        return self.given_set.get().thumbprint

    def tenant_knew(self) -> str | None:
        """The certificate that the tenant knew before this run; None when nobody has asked yet."""
        noted = self.context.recall(self.given_set.home, TENANT_KNEW)
        return str(noted["thumbprint"]) if noted is not None else None

    def may_start(self, here: str | None, known: str | None) -> bool:
        """With the run's certificate: when the tenant knows it, or, to teach it the tenant, while it knows what it knew before."""
        if here is None or here != self.meant_thumbprint():
            return False
        return here == known or (self.publisher and known == self.tenant_knew())

    def may_return(self, here: str, known: str) -> bool:
        """With the tenant's certificate; where this run has taught the tenant another one, the publisher takes that back, or who
        stands in for it."""
        if here == known:
            return True
        return (
            (self.publisher or self.stands_in)
            and self.given_set.publishes
            and here == self.tenant_knew()
            and known == self.meant_thumbprint()
        )


def new_warnings(present: ConfigurationSet, wanted: Wanted) -> list[Finding]:
    """What a change would bring about that is odd and was not there before. Raises ConfigError."""
    mapper = wanted.profile_mapper.encode("utf-8") if wanted.profile_mapper is not None else None
    known = {finding.id for finding in set_findings(present)}
    made = set_findings(changed_set(present, profile_mapper=mapper, values=wanted.values))
    return [each for each in made if each.id not in known and each.severity is Severity.WARNING]


def _site_texts(values: Mapping[str, object]) -> dict[str, str]:
    """Every key that may differ by site, an empty text where it is not set."""
    return {key: str(values.get(key) or "") for key in SITE_KEYS}
