"""The line above the footer: how things stand, and the one thing to do next."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.words import MARKS

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Spinner(Widget):
    """One cell that turns while something is under way, and holds a mark otherwise."""

    turning = True
    """Set to False to hold every spinner still (for pictures)."""

    def __init__(self) -> None:
        super().__init__()
        self._tone = "none"
        self._busy = False
        self._frame = 0
        self._timer: Timer | None = None

    def show(self, tone: str, *, busy: bool = False) -> None:
        """Show a tone's mark, or turn."""
        if (tone, busy) == (self._tone, self._busy):
            return
        self._tone, self._busy = tone, busy
        if self._timer is None and busy and Spinner.turning:
            self._timer = self.set_interval(0.2, self._turn)
        if self._timer is not None:
            self._timer.resume() if busy else self._timer.pause()
        self.refresh()

    def _turn(self) -> None:
        self._frame = (self._frame + 1) % len(_FRAMES)
        self.refresh()

    def render(self) -> Content:
        """The frame or the mark."""
        if self._busy:
            return Content.styled(_FRAMES[self._frame], "$go")
        mark, colour = MARKS[self._tone]
        return Content.styled(mark, colour)


class Primary(Widget, can_focus=True):
    """The one button that leads on. Enter anywhere on the screen presses it too, unless what has the focus needs enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "press", "Press", show=False)]
    explain = "This button leads on. It is grey while something is still missing; the line beside it says what."

    label: reactive[str] = reactive("", layout=True)

    class Pressed(Message):
        """The button was pressed."""

    def render(self) -> Content:
        """The label with room on either side."""
        return Content(f"  {self.label}  ")

    def action_press(self) -> None:
        """Press it."""
        if not self.disabled:
            self.post_message(self.Pressed())

    def on_click(self, event: events.Click) -> None:
        """A click presses it."""
        event.stop()
        self.action_press()


class NextBar(Horizontal):
    """Status left, primary action right."""

    def compose(self) -> ComposeResult:
        """Mark, sentence, button."""
        yield Spinner()
        yield Static("", id="status", markup=False)
        yield Primary()

    def show(self, text: str, tone: str, *, busy: bool) -> None:
        """Show how things stand; paints only what differs. Beside something bad the button is not lit."""
        self.set_class(tone == "bad", "-bad")
        self.query_one(Spinner).show(tone, busy=busy)
        status = self.query_one("#status", Static)
        if status.content != text:
            status.update(text)

    def offer(self, label: str, *, enabled: bool, lit: bool = True) -> bool:
        """Name the primary action; an empty label hides it. Returns whether its label or use differs from before."""
        button = self.query_one(Primary)
        self.set_class(not lit, "-unlit")
        if (button.label, button.disabled) == (label, not enabled) and button.display == bool(label):
            return False
        button.label = label
        button.display = bool(label)
        button.disabled = not enabled
        return True
