"""Steps that only look, and the backups: nothing here writes to any host."""

from __future__ import annotations

from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.findings import Severity, blockers
from tui.health.cluster import one_install
from tui.health.probes import observe
from tui.runbook.additional_host import examine
from tui.runbook.changes import same_set
from tui.runbook.context import HostWork, RunContext
from tui.runbook.first_host import refusal
from tui.runbook.model import Change, Evidence
from tui.runbook.safekeeping import same_bytes
from tui.runbook.steps.base import NOTHING_TO_PROVE, NOTHING_TO_UNDO, TO_DO, HostStep, told
from tui.sizes import told_count, told_size
from tui.vault.model import Backup

SERVICES_BEFORE = "services-before"
"""The note that says in which state both services were before the run touched them."""

HOST_TAKEN = "host-taken"
"""The note that the run has had the host's lock: no later backup can say what the host had before."""


class FirstHostStep:
    """A step on the first host: it reads, and there is never anything to put back."""

    name = "inspect"
    title = "Look at the first host"
    why = "only a complete, healthy and connected instance may be copied"

    def __init__(self, context: RunContext) -> None:
        self.context = context

    @property
    def host(self) -> str | None:
        """The first host."""
        return self.context.cluster.first.name

    def check(self) -> Evidence:
        """It is looked at anew by every runner."""
        return TO_DO

    def plan(self) -> tuple[Change, ...]:
        """The files that are read."""
        files = self.context.first().configuration.files
        return tuple(
            Change(action="read", subject=path, after=told_size(len(file.data))) for path, file in files.items()
        )

    def apply(self) -> Evidence:
        """Look at it; raises OperatorError when it is not fit to be copied."""
        first = self.context.look_at_first()
        return Evidence(
            detail=f"connected, serving {first.connection}",
            lines=(
                f"version {first.install.version} in {first.install.directory}",
                f"certificate {first.thumbprint}, the one that the tenant knows",
                f"{told_count(len(first.configuration.files), 'file')} in its set",
            ),
        )

    def verify(self) -> Evidence:
        """Nothing was done that needs proof."""
        return NOTHING_TO_PROVE

    def undo(self) -> Evidence:
        """Nothing was changed."""
        return NOTHING_TO_UNDO


class BackUpSet(FirstHostStep):
    """Keep the first host's set in the vault and prove that it restores."""

    name = "back-up"
    title = "Back up the first host's set"
    why = "whatever happens later, this set can be restored"

    def check(self) -> Evidence:
        """Whether this run has made the backup and proven it."""
        backup = self._made()
        if backup is None or backup.verified is None:
            return TO_DO
        if not same_bytes(self.context.safekeeping.read(backup), self.context.first().configuration):
            return TO_DO
        return _kept(backup)

    def plan(self) -> tuple[Change, ...]:
        """The backup to be made."""
        recipients = len(self.context.safekeeping.recipients)
        return (
            Change(
                action="create",
                subject="encrypted backup in the vault",
                after=told_count(recipients, "recipient"),
            ),
        )

    def apply(self) -> Evidence:
        """Encrypt what was read."""
        files = self.context.first().configuration
        return _kept(
            self.context.safekeeping.keep(files, host=self.context.first().name, kind="set", run=self.context.run)
        )

    def verify(self) -> Evidence:
        """Decrypt it again and compare every byte."""
        backup = self._made()
        if backup is None:
            return Evidence(detail="the vault has no such backup", done=False)
        verification = self.context.safekeeping.prove(backup, self.context.first().configuration)
        proof = "decrypted: every file, the key pair and the encrypted password are as on the host"
        return Evidence(detail=proof, lines=(f"backup {backup.id}", *told(verification.findings)))

    def _made(self) -> Backup | None:
        return self.context.safekeeping.of_run(self.context.first().name, "set", self.context.run, latest=True)

    def undo(self) -> Evidence:
        """A backup is never thrown away because a run is undone."""
        return Evidence(detail="the backup is kept")


