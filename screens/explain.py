"""`?`: what has the focus, what the screen is for, and every key."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from screens.dialog import Dialog

_KEYS = {"escape": "esc", "question_mark": "?", "ctrl+c": "ctrl+c", "f2": "F2"}
_MOVING = (("tab", "to the next field or list"), ("↑ ↓", "within a list"), ("ctrl+c", "leave, from anywhere"))


def explanation(screen: Screen[object]) -> tuple[str, str, list[tuple[str, str]]]:
    """What has the focus, what the screen is for, and its keys, in words."""
    focused, node = "", screen.focused
    while node is not None and node is not screen and not focused:
        focused = str(getattr(node, "explain", "") or "")
        node = node.parent if isinstance(node.parent, Widget) else None
    keys = [
        (_KEYS.get(found.binding.key, found.binding.key), found.binding.tooltip or found.binding.description)
        for found in screen.active_bindings.values()
        if found.binding.show and found.enabled
    ]
    return focused, str(getattr(screen, "explain", "")), keys


class ExplainDialog(Dialog[None]):
    """The help for what has the focus."""

    heading = "Help"

    def __init__(self, focused: str, screen: str, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self._focused = focused
        self._screen_words = screen
        self._keys = keys

    def compose_body(self) -> Iterable[Widget]:
        """What has the focus first, then the screen, then keys."""
        paragraphs = [text for text in (self._focused, self._screen_words) if text]
        lines = [
            Content.assemble((f"{key:<8}", "bold $go"), (text, "$quiet"))
            for key, text in (*dict(self._keys).items(), *_MOVING)
        ]
        body = Content("\n\n").join([*(Content(text) for text in dict.fromkeys(paragraphs)), Content("\n").join(lines)])
        yield VerticalScroll(Static(body, markup=False), classes="text scrolls")
