"""Putting files back: from the parking directory by rename, and from the vault's `before` backup where that is not enough."""

from __future__ import annotations

from tui.connector.attributes import same_attributes
from tui.connector.instance import Instance
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Role
from tui.errors import OperatorError
from tui.runbook.changes import Chosen, same_file
from tui.runbook.context import HostWork
from tui.runbook.model import Evidence
from tui.vault.errors import VaultError, VaultFailure

_LOST = (VaultFailure.DAMAGED, VaultFailure.REPLACED, VaultFailure.UNSAFE, VaultFailure.MISSING)


def put_back(work: HostWork, instance: Instance, chosen: Chosen) -> Evidence:
    """Give the host back the chosen files and directories as they were before the run, to the byte, and usable by the same accounts.

    Nothing runs meanwhile, and no config.json but the host's own lies beside what is put back. Raises OperatorError
    when what is there afterwards is not what was there before.
    """
    before = before_or_parked(work, instance)
    make_safe(work, instance, before)
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
            remedy=_by_hand(work),
        )
    lines = [f"{path} moved back" for path in parked] + [f"{path} {word}" for path, word in restored]
    return Evidence(detail="as before this run, to the byte", lines=tuple(lines))


def stop_both(instance: Instance) -> None:
    """Stop both services, the connector first."""
    for role in (Role.CONNECTOR, Role.ADMIN):
        instance.stop(role)


def make_safe(work: HostWork, instance: Instance, before: ConfigurationSet) -> bool:
    """Stop both services and take out a config.json that is not the host's own; True when one was taken out.

    The order of the way forward, enforced on the way back: certificates are never replaced below a configuration that
    a connector could start with.
    """
    stop_both(instance)
    config, run = set_paths(instance.install.layout).config, work.context.run
    present = instance.read_set().data(config)
    if present is None:
        return False
    parked = config in instance.parked(run=run)
    if present == before.data(config) and not parked:
        return False
    if before.data(config) is None or parked:
        instance.remove(config)
    else:
        instance.park(config, run=run)
    return True


def before_or_parked(work: HostWork, instance: Instance) -> ConfigurationSet:
    """What the host had before the run, from the vault.

    A step is undone only when it was applied, and nothing is applied without this backup. When it is gone all the
    same, what was parked is moved back, both services stay stopped, and OperatorError says so.
    """
    before, lost = _before_or_lost(work)
    if before is not None:
        return before
    moved = _unpark_all(work, instance)
    raise OperatorError(
        f"what this host had before cannot be read from the vault: {lost.summary}",
        tried=f"moved back what was kept aside: {', '.join(moved) or 'nothing was'}; both services are stopped",
        meaning="whether this host is as it was before the run cannot be told",
        remedy="bring the backup file back into the vault and undo the run again, or put this host right by hand",
    ) from lost


def require_before(work: HostWork) -> ConfigurationSet:
    """What the host had before the run, before anything of an instance in service is undone. Raises OperatorError when it cannot be read."""
    before, lost = _before_or_lost(work)
    if before is not None:
        return before
    raise OperatorError(
        f"what this host had before cannot be read from the vault: {lost.summary}",
        tried="read it before touching the host",
        meaning="putting the host back is impossible without it, so it was left in service as the run has made it",
        remedy="bring the backup file back into the vault and undo the run again, or leave the host as it is",
    ) from lost


def _before_or_lost(work: HostWork) -> tuple[ConfigurationSet | None, OperatorError]:
    """The backup, or why it is lost for good. Any other failure, of the journal or of storage, is raised: it may pass."""
    missing = OperatorError("the vault has no `before` backup of this host any more")
    try:
        return work.before(), missing
    except VaultError as error:
        if error.reason not in _LOST:
            raise
        return None, error


def _unpark_all(work: HostWork, instance: Instance) -> list[str]:
    """Move everything that this run has parked back, config.json last and never beside certificates of another set.

    config.json goes out first by the run's own order: one that lies there while something is parked is the host's own only
    when it is itself parked no more. So what lies there is the run's, a copy of the first host's, and is removed.
    """
    stop_both(instance)
    paths, run = set_paths(instance.install.layout), work.context.run
    parked = instance.parked(run=run)
    if parked:
        instance.remove(paths.config)
    moved = []
    for path in sorted(parked, key=lambda path: path == paths.config):
        if (
            path == paths.config
            and instance.read_set().files.keys() & {paths.certificate}
            and paths.certs not in parked
        ):
            continue
        instance.unpark(path, run=run)
        moved.append(path)
    return moved


def _by_hand(work: HostWork) -> str:
    cluster, run = work.context.cluster.name, work.context.run
    backup = work.context.safekeeping.of_run(work.host.name, "before", run)
    again = f"adldap-ha resume {cluster} --undo --run {run} tries again"
    if backup is None:
        return again
    return f"{again}; adldap-ha backup restore {cluster} {backup.id} --to DIRECTORY gives you the files, to put them back by hand"


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
        if not same_attributes(before.directories.get(path), now.directories.get(path))
    }
    return sorted(files | directories)