class Inspect(HostStep):
    """Look at an additional host before anything is changed anywhere."""

    name = "inspect"
    title = "Look at the host"
    only_looks = True
    why = "a host is changed only when it is installed, of the same version, free for this connection and able to work"

    def change(self, instance: Instance) -> Evidence:
        """Look; raises OperatorError for the first blocker."""
        name = self.work.host.name
        seen = observe(instance, name=name, ask_ticket=False)
        if seen.failure is not None:
            raise seen.failure
        if seen.configuration is not None:
            self.work.context.hide(seen.configuration)
        state, findings = examine(seen, self.work.context.first(), self.work.host.keys.chosen())
        if twin := self.work.context.twin(name, seen.facts):
            findings = [one_install((twin, name)), *findings]
        if stopping := blockers(findings):
            raise refusal(name, stopping, "this host cannot be added")
        links = refuse_unrepresented(self.work, instance, seen.configuration)
        states = {role.value: service.state for role, service in seen.services.items()}
        self.work.context.note(name, SERVICES_BEFORE, "the services as they were before this run", {**states})
        services = ", ".join(f"{role} {word}" for role, word in states.items())
        skew = seen.facts.clock_skew_s if seen.facts else None
        lines = [f"version {instance.install.version} in {instance.install.directory}", f"services: {services}"]
        if skew is not None:
            lines.append(f"clock {skew:+.1f} s from the jump box")
        notes = [finding for finding in findings if finding.severity is not Severity.BLOCKER]
        return Evidence(detail=state.value.replace("_", " "), lines=(*lines, *links, *told(notes)))


class BackUpBefore(HostStep):
    """Keep what an additional host has now, so that it can be put back to the byte."""

    name = "back-up-before"
    title = "Back up what the host has now"
    why = "undoing must give back exactly what was there"
    only_looks = True

    def look(self, instance: Instance) -> Evidence:
        """Whether this run has made the backup and proven it, of what the host has now.

        Once the run has taken the host, the backup stands: what the host has then may be this run's own work.
        """
        backup = self._made()
        if backup is None or backup.verified is None:
            return TO_DO
        if self._taken() or same_set(self.work.context.safekeeping.read(backup), self.work.present(instance)):
            return _kept(backup)
        return TO_DO

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The backup to be made."""
        count = len(instance.read_set().files)
        return (
            Change(
                action="create",
                subject="encrypted backup in the vault",
                after=told_count(count, "file"),
            ),
        )

    def change(self, instance: Instance) -> Evidence:
        """Encrypt what the host has; raises OperatorError when this run may have changed it already."""
        if self._taken():
            raise OperatorError(
                "the backup that this run made of this host is gone",
                tried="looked for it in the vault",
                meaning="this run has taken the host before, so what it has now may not be what it had",
                remedy="bring the backup file back into the vault, or undo the run",
            )
        files = instance.read_set()
        context = self.work.context
        backup = context.safekeeping.keep(files, host=self.work.host.name, kind="before", run=context.run)
        return _kept(backup)

    def prove(self, instance: Instance) -> Evidence:
        """Decrypt it again and compare every byte with the host."""
        backup = self._made()
        if backup is None:
            return Evidence(detail="the vault has no such backup", done=False)
        files: ConfigurationSet = instance.read_set()
        self.work.context.safekeeping.prove(backup, files)
        self.work.keep_before(self.work.context.safekeeping.read(backup))
        return Evidence(detail="decrypted: every file is as on the host", lines=(f"backup {backup.id}",))

    def undo(self) -> Evidence:
        """A backup is never thrown away because a run is undone."""
        return Evidence(detail="the backup is kept")

    def _made(self) -> Backup | None:
        context = self.work.context
        return context.safekeeping.of_run(self.work.host.name, "before", context.run, latest=True)

    def _taken(self) -> bool:
        return self.work.context.recall(self.work.host.name, HOST_TAKEN) is not None


def refuse_unrepresented(work: HostWork, instance: Instance, files: ConfigurationSet | None) -> tuple[str, ...]:
    """What is said of links and the like in a set that stays as it is. Raises OperatorError where it would be replaced:
    undo could not give them back, and a link that leads nowhere would have a file made at its end."""
    odd = instance.unrepresented()
    if not odd:
        return ()
    links = instance.links()
    known = {*files.files, *files.directories} if files is not None else set()
    for part, target in links.items():
        if part not in known:
            raise OperatorError(
                f"{part} is a link that leads nowhere",
                tried=f"followed it to {target}",
                meaning="putting a file in place would make one somewhere else; nothing was changed on this host",
                remedy="remove the link, or make what it leads to",
            )
    if files is not None and work.in_line(files):
        return tuple(f"{path} is a link, or no plain file: it stays as it is" for path in odd)
    raise OperatorError(
        f"a backup cannot give back {', '.join(odd[:6])}{f' and {len(odd) - 6} more' if len(odd) > 6 else ''}",
        tried="looked for links, special files and what lies more than six folders deep among the files to be replaced",
        meaning="undo could not put this host back to the byte; nothing was changed on it",
        remedy="put the file itself where a link is, move away what the connector does not need, then look again",
    )


def _kept(backup: Backup) -> Evidence:
    return Evidence(
        detail=f"backup {backup.id}",
        lines=(told_count(len(backup.files), "file"), f"ciphertext SHA-256 {backup.ciphertext_sha256}"),
    )
