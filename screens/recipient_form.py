"""The form for one more recipient of the backups."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.dialog import Dialog
from tui.vault.recipients import recipient_problem
from tui.widgets.field import Field
from tui.widgets.remark import Remark


class RecipientForm(Dialog[str]):
    """Takes an age recipient, checked before it is kept."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Add")]
    heading = "Who else may open the backups?"
    explain = (
        "A recipient is a public key, not a secret. A colleague prints one with age-keygen, or keeps the secret half offline "
        "as a key for emergencies. Whoever holds the secret half can read the directory password in the backup."
    )

    def __init__(self, taken: Collection[str]) -> None:
        super().__init__()
        self._taken = taken

    def compose_body(self) -> Iterable[Widget]:
        """One field."""
        yield Static(
            "A colleague's public key, or one whose secret half is kept offline. age-keygen prints it as age1…",
            classes="text quiet",
            markup=False,
        )
        yield Field("Recipient", Input(placeholder="age1…", id="recipient", compact=True))
        yield Remark(id="problem")

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Check it and keep it."""
        text = self.query_one("#recipient", Input).value.strip()
        problem = "It is in the list already." if text in self._taken else recipient_problem(text)
        if problem:
            self.query_one("#problem", Remark).say(problem[0].upper() + problem[1:].rstrip(".") + ".")
        else:
            self.dismiss(text)
