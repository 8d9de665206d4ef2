"""The steps of the acts that put a set of their own on hosts: keep it, look at the hosts, and teach the tenant a certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tui.connector.config_keys import TICKET, is_configured, mask_url
from tui.connector.configuration_set import config_values, same_connection
from tui.connector.errors import ConfigError
from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet, Service
from tui.errors import OperatorError
from tui.findings import Finding, Severity, blockers
from tui.health.cluster import one_install
from tui.health.observation import Observation
from tui.health.probes import observe
from tui.runbook.additional_host import examine
from tui.runbook.first_host import FirstHost, refusal
from tui.runbook.giving import TENANT_KNEW, GivenSet, GivenWork
from tui.runbook.model import Change, Evidence
from tui.runbook.steps.base import TO_DO, HostStep, told
from tui.runbook.steps.looking import HOST_TAKEN, SERVICES_BEFORE, refuse_unrepresented
from tui.runbook.steps.services import StopServices
from tui.sizes import told_count

WITHDRAWN = "withdrawn"
"""The note that this run has stopped both services here."""


class KeepPlanned:
    """Make the set that the run puts on hosts, keep it in the vault, and prove that it can be read again."""

    name = "keep-planned"
    title = "Keep what will be put on the hosts"
    why = "a run that is interrupted must go on with the very same files"

    def __init__(self, given_set: GivenSet) -> None:
        self._given_set = given_set

    @property
    def host(self) -> str | None:
        """The first host, under whose name it is told; nothing is done there."""
        return self._given_set.home

    def check(self) -> Evidence:
        """Whether this run has kept and proven it."""
        kept = self._given_set.kept()
        if kept is None or kept.verified is None:
            return TO_DO
        self._given_set.get()
        return Evidence(detail=f"kept as backup {kept.id}")

    def plan(self) -> tuple[Change, ...]:
        """The backup to be made, and the files in it."""
        given = self._given_set.get()
        files = told_count(len(given.configuration.files), "file")
        values, present = config_values(given.configuration) or {}, self._present()
        keys = (
            Change(
                action="replace" if key in present else "create",
                subject=f"{key} in config.json",
                before=_told(present[key]) if key in present else None,
                after=_told(values.get(key)),
            )
            for key in given.changed
        )
        backup = Change(action="create", subject="encrypted backup in the vault", after=f"{files}, from {given.host}")
        return (backup, *keys)

    def _present(self) -> Mapping[str, object]:
        given, context = self._given_set.get(), self._given_set.context
        return context.first().values if given.changed else {}

    def apply(self) -> Evidence:
        """Make it and encrypt it."""
        made = self._given_set.make()
        backup = self._given_set.keep(made)
        return Evidence(detail=f"kept as backup {backup.id}", lines=(f"its certificate is {made.thumbprint}",))

    def verify(self) -> Evidence:
        """Decrypt it again and compare every byte."""
        kept = self._given_set.kept()
        if kept is None:
            return Evidence(detail="the vault has no such backup", done=False)
        found = self._given_set.context.safekeeping.prove(kept, self._given_set.get().configuration)
        detail = "decrypted: every file, the key pair and the encrypted password belong together"
        return Evidence(detail=detail, lines=(f"backup {kept.id}", *told(found.findings)))

    def undo(self) -> Evidence:
        """A backup is never thrown away because a run is undone."""
        return Evidence(detail="the backup is kept")


class LookBefore(HostStep):
    """Look at a host before anything is changed anywhere."""

    name = "inspect"
    title = "Look at the host"
    why = "a host is changed only when it can work with the set, and when undo could give back what it has"
    only_looks = True
    work: GivenWork

    def __init__(self, work: GivenWork) -> None:
        super().__init__(work)

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """What becomes of the keys that this host may have a value of its own for."""
        work = self.work
        if work.in_line(work.present(instance)):
            return ()
        found, given, chosen = [], work.given_set.get(), work.host.keys.chosen()
        meant = work.meant_site()
        for key, value in work.present_site().items():
            if key in given.changed:
                if key in chosen and not work.to_the_byte:
                    found.append(Change(action="keep", subject=f"{key}, as the cluster file says", after=_told(value)))
            elif value != meant[key]:
                subject = f"{key}, which may differ by site"
                found.append(Change(action="replace", subject=subject, before=_told(value), after=_told(meant[key])))
        return tuple(found)

    def change(self, instance: Instance) -> Evidence:
        """Look; raises OperatorError for the first blocker."""
        work, name = self.work, self.work.host.name
        seen = observe(instance, name=name, ask_ticket=False)
        if seen.failure is not None:
            raise seen.failure
        if seen.configuration is not None:
            work.context.hide(seen.configuration)
        work.read(instance)
        findings = [*self._against(seen, instance), *self._unconfigured(seen.configuration)]
        if twin := work.context.twin(name, seen.facts):
            findings.insert(0, one_install((twin, name)))
        if work.given_set.act == "renew" and work.publisher and work.context.recall(name, HOST_TAKEN) is None:
            findings += _in_service(seen)
        if work.leads and work.given_set.restores:
            findings += strangers(work.given_set)
        if stopping := blockers(findings):
            raise refusal(name, stopping, "this host cannot be changed")
        links = refuse_unrepresented(work, instance, seen.configuration)
        states = {role.value: service.state for role, service in seen.services.items()}
        work.context.note(name, SERVICES_BEFORE, "the services as they were before this run", {**states})
        knew = self._ask_tenant(instance) if work.leads else ()
        services = ", ".join(f"{role} {word}" for role, word in states.items())
        lines = (f"version {instance.install.version} in {instance.install.directory}", f"services: {services}")
        return Evidence(detail="fit for the set", lines=(*lines, *knew, *links, *told(findings)))

    def _against(self, seen: Observation, instance: Instance) -> list[Finding]:
        """What speaks against the set here. A broken config.json does not where a backup replaces it."""
        given = self.work.given()
        values = config_values(given) or {}
        source = FirstHost(
            name=self.work.given_set.get().host,
            install=instance.install,
            configuration=given,
            values=values,
            thumbprint=self.work.meant_thumbprint(),
            connection=str(values.get("CONNECTION", "")),
            connector_pid=None,
            restarts=None,
            clock_skew_s=None,
        )
        found = examine(seen, source, self.work.own_keys())[1]
        found = [each for each in found if not (self.work.given_set.restores and each.id == "config-unreadable")]
        if given.layout != instance.install.layout:
            found.append(
                Finding(
                    id="layout-differs",
                    severity=Severity.BLOCKER,
                    summary=f"this host has a {instance.install.layout} connector, the set is of {given.layout}",
                    remedy="install the version that the set was made with",
                )
            )
        elif given.version != instance.install.version:
            found.append(
                Finding(
                    id="version-of-set",
                    severity=Severity.WARNING,
                    summary=f"the set was made with version {given.version}, here is {instance.install.version}",
                    remedy="read the release notes between the two before you go on",
                )
            )
        return found

    def _unconfigured(self, files: ConfigurationSet | None) -> list[Finding]:
        if not self.work.given_set.get().keeps_site:
            return []
        files = self.work.before() or files
        try:
            if files is not None and is_configured(config_values(files) or {}):
                return []
        except ConfigError:
            return []
        return [
            Finding(
                id="not-in-service",
                severity=Severity.BLOCKER,
                summary="this host is not configured, so it is no instance of the cluster yet",
                remedy="add it with a run first, or take it out of the cluster file",
            )
        ]

    def _ask_tenant(self, instance: Instance) -> tuple[str, ...]:
        """Ask which certificate the tenant knows, and note the answer of the first time. Raises OperatorError when it is another one
        than the set's, and the run is not to publish that."""
        work, meant = self.work, self.work.meant_thumbprint()
        values = config_values(work.given()) or {}
        known = instance.ticket_info(str(values[TICKET]), values).thumbprints
        if not known:
            raise OperatorError(
                "the tenant knows no certificate for this connection, so undo could not give it back",
                remedy="start the first host's connector once and wait until it is accepted",
            )
        if not work.given_set.publishes:
            if known[0] != meant:
                raise OperatorError(
                    "the tenant knows another certificate than the one in this set",
                    tried=f"set {meant}, tenant {known[0]}",
                    meaning="an instance that starts with it locks the others out; nothing was changed anywhere",
                    remedy="choose a backup with the tenant's certificate, or restore this one to every host, with --publish",
                )
            return (f"the tenant knows the certificate of the set, {meant}",)
        home = work.given_set.home
        work.context.note(home, TENANT_KNEW, "the certificate that the tenant knew", {"thumbprint": known[0]})
        return (f"the tenant knows {known[0]}, and learns {meant}",)


