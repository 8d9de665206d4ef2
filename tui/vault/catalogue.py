"""What lies in a vault's directory: complete backups, and what is wrong with the rest."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.findings import Finding, Severity
from tui.vault.model import Backup
from tui.vault.sidecar import DATA_SUFFIX, SIDECAR_SUFFIX, SidecarDamaged, is_backup_id, read_sidecar


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`backups` newest first; `without_sidecar` the ids of data whose sidecar is missing or damaged."""

    backups: tuple[Backup, ...]
    without_sidecar: tuple[str, ...]
    findings: tuple[Finding, ...]


def survey(directory: Path, cluster: str) -> Catalogue:
    """Read every sidecar in `directory`; nothing is decrypted, changed or fatal. A missing directory is empty."""
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else set()
    data = _ids(names, DATA_SUFFIX)
    backups: list[Backup] = []
    orphans: list[str] = []
    findings = _open_to_others(directory)
    for backup_id in sorted(_ids(names, SIDECAR_SUFFIX) | data):
        try:
            backup = read_sidecar(directory, backup_id)
        except FileNotFoundError:
            if backup_id in data:
                orphans.append(backup_id)
                findings.append(_without_sidecar(backup_id, cluster))
            continue
        except (SidecarDamaged, OSError) as error:
            if backup_id in data:
                orphans.append(backup_id)
            findings.append(_damaged_sidecar(backup_id, error, cluster if backup_id in data else None))
            continue
        problem = _problem(backup, cluster)
        if problem:
            findings.append(problem)
        if backup.cluster == cluster and backup_id in data:
            backups.append(backup)
    backups.sort(key=lambda backup: (backup.created, backup.id), reverse=True)
    return Catalogue(tuple(backups), tuple(orphans), tuple(findings))


def _ids(names: Sequence[str] | set[str], suffix: str) -> set[str]:
    stems = {name.removesuffix(suffix) for name in names if name.endswith(suffix)}
    return {stem for stem in stems if is_backup_id(stem)}


def _open_to_others(directory: Path) -> list[Finding]:
    try:
        mode = directory.stat().st_mode & 0o777
    except OSError:
        return []
    if not mode & 0o022:
        return []
    return [
        Finding(
            id="vault-writable-by-others",
            severity=Severity.WARNING,
            summary=f"other accounts of this machine may write to the vault {directory}",
            evidence=(
                f"its mode is {mode:04o}",
                "encryption proves no origin: a backup could be replaced by a forged one",
            ),
            remedy=f"chmod 0700 {shlex.quote(str(directory))}",
        )
    ]


def _problem(backup: Backup, cluster: str) -> Finding | None:
    if backup.cluster != cluster:
        return Finding(
            id="backup-foreign",
            severity=Severity.WARNING,
            summary=f"backup {backup.id} belongs to cluster {backup.cluster}",
            remedy="move it and its sidecar to the vault of that cluster",
        )
    try:
        size = backup.path.stat().st_size
    except OSError:
        return Finding(
            id="backup-missing",
            severity=Severity.WARNING,
            summary=f"the data of backup {backup.id} is gone; only its description is left",
            remedy="put the file back from a copy, or make a new backup",
        )
    if size != backup.size:
        return Finding(
            id="backup-damaged",
            severity=Severity.WARNING,
            summary=f"backup {backup.id} has {size} bytes instead of {backup.size}",
            remedy="put the file back from a copy, or make a new backup",
        )
    return None


def _healing(backup_id: str, cluster: str) -> str:
    return f"adldap-ha backup verify {cluster} {backup_id} writes it anew from what is inside the backup"


def _without_sidecar(backup_id: str, cluster: str) -> Finding:
    return Finding(
        id="backup-without-sidecar",
        severity=Severity.NOTE,
        summary=f"backup {backup_id} has no sidecar: its making was interrupted at the very end",
        remedy=_healing(backup_id, cluster),
    )


def _damaged_sidecar(backup_id: str, error: Exception, cluster: str | None) -> Finding:
    """`cluster` is None when the data is gone as well."""
    return Finding(
        id="backup-sidecar-damaged",
        severity=Severity.WARNING,
        summary=f"the sidecar of backup {backup_id} cannot be read",
        evidence=(str(error) if isinstance(error, SidecarDamaged) else error.__class__.__name__,),
        remedy=_healing(backup_id, cluster) if cluster else "remove it: the backup that it described is gone",
    )
