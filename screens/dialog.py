"""What every dialog shares: a box over the screen, esc to close it, its keys on its own footer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.key_bar import KeyBar
from tui.widgets.rows import Column, RowData, Rows

if TYPE_CHECKING:
    from tui.app import AdldapHaApp

R = TypeVar("R")


class Dialog(ModalScreen[R | None], Generic[R]):
    """A question or an explanation. Closing it with esc answers None, which never changes anything."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("question_mark", "app.explain", "Help"),
        Binding("f1", "app.explain", "Help", show=False),
        Binding("ctrl+c", "app.leave", "Leave", show=False, priority=True),
    ]
    AUTO_FOCUS = "Input, Rows, .scrolls"
    heading: str = ""
    explain: str = "Esc closes this and changes nothing."
    wide: ClassVar[bool] = False

    @property
    def wizard(self) -> AdldapHaApp:
        """The app, typed."""
        from tui.app import AdldapHaApp

        assert isinstance(self.app, AdldapHaApp)
        return self.app

    def compose(self) -> ComposeResult:
        """Heading, body, keys."""
        with Vertical(id="box", classes="wide" if self.wide else ""):
            yield Static(self.heading, id="heading", markup=False)
            yield from self.compose_body()
            yield KeyBar()

    def compose_body(self) -> Iterable[Widget]:
        """What is between the heading and the keys."""
        return ()

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer: the word to return, the letter that gives it at once, its name and what it does."""

    word: str
    letter: str
    name: str
    does: str


class ChoiceDialog(Dialog[str]):
    """Some lines of text and a list of answers; the first one is the safe one."""

    def __init__(
        self, heading: str, lines: Sequence[str | Content], choices: Sequence[Choice], *, explain: str = ""
    ) -> None:
        super().__init__()
        self.heading = heading
        self.explain = explain or self.explain
        self._lines = lines
        self._choices = choices
        for choice in choices:
            self._bindings.bind(choice.letter, f"choose('{choice.word}')", choice.name, show=False)

    def compose_body(self) -> Iterable[Widget]:
        """The text scrolls when it is long; the answers stay in sight."""
        yield VerticalScroll(*self.compose_text(), classes="text", can_focus=False)
        yield from self.compose_notice()
        name_width = max(len(choice.name) for choice in self._choices)
        yield Rows(
            Column("", 1, style="$go"),
            Column("", name_width),
            Column("", 0, style="$quiet"),
            explain=self.explain,
            acts=True,
            titles=False,
        )

    def compose_text(self) -> Iterable[Widget]:
        """The lines."""
        body = Content("\n").join([Content(line) if isinstance(line, str) else line for line in self._lines])
        yield Static(body, markup=False)

    def compose_notice(self) -> Iterable[Widget]:
        """What stands between the text and the answers."""
        return ()

    def on_mount(self) -> None:
        """Offer the answers."""
        rows = [RowData(choice.word, (choice.letter, choice.name, choice.does)) for choice in self._choices]
        self.query_one(Rows).show(rows)

    def action_choose(self, word: str) -> None:
        """Answer with a letter."""
        self.dismiss(word)

    @on(Rows.Acted)
    def _acted(self, event: Rows.Acted) -> None:
        self.dismiss(event.key)