def _told(value: object) -> str:
    return json.dumps(mask_url(value) if isinstance(value, str) else value, ensure_ascii=False)


def _in_service(seen: Observation) -> list[Finding]:
    """Whether the instance that is to teach the tenant is accepted now: every other one waits for it."""
    connected = seen.connector is not None and seen.connector.running and seen.log is not None
    if connected and seen.log is not None and seen.log.state in ("connected", "unknown"):
        return []
    return [
        Finding(
            id="publisher-not-in-service",
            severity=Severity.BLOCKER,
            summary="this host is to publish the new certificate, and is not connected now",
            evidence=("the others stay stopped until it is accepted with the new one",),
            remedy="bring it back into service first, or put another additional host first in the cluster file",
        )
    ]


def strangers(given_set: GivenSet) -> list[Finding]:
    """The instances outside the run that serve another connection than the set's: a backup of what the cluster once was."""
    context, given = given_set.context, given_set.get().configuration
    found = []
    for host in context.cluster.hosts:
        if host.name in given_set.hosts:
            continue
        try:
            files = context.links.to(host).on_instance(lambda instance: instance.read_set())
            context.hide(files)
            alike = not is_configured(config_values(files) or {}) or same_connection(files, given)
        except OperatorError:
            continue
        if not alike:
            found.append(
                Finding(
                    id="other-connection",
                    severity=Severity.BLOCKER,
                    summary=f"the backup is of another connection than the one that {host.name} serves",
                    evidence=("their tickets differ",),
                    remedy="choose a backup of this cluster as it is now",
                )
            )
    return found


class Withdraw(StopServices):
    """Stop both services, whatever lies there: an instance that is refused restarts, and publishes its old certificate again."""

    def look(self, instance: Instance) -> Evidence:
        """Done when this run has stopped them before and the set lies in place."""
        if self.work.context.recall(self.work.host.name, WITHDRAWN) is None:
            return TO_DO
        return super().look(instance)

    def change(self, instance: Instance) -> Evidence:
        """The connector first, then the console."""
        done = super().change(instance)
        context = self.work.context
        context.note(self.work.host.name, WITHDRAWN, "both services were stopped", {"run": context.run})
        return done

    def tell_stopped(self, instance: Instance, connector: Service) -> str:
        """Undoing starts it last of all."""
        return f"{connector.unit} is started when the tenant knows its certificate again"
