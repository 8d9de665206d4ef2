"""A choice among a few words on one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget


class Pick(Widget, can_focus=True):
    """Shows one of several words; space, left and right go to another."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,right", "turn(1)", "Another", show=False),
        Binding("left", "turn(-1)", "Another", show=False),
    ]
    value: reactive[str] = reactive("")

    def __init__(self, options: Sequence[tuple[str, str]], value: str, *, explain: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._options = dict(options)
        self.explain = f"{explain} Space chooses another."
        self.set_reactive(Pick.value, value)

    def render(self) -> Content:
        """The word between arrows."""
        return Content.assemble(("← ", "$faint"), self._options[self.value], (" →", "$faint"))

    def action_turn(self, distance: int) -> None:
        """Go to another word, round and round."""
        words = list(self._options)
        self.value = words[(words.index(self.value) + distance) % len(words)]

    def on_click(self) -> None:
        """A click goes to the next word."""
        self.action_turn(1)
