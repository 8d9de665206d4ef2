"""What every act is confirmed with: what it means, and the one key or the one word that begins it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from screens.dialog import Dialog
from tui.errors import OperatorError
from tui.widgets.facts import Facts, Told
from tui.widgets.field import Field
from tui.widgets.remark import Remark

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen


class ConfirmDialog(Dialog[bool]):
    """Begins with y, or where `word` is not empty, with enter once that word is typed. `refused`: why it cannot begin."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "begin", "Begin"), Binding("enter", "typed", "Begin")]
    AUTO_FOCUS = ""
    wide = True
    word = ""
    refused = ""
    typing = "Typing the name says that you know what it means."

    def compose_body(self) -> Iterable[Widget]:
        """What it means, then the field where a word must be typed, and what is wrong."""
        yield from self.compose_meaning()
        if self.word and not self.refused:
            typed = Input(placeholder=self.word, id="typed", compact=True)
            yield Field("Type the name", typed, explain=self.typing)
        yield Remark(id="problem")

    def compose_meaning(self) -> Iterable[Widget]:
        """What it means."""
        return ()

    def on_mount(self) -> None:
        """Say why it cannot begin, or wait for the word."""
        self.query_one(Remark).say(self.refused)
        for field in self.query(Input):
            field.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """It begins with y, or with enter once the word is typed."""
        if action == "begin":
            return not self.refused and not self.word
        if action == "typed":
            return not self.refused and bool(self.word) and self._right()
        return True

    def _right(self) -> bool:
        return any(field.value == self.word for field in self.query(Input))

    @on(Input.Changed)
    def _changed(self) -> None:
        self.refresh_bindings()

    @on(Input.Submitted)
    def action_typed(self) -> None:
        """The word was typed."""
        if self.refused:
            return
        if self._right():
            self.dismiss(True)
        else:
            self.query_one(Remark).say(f"That is not the name. It is {self.word}.")

    def action_begin(self) -> None:
        """Begin."""
        self.dismiss(True)


class RefusedDialog(Dialog[None]):
    """Why something was not done, in the core's own words. Nothing has been changed."""

    wide = True
    explain = "Why it was not done, and what to do. Nothing has been changed."

    def __init__(self, heading: str, error: OperatorError) -> None:
        super().__init__()
        self.heading = heading
        self._error = error

    def compose_body(self) -> Iterable[Widget]:
        """The reason on the grid of facts."""
        error = self._error
        where = error.host if error.host and error.host not in self.heading else None
        told = Content.styled(error.summary, "$care")
        parts = (("Host", where), ("Tried", error.tried), ("Means", error.meaning), ("Do", error.remedy))
        facts: list[tuple[str, Told]] = [(label, text) for label, text in parts if text]
        yield VerticalScroll(Facts([("Not done", told), *facts]), classes="text scrolls")


def refuse(screen: DashboardScreen, heading: str, error: OperatorError) -> None:
    """Say why something was not done, until the operator has read it."""
    screen.doing("")
    screen.wizard.put(RefusedDialog(heading, error), lambda _none: None)


def still_unlocked(screen: DashboardScreen, heading: str) -> bool:
    """Whether what was confirmed may begin: a dialog can be left open for longer than the dashboard stays unlocked."""
    if not screen.unlocked:
        told = OperatorError(
            "the dashboard has locked itself again meanwhile", remedy="press u, and choose the act again"
        )
        refuse(screen, heading, told)
    return screen.unlocked
