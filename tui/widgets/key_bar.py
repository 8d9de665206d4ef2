"""The footer: every key that does something here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from tui.widgets.next_bar import Primary

_NAMES = {
    "escape": "esc",
    "f1": "F1",
    "f2": "F2",
    "question_mark": "?",
    "enter": "enter",
    "space": "space",
    "tab": "tab",
}
_FIRST = ("enter",)
_LAST = ("escape", "question_mark", "f1", "q")
_APART, _CLOSE = 3, 2
_SCARCE = 14
_HELP_WHILE_TYPING = Binding("f1", "explain", "Help")


class KeyBar(Widget):
    """Keys and what they do, on as many lines as they need; a click presses the key."""

    def __init__(self) -> None:
        super().__init__()
        self._painted: list[tuple[str, str]] = []
        self._spots: list[tuple[int, range, str]] = []

    def on_mount(self) -> None:
        """Follow the focus: bindings change with it, and may have done so before this was mounted."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self.call_after_refresh(self._changed, self.screen)

    def _changed(self, _screen: Screen[object]) -> None:
        shown = [(binding.key, binding.description) for binding in self._shown()]
        if shown != self._painted:
            self._painted = shown
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the keys need at this width, at most two, and one where lines are scarce."""
        if self.app.size.height < _SCARCE:
            return 1
        return max(1, min(2, len(self._lines(width)[1])))

    def render(self) -> Content:
        """The keys, wrapped between hints only."""
        apart, lines = self._lines(self.size.width)
        self._spots = []
        rows: list[Content] = []
        for number, line in enumerate(lines):
            column, parts = 0, []
            for binding in line:
                name = _NAMES.get(binding.key, binding.key_display or binding.key)
                parts.append(Content.assemble((name, "bold $go"), " ", (binding.description, "$quiet")))
                self._spots.append((number, range(column, column + parts[-1].cell_length), binding.key))
                column += parts[-1].cell_length + apart
            rows.append(Content(" " * apart).join(parts))
        return Content("\n").join(rows)

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        spot = event.get_content_offset(self)
        if spot is None:
            return
        for line, columns, key in self._spots:
            if spot.y == line and spot.x in columns:
                self.app.simulate_key(key)

    def _lines(self, width: int) -> tuple[int, list[list[Binding]]]:
        """How far keys stand apart, closer where that saves a line, and what stands on each line."""
        shown = self._shown()
        wide, close = _lines_apart(shown, width, _APART), _lines_apart(shown, width, _CLOSE)
        return (_CLOSE, close) if len(close) < len(wide) else (_APART, wide)

    def _shown(self) -> list[Binding]:
        active = [
            found.binding for found in self.screen.active_bindings.values() if found.binding.show and found.enabled
        ]
        if isinstance(self.screen.focused, Input):
            active = (
                _enter(self.screen) + [binding for binding in active if not _types(binding.key)] + [_HELP_WHILE_TYPING]
            )
        unique = list({(binding.action, binding.description): binding for binding in reversed(active)}.values())
        unique.reverse()
        return sorted((self._as_on_button(binding) for binding in unique), key=_rank)

    def _as_on_button(self, binding: Binding) -> Binding:
        """The key that presses the primary button is called what the button says."""
        if binding.action != "primary":
            return binding
        button = next(iter(self.screen.query(Primary)), None)
        return replace(binding, description=button.label) if button is not None and button.label else binding


def _lines_apart(shown: Sequence[Binding], width: int, apart: int) -> list[list[Binding]]:
    lines: list[list[Binding]] = [[]]
    used = 0
    for binding in shown:
        length = len(_NAMES.get(binding.key, binding.key)) + 1 + len(binding.description)
        if lines[-1] and used + length > width:
            lines.append([])
            used = 0
        lines[-1].append(binding)
        used += length + apart
    return lines


def _enter(screen: Screen[object]) -> list[Binding]:
    """What enter does on the screen: a field that has the focus hides it, and passes enter on."""
    for each in type(screen).__mro__:
        for binding in vars(each).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.key == "enter":
                return [binding] if screen.check_action(binding.action, ()) else []
    return []


def _types(key: str) -> bool:
    return len(key) == 1 or key in ("question_mark", "space")


def _rank(binding: Binding) -> int:
    if binding.key in _FIRST:
        return 0
    return 2 + _LAST.index(binding.key) if binding.key in _LAST else 1
