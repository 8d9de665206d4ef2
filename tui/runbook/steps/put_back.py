"""Putting files back: from the parking directory by rename, and from the vault's `before` backup where that is not enough."""

from __future__ import annotations

from tui.connector.instance import Instance
from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.runbook.changes import Chosen, same_file
from tui.runbook.context import HostWork
from tui.runbook.model import Evidence

UNTOUCHED = Evidence(detail="nothing to undo: this run has not changed the host")


def put_back(work: HostWork, instance: Instance, chosen: Chosen) -> Evidence:
    """Give the host back the chosen files and directories as they were before the run, to the byte, owner and mode.

    Raises OperatorError when what is there afterwards is not what was there before.
    """
    before = work.before()
    if before is None:
        return UNTOUCHED
    run = work.context.run
    parked = [path for path in instance.parked(run=run) if chosen(path)]
    for path in parked:
        instance.unpark(path, run=run)
    restored = _restore(instance, before, instance.read_set(), chosen)
    differing = _differing(before, instance.read_set(), chosen)
    if differing:
        raise OperatorError(
            f"{', '.join(differing)} could not be put back as it was",
            tried="moved back what was parked, wrote the rest from the backup, and compared",
            meaning="this host is neither as before nor a verified member of the cluster",
            remedy="restore it by hand from the `before` backup of this run (adldap-ha backup restore)",
        )
    lines = [f"{path} moved back" for path in parked] + [f"{path} {word}" for path, word in restored]
    return Evidence(detail="as before this run, to the byte", lines=tuple(lines))


def _restore(
    instance: Instance, before: ConfigurationSet, now: ConfigurationSet, chosen: Chosen
) -> list[tuple[str, str]]:
    done = []
    for path in filter(chosen, now.files):
        if path not in before.files:
            instance.remove(path)
            done.append((path, "removed"))
    for path in sorted(filter(chosen, now.directories), reverse=True):
        if path not in before.directories:
            instance.remove_directory(path)
            done.append((path, "removed"))
    for path in sorted(filter(chosen, before.directories)):
        if path not in now.directories:
            instance.place_directory(path, before.directories[path])
            done.append((path, "made again"))
    for path, file in before.files.items():
        if chosen(path) and not same_file(now.files.get(path), file):
            instance.place(file)
            done.append((path, "written from the backup"))
    return done


def _differing(before: ConfigurationSet, now: ConfigurationSet, chosen: Chosen) -> list[str]:
    files = {
        path
        for path in filter(chosen, {*before.files, *now.files})
        if not same_file(before.files.get(path), now.files.get(path))
    }
    directories = {
        path
        for path in filter(chosen, {*before.directories, *now.directories})
        if before.directories.get(path) != now.directories.get(path)
    }
    return sorted(files | directories)
