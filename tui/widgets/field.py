"""A labelled field on one line."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Static


class Field(Horizontal):
    """Label left, input or choice right. `explain` is what `?` says of it."""

    def __init__(self, label: str, field: Widget, *, explain: str = "") -> None:
        super().__init__()
        self._label = label
        self._field = field
        self.explain = explain
        if isinstance(field, Input):
            field.cursor_blink = False

    def compose(self) -> ComposeResult:
        """One line; without a label the input takes all of it."""
        if self._label:
            yield Static(self._label, classes="label", markup=False)
        yield self._field
