"""Putting a backup back: which one, where to, and with which certificate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual import on
from textual.widget import Widget

from screens.dashboard_acts import meanwhile, perform
from screens.dashboard_confirm import refuse
from screens.dashboard_plan import Intent
from screens.dialog import Choice, ChoiceDialog, Dialog
from tui.errors import OperatorError
from tui.findings import Finding
from tui.health.monitor import InstanceView
from tui.runbook.operations import Operations
from tui.runbook.order import Wanted
from tui.vault.model import Backup
from tui.widgets import words
from tui.widgets.facts import Facts, Told
from tui.widgets.remark import Remark
from tui.widgets.rows import Column, RowData, Rows

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen

_KINDS = {"set": "first host's set", "before": "before a change", "planned": "put on by a run"}
_ONE, _ALL, _PUBLISH = "one", "all", "publish"


def choose_backup(screen: DashboardScreen, host: str) -> None:
    """Show the vault's backups, ask where the chosen one is to go, and perform that."""
    heading = "Restore a backup"

    def listed(found: tuple[list[Backup], list[Finding]]) -> None:
        backups, wrong = found
        if not backups:
            refuse(screen, heading, _none_yet(screen.state.name))
            return

        def chosen(backup_id: str | None) -> None:
            for backup in backups:
                if backup.id == backup_id:
                    _choose_place(screen, host, backup)

        screen.doing("")
        screen.wizard.put(BackupsDialog(backups, wrong), chosen)

    screen.doing("Reading the vault's list")
    screen.ask("backups", partial(_listed, screen.operations), listed, partial(refuse, screen, heading))


def _listed(operations: Operations) -> tuple[list[Backup], list[Finding]]:
    return operations.backups(), operations.vault_findings()


def _none_yet(cluster: str) -> OperatorError:
    return OperatorError(
        f"there is no backup of {cluster} in this jump box's vault",
        remedy=f"make one while all is well: adldap-ha backup create {cluster}",
    )


class BackupsDialog(Dialog[str]):
    """Every backup, newest first; what is known of the chosen one without opening it stands below."""

    wide = True
    heading = "Which backup shall be restored?"
    explain = (
        "Backups that this jump box has made, newest first. One is opened only to show what it would change; what each host has "
        "now is backed up before it is replaced."
    )

    def __init__(self, backups: Sequence[Backup], wrong: Sequence[Finding]) -> None:
        super().__init__()
        self._backups = {backup.id: backup for backup in backups}
        self._wrong = wrong

    def compose_body(self) -> Iterable[Widget]:
        """The list, the chosen one, and what is wrong with the vault."""
        yield Rows(
            Column("When (UTC)", 16, style="$ink"),
            Column("Host", 18, style="$ink"),
            Column("What", 16, style="$quiet"),
            Column("Backup", style="$quiet", from_width=90),
            explain=self.explain,
            acts=True,
            id="backups",
        )
        yield Facts(id="chosen")
        yield Remark(id="problem")

    def on_mount(self) -> None:
        """Show them."""
        self.query_one("#backups", Rows).show([_backup_row(backup) for backup in self._backups.values()])
        self.query_one(Remark).say(self._wrong[0].summary if self._wrong else "")

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Tell what is known of it."""
        if event.rows.id == "backups":
            self.query_one("#chosen", Facts).show(_facts(self._backups[event.key]))

    @on(Rows.Acted)
    def _acted(self, event: Rows.Acted) -> None:
        self.dismiss(event.key)


def _backup_row(backup: Backup) -> RowData:
    when = words.moment(backup.created).removesuffix(" UTC")
    return RowData(backup.id, (when, backup.host, _KINDS[backup.kind], backup.id))


def _facts(backup: Backup) -> list[tuple[str, Told]]:
    certificate = f"{words.digest(backup.thumbprint)}, to {words.date(backup.certificate_expires)}"
    verified = words.marked("good", f"opened again and checked {words.moment(backup.verified)}")
    return [
        ("Backup", backup.id),
        ("Made by", f"{backup.operator}, of connector {backup.version}, {words.count(len(backup.files), 'file')}"),
        ("Certificate", certificate),
        ("Verified", verified if backup.verified else words.marked("care", "not opened since it was made")),
        ("Opens with", words.listed([words.digest(each, 16) for each in backup.recipients])),
    ]


def tenant_knows(backup: Backup, views: Sequence[InstanceView]) -> bool | None:
    """Whether the tenant knows the backup's certificate, as far as the instances tell; None: that is not known."""
    for view in views:
        seen = view.status.certificate if view.status is not None else None
        if seen is None or seen.matches_tenant is None:
            continue
        if seen.thumbprint == backup.thumbprint:
            return seen.matches_tenant
        if seen.matches_tenant:
            return False
    return None


def _choose_place(screen: DashboardScreen, host: str, backup: Backup) -> None:
    known = tenant_knows(backup, screen.views)
    choices = []
    if known is False:
        choices.append(Choice("later", "n", "Not now", "leave everything as it is"))
    else:
        choices.append(Choice(_ONE, "i", "This instance", host))
        if len(screen.views) > 1:
            choices.append(Choice(_ALL, "a", "Every instance", "one at a time, the first host last"))
    if known is not True:
        choices.append(Choice(_PUBLISH, "p", "All and publish", "teach the tenant its certificate"))

    def decided(word: str | None) -> None:
        if word in (_ONE, _ALL, _PUBLISH):
            perform(screen, _intent(screen, word, host, backup))

    lines = (_of_certificate(known),)
    screen.wizard.put(ChoiceDialog(f"Where shall {backup.id} go?", lines, choices), decided)


def _of_certificate(known: bool | None) -> str:
    if known:
        return "The tenant knows its certificate, so an instance is accepted with it while the others serve."
    if known is None:
        return (
            "Whether the tenant knows its certificate cannot be told now. Where it does not, only publishing it helps, "
            "which interrupts logins."
        )
    return (
        "The tenant knows another certificate, so an instance with this one is rejected. The backup can only go to every "
        "instance at once, while the tenant is taught its certificate; nobody can log in meanwhile."
    )


def _intent(screen: DashboardScreen, word: str, host: str, backup: Backup) -> Intent:
    cluster, views, wanted = screen.state.name, screen.views, Wanted(backup=backup.id)
    everybody = tuple(view.name for view in views)
    if word == _PUBLISH:
        heading = f"Restore a backup to all of {cluster} and publish its certificate?"
        return Intent("republish", heading, "", everybody, cluster, wanted)
    if word == _ALL:
        told = "One instance at a time; the next only after the last is verified. Logins go on on the others."
        return Intent("restore", f"Restore a backup to every instance of {cluster}?", told, everybody, "", wanted)
    told, alone = meanwhile(views, host)
    return Intent("restore", f"Restore a backup to {host}?", told, (host,), host if alone else "", wanted)
