"""The commands on the vault: list, create, show, verify and restore backups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tui.cli_options import AsJson, Cluster, SecretsFrom, opened
from tui.console import Exit, complain, leave, plain_talk, somebody_there, write_document, write_lines
from tui.endings import ending

if TYPE_CHECKING:
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.terminal_talk import TerminalTalk
    from tui.vault.model import Backup

backup_app = typer.Typer(help="Encrypted backups of configuration sets.", no_args_is_help=True, rich_markup_mode=None)

BackupId = Annotated[str | None, typer.Argument(metavar="[BACKUP]", help="A backup's id; the newest when absent.")]


@backup_app.command("list")
@ending()
def list_backups(cluster: Cluster, as_json: AsJson = False) -> None:
    """List every backup, newest first.

    Nothing is decrypted. What is damaged or incomplete in the vault is told on standard error.
    """
    from tui.rendering import backup_lines, finding_lines

    with opened(cluster) as operations:
        backups, findings, name = operations.backups(), operations.vault_findings(), operations.cluster.name
    complain(line for finding in findings for line in finding_lines(finding, indent=""))
    if as_json:
        write_document({"cluster": name, "backups": [backup.model_dump(mode="json") for backup in backups]})
    else:
        write_lines(backup_lines(backups))


@backup_app.command("create")
@ending()
def create(cluster: Cluster, as_json: AsJson = False, secrets: SecretsFrom = None) -> None:
    """Back up the first host's set.

    Reads it, encrypts it, and verifies the backup by decryption.
    """
    from tui.headless import answered, connect_all, unlock_vault
    from tui.rendering import backup_detail_lines

    with opened(cluster, secrets) as operations:
        talk = plain_talk(quiet=as_json, asking=somebody_there(secrets))
        unlock_vault(operations, talk)
        connect_all(operations, talk, [operations.cluster.first.name])
        backup = answered(operations, talk, operations.back_up_first)
    if as_json:
        write_document(backup.model_dump(mode="json"))
    else:
        write_lines(backup_detail_lines(backup))


@backup_app.command("show")
@ending()
def show(cluster: Cluster, backup: BackupId = None, as_json: AsJson = False) -> None:
    """Show what a backup holds.

    Nothing is decrypted.
    """
    from tui.headless import pick_backup
    from tui.rendering import backup_detail_lines

    with opened(cluster) as operations:
        found = pick_backup(operations, backup)
    if as_json:
        write_document(found.model_dump(mode="json"))
    else:
        write_lines(backup_detail_lines(found))


def _opened_backup(
    operations: ClusterOperations, talk: TerminalTalk, backup: str | None, kind: str | None = None
) -> Backup:
    """The backup that is meant, with the vault open. Opening it heals one that lost its description.

    With a `kind`, only one that this jump box has made is taken unasked.
    """
    from tui.headless import open_vault, pick_backup

    among = operations.recorded_backups() if kind is not None else None
    if not operations.vault_findings():
        pick_backup(operations, backup, kind, among)
    open_vault(operations, talk)
    return pick_backup(operations, backup, kind, among)


@backup_app.command("verify")
@ending()
def verify(cluster: Cluster, backup: BackupId = None, as_json: AsJson = False, secrets: SecretsFrom = None) -> None:
    """Prove that a backup restores.

    Decrypts it and checks every hash, the key/certificate pair and the encrypted password. Exit 0 when it is good.
    """
    from tui.rendering import verification_lines

    with opened(cluster, secrets) as operations:
        found = _opened_backup(operations, plain_talk(quiet=as_json, asking=somebody_there(secrets)), backup)
        verification = operations.verify_backup(found.id)
    if as_json:
        write_document({"backup": found.id, **verification.model_dump(mode="json")})
    else:
        write_lines([f"backup {found.id}", *verification_lines(verification)])
    leave(Exit.OK if verification.ok else Exit.FAILED)


@backup_app.command("restore")
@ending()
def restore(
    cluster: Cluster,
    to: Annotated[Path, typer.Option("--to", metavar="DIRECTORY", help="A new directory; it must not exist yet.")],
    backup: Annotated[
        str | None, typer.Argument(metavar="[BACKUP]", help="A backup's id; the first host's newest set when absent.")
    ] = None,
    as_json: AsJson = False,
    secrets: SecretsFrom = None,
) -> None:
    """Decrypt a backup into a new directory.

    Checked against the journal and verified first. No host is touched: what comes out is for being put on one by hand. It is as good as
    the directory password, so keep it where only you can read it, and remove it afterwards.
    """
    from tui.rendering import restored_lines

    with opened(cluster, secrets) as operations:
        talk = plain_talk(quiet=as_json, asking=somebody_there(secrets))
        found = _opened_backup(operations, talk, backup, "set")
        target = Path(os.path.abspath(to.expanduser()))
        verification = operations.restore_backup(found.id, target)
    if as_json:
        paths = ["manifest.json", *(file.path for file in found.files)]
        document = {
            "backup": found.id,
            "directory": str(target),
            "files": paths,
            **verification.model_dump(mode="json"),
        }
        write_document(document)
    else:
        write_lines(restored_lines(found, target, verification))
