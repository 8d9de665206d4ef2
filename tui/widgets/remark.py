"""A line that is there only when there is something to say."""

from __future__ import annotations

from textual.widgets import Static


class Remark(Static):
    """What is wrong with what was typed, or what came of it. Hidden while empty."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def say(self, text: str) -> None:
        """Show a remark; an empty one hides the line."""
        self.update(text)
        self.display = bool(text)
