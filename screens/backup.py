"""Backup: keep the first host's set encrypted on the jump box, and prove that it opens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from screens.base import WizardScreen
from tui.errors import OperatorError
from tui.runbook.operations import Operations
from tui.vault.identity import SHORTEST_PASSPHRASE
from tui.vault.model import Backup
from tui.widgets import words
from tui.widgets.facts import Facts, Findings
from tui.widgets.field import Field
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage


class BackupScreen(WizardScreen):
    """Passphrase, recipients, backup and its proof."""

    STAGE = Stage.BACKUP
    heading = "Who can open the backup?"
    why = "What works today is kept encrypted on this jump box before anything changes."
    explain = (
        "Backups are age files: any age program opens them. Your identity is a key on this jump box that the passphrase "
        "unlocks; the passphrase is not stored. A backup holds the directory password, so choose its recipients with care, "
        "and have two: a backup that nobody can open is none."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("a", "add", "Add recipient"),
        Binding("f2", "add", "Add recipient"),
        Binding("d", "drop", "Take off"),
    ]
    AUTO_FOCUS = "#passphrase"

    def __init__(self) -> None:
        super().__init__()
        self._exists: bool | None = None
        self._recipients: list[str] = []
        self._own = ""

    def compose_content(self) -> Iterable[Widget]:
        """The passphrase, the recipients, and afterwards the backup."""
        hint = self.wizard.demo.passphrase if self.wizard.demo else ""
        told = "It unlocks your identity. It is not stored anywhere, so keep it in your password manager."
        yield Field("Passphrase", _masked(hint, "passphrase"), explain=told)
        again = Field("Once more", _masked(hint, "again"), explain=told)
        again.display = False
        yield again
        yield Rows(
            Column("Recipient", style="$ink"),
            Column("", 3, style="$quiet"),
            explain="Everybody whose key can open the backups. Two are recommended.",
            id="recipients",
        )
        yield Facts(id="backup")
        yield Findings(id="vault")

    def on_mount(self) -> None:
        """Ask whether there is an identity, unless the backup is there already."""
        assert self.state.cluster is not None
        self._recipients = list(self.state.cluster.vault.recipients)
        self.ask("vault", self.operations.vault_findings, self.query_one("#vault", Findings).show, lambda _error: None)
        if self.state.backup is not None:
            self._show_backup(self.state.backup)
            return
        self._show_recipients()
        self.tell("Looking for your identity", busy=True)
        self.ask("identity", lambda: _identity(self.operations), self._know_identity)

    def _know_identity(self, known: tuple[bool, str | None]) -> None:
        self._exists, supplied = known
        if supplied:
            for name in ("#passphrase", "#again"):
                self.query_one(name, Input).value = supplied
        self.query_one("#again").parent.display = not self._exists  # type: ignore[union-attr]
        self._judge()

    @on(Input.Changed)
    def _typed(self) -> None:
        self._judge()

    def on_descendant_focus(self) -> None:
        """A field takes letters as text: the key to press is another one there."""
        if self.state.backup is not None:
            self._tell_kept()
        else:
            self._judge()

    def _judge(self) -> None:
        if self._exists is None or self.state.backup is not None:
            return
        problem = self._problem()
        if problem:
            self.tell(problem, "now")
        elif len({*self._recipients, self._own or "own"}) < 2:
            self.tell(f"Only you could open it: press {self.key('a')} to add a second recipient.", "care")
        else:
            self.tell("Ready.", "now")
        self.offer("Back up and verify", enabled=not problem)

    def _problem(self) -> str:
        passphrase = self.query_one("#passphrase", Input).value
        if self._exists:
            return "" if passphrase else "Type the passphrase of your identity."
        if len(passphrase) < SHORTEST_PASSPHRASE:
            return f"Choose a passphrase of {SHORTEST_PASSPHRASE} characters or more."
        if passphrase != self.query_one("#again", Input).value:
            return "Type the same passphrase once more."
        return ""

    def _show_recipients(self) -> None:
        rows = [RowData(each, (each, "you" if each == self._own else "")) for each in self._recipients]
        if not self._own and not self._recipients:
            rows.append(RowData("own", (Content.styled("your identity, made with the passphrase", "$quiet"), "you")))
        self.query_one("#recipients", Rows).show(rows)

    def action_add(self) -> None:
        """Add a recipient."""
        from screens.recipient_form import RecipientForm

        def added(recipient: str | None) -> None:
            if recipient:
                self._recipients.append(recipient)
                self._again()

        self.wizard.put(RecipientForm(self._recipients), added)

    def action_drop(self) -> None:
        """Take the chosen recipient off; later backups are not encrypted to it."""
        chosen = self.query_one("#recipients", Rows).chosen
        if chosen == self._own:
            self.tell("Your own key stays: without it the backup could not be verified.", "care")
        elif chosen in self._recipients:
            self._recipients.remove(chosen)
            self._again()

    def _again(self) -> None:
        self.state.backup = None
        self._exists = True if self._own else self._exists
        self.query_one("#backup", Facts).show([])
        self._show_recipients()
        self._judge()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes to the second field while that is still empty."""
        event.stop()
        again = self.query_one("#again", Input)
        if event.input.id == "passphrase" and not self._exists and not again.value:
            self.set_focus(again)
        else:
            self.action_primary()

    def proceed(self) -> None:
        """Back up, or go on when that was done."""
        if self.state.backup is not None:
            self.finish_stage()
            return
        self.tell("Reading the set, encrypting it, opening it again and checking every hash", busy=True)
        self.offer("Back up and verify", enabled=False)
        passphrase = self.query_one("#passphrase", Input).value
        work = partial(_back_up, self.operations, passphrase, list(self._recipients), exists=bool(self._exists))
        self.ask("backup", work, self._backed_up, self._failed)

    def _backed_up(self, result: tuple[str, Backup]) -> None:
        self._own, self.state.backup = result
        self.state.cluster = self.operations.cluster
        self._recipients = list(result[1].recipients)
        self._show_backup(result[1])

    def _show_backup(self, backup: Backup) -> None:
        self._own = self._own or (backup.recipients[0] if backup.recipients else "")
        for field in self.query(Field):
            field.display = False
        self._show_recipients()
        proof = words.marked("good", "opened again: hashes, key pair, password")
        self.query_one("#backup", Facts).show(
            [
                ("Backup", backup.path.name),
                ("Kept in", backup.path.parent),
                ("Holds", f"{words.count(len(backup.files), 'file')}, {words.size(backup.size)} encrypted"),
                ("Verified", proof if backup.verified else words.marked("bad", "not verified")),
            ]
        )
        self.query_one("#recipients").focus()
        self._tell_kept()
        self.offer("Look at the others", enabled=backup.verified is not None)

    def _tell_kept(self) -> None:
        if len(self._recipients) < 2:
            added = f"press {self.key('a')} to add a second recipient."
            self.tell(f"The set is safe, but only you can open it: {added}", "care")
        else:
            self.tell("The set is safe. Nothing has been changed so far.", "good")

    def _failed(self, error: OperatorError) -> None:
        self._exists = True if self._own else self._exists
        with self.prevent(Input.Changed):
            for field in (self.query_one("#passphrase", Input), self.query_one("#again", Input)):
                field.value = ""
        self.query_one("#passphrase").focus()
        self.offer("Back up and verify", enabled=False)
        self.tell(". ".join(part for part in (error.summary, error.remedy) if part), "bad")
        self.ask("identity", lambda: _identity(self.operations), self._know_again, lambda _error: None)

    def _know_again(self, known: tuple[bool, str | None]) -> None:
        self._exists = known[0]
        self.query_one("#again").parent.display = not self._exists  # type: ignore[union-attr]


def _masked(hint: str, name: str) -> Input:
    return Input(hint, password=True, id=name, compact=True, select_on_focus=False)


def _identity(operations: Operations) -> tuple[bool, str | None]:
    return operations.identity_exists(), operations.supplied_passphrase()


def _back_up(operations: Operations, passphrase: str, recipients: Sequence[str], *, exists: bool) -> tuple[str, Backup]:
    own = operations.unlock_identity(passphrase) if exists else operations.create_identity(passphrase)
    operations.set_recipients([own, *(each for each in recipients if each != own)])
    return own, operations.back_up_first()
