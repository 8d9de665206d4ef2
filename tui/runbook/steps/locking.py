"""The steps that begin and end the work on an additional host: the lock, the last look before it, and the release."""

from __future__ import annotations

from tui.connector.attributes import same_attributes
from tui.connector.instance import Instance
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.runbook.changes import same_set
from tui.runbook.model import Change, Evidence
from tui.runbook.safekeeping import same_bytes
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.looking import HOST_TAKEN
from tui.runbook.steps.put_back import require_before

AS_BACKED_UP = "as-backed-up"
"""The note that the run, holding the host's lock, has seen it as backed up: what it made there later is its own."""


class LockHost(HostStep):
    """Take the host, so that no second operator changes it at the same time."""

    name = "lock"
    title = "Take the host"
    why = "two operators at once would undo each other's work"
    undone_under_lock = False

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The lock file."""
        return (Change(action="create", subject="lock file with who, where and when"),)

    def change(self, instance: Instance) -> Evidence:
        """Write the lock file; raises HostLocked naming who has it. The same run may take it again."""
        context = self.work.context
        instance.lock(run=context.run, holder=context.operator)
        context.note(self.work.host.name, HOST_TAKEN, "the host was taken", {"run": context.run})
        return Evidence(detail=f"taken for {context.operator}")

    def put_back(self, instance: Instance) -> Evidence:
        """Everything else has been put back: give the host up."""
        run = self.work.context.run
        left = instance.parked(run=run)
        if left:
            instance.unlock(run=run)
            return Evidence(
                detail=f"given back; {', '.join(left)} of before the run is kept aside in the install directory"
            )
        instance.discard_parked(run=run)
        instance.unlock(run=run)
        return Evidence(detail="given back")


class Unchanged(HostStep):
    """See that nobody changed the host between its backup and the lock."""

    name = "unchanged"
    title = "See that it is as backed up"
    why = "undoing must give back what was there, and not what was there a while ago"
    only_looks = True

    def change(self, instance: Instance) -> Evidence:
        """Compare with the backup; a host that this run has begun to change is compared file by file."""
        before, now = self.work.before(), self.work.read(instance)
        if before is None:
            raise OperatorError(
                "this run has no backup of what the host had",
                meaning="nothing may be changed here before there is one",
                remedy="start the procedure again",
            )
        context, host = self.work.context, self.work.host.name
        if same_set(before, now):
            context.note(host, AS_BACKED_UP, "the host is as backed up", {"run": context.run})
            return Evidence(detail="as backed up")
        first, parked = self.work.given(), instance.parked(run=context.run)
        begun = bool(parked) or context.recall(host, AS_BACKED_UP) is not None
        if same_bytes(before, now):
            made = set(first.directories) - set(before.directories) if begun else set()
            if foreign := [path for path in _other_attributes(before, now) if not _of_run(path, parked, made)]:
                raise _attributes_changed(foreign)
            return Evidence(detail="this run has begun to change it")
        if parked or self.work.in_line(now):
            return Evidence(detail="this run has begun to change it")
        foreign = sorted(
            path
            for path, file in now.files.items()
            if file.data not in (before.data(path), first.data(path)) and path != set_paths(now.layout).config
        )
        if not foreign and now.data(set_paths(now.layout).config) in (None, before.data(set_paths(now.layout).config)):
            return Evidence(detail="this run has begun to change it")
        raise OperatorError(
            "somebody has changed this host since it was backed up",
            tried=f"compared it with the backup: {', '.join(foreign) or 'config.json'} differs",
            meaning="nothing was changed on it by this run",
            remedy="find out who works on this host, then start the procedure again",
        )


def _other_attributes(before: ConfigurationSet, now: ConfigurationSet) -> list[str]:
    """The paths that other accounts may use now, or in other ways, and the directories that came or went."""
    files = (
        path for path, file in now.files.items() if not same_attributes(before.files[path].attributes, file.attributes)
    )
    directories = (
        path
        for path in {*before.directories, *now.directories}
        if not same_attributes(before.directories.get(path), now.directories.get(path))
    )
    return sorted({*files, *directories})


def _of_run(path: str, parked: tuple[str, ...], made: set[str]) -> bool:
    """Whether a difference is this run's own doing: in a part that it keeps aside, or a directory that it makes."""
    return path in made or any(path == part or path.startswith(f"{part}/") for part in parked)


def _attributes_changed(paths: list[str]) -> OperatorError:
    return OperatorError(
        "somebody has changed who may use the files of this host since it was backed up",
        tried=f"compared owners and permissions with the backup: {', '.join(paths)} differs",
        meaning="nothing was changed on it by this run; undoing it would take that change back",
        remedy="find out who works on this host, then start the procedure again",
    )


class Release(HostStep):
    """Everything is verified: drop what was kept aside, and give the host back."""

    name = "release"
    title = "Give the host back"
    why = "what it had before stays in the vault; the next operator needs the host"
    undone_under_lock = False

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """The lock file and what was kept aside."""
        return (Change(action="remove", subject="lock file and what was kept aside"),)

    def change(self, instance: Instance) -> Evidence:
        """Remove both."""
        run = self.work.context.run
        instance.discard_parked(run=run)
        instance.unlock(run=run)
        return Evidence(detail="given back; what it had before is in the vault")

    def put_back(self, instance: Instance) -> Evidence:
        """Take the host again, since it is about to be put back. Raises OperatorError when somebody has changed it since: what they
        have made would be lost."""
        context, before = self.work.context, require_before(self.work)
        instance.lock(run=context.run, holder=context.operator)
        foreign = self.work.changed_since_release(self.work.read(instance), before)
        if not foreign:
            return Evidence(detail="taken again")
        instance.unlock(run=context.run)
        raise OperatorError(
            "somebody has changed this host since this run gave it back",
            tried=f"compared it with what the run had put in place: {', '.join(foreign)} differs",
            meaning="undoing would destroy what has been made of it since, of which there is no copy; it was left as it is",
            remedy="find out who works on this host; if the change is not wanted, take it back, then undo again",
        )
