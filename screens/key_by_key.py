"""The configuration of one host and of the first, key by key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.dialog import Dialog
from tui.connector.model import KeyClass, KeyDifference
from tui.widgets import words
from tui.widgets.rows import Column, RowData, Rows

_MEANS = {
    KeyClass.SECRET: "A secret: only whether it is set, and whether it is equal, is shown.",
    KeyClass.EQUAL: "Every instance of a cluster must have the same value.",
    KeyClass.SITE: "It may differ from site to site: check that the value suits this host.",
    KeyClass.REWRITTEN: "The connector writes it anew at every start.",
    KeyClass.NOT_CLONED: "It belongs to one host and is not copied.",
    KeyClass.OTHER: "It is copied as it is.",
}


class KeyByKeyDialog(Dialog[None]):
    """A row a key; what the chosen key's class means stands below."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "all", "All or differing")]
    wide = True
    explain = "What each key is now, and what it would be. Secrets are never shown."

    def __init__(self, host: str, first: str, keys: Sequence[KeyDifference]) -> None:
        super().__init__()
        self.heading = f"Configuration of {host}, key by key"
        self._host = host
        self._first = first
        self._keys = keys
        self._all = False

    def compose_body(self) -> Iterable[Widget]:
        """The keys, then the chosen one's meaning."""
        yield Rows(
            Column("Key", 24, style="$ink"),
            Column(f"{self._host} now"),
            Column(f"then, as {self._first}"),
            Column("Class", 20, style="$quiet", from_width=90),
            explain=self.explain,
            id="keys",
        )
        yield Static("", id="means", classes="quiet", markup=False)

    def on_mount(self) -> None:
        """Show what differs."""
        self._show()

    def action_all(self) -> None:
        """Show equal keys as well, or only what differs."""
        self._all = not self._all
        self._show()

    def _show(self) -> None:
        shown = [key for key in self._keys if self._all or not key.equal]
        self.query_one("#keys", Rows).show([key_row(key) for key in shown])
        if not shown:
            self.query_one("#means", Static).update("Nothing differs. Press a to see every key.")

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Explain the chosen key's class, and show long values whole."""
        key = next(each for each in self._keys if each.key == event.key)
        value = f"{key.key} = {key.there}\n" if key.there and len(key.there) > 24 else ""
        self.query_one("#means", Static).update(value + _MEANS[key.key_class])


def key_row(key: KeyDifference) -> RowData:
    """One key: here, there, and its class."""
    there = _told(key.there) if key.equal else _told(key.there, "$go")
    return RowData(key.key, (key.key, _told(key.here, "$quiet"), there, words.plain(key.key_class.value)))


def _told(value: str | None, tone: str = "$quiet") -> Content:
    return Content.styled("–", "$faint") if value is None else Content.styled(value, tone)
