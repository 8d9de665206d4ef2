"""A line that stays while a decision was put off: the run has not forgotten it."""

from __future__ import annotations

from textual.widgets import Static


class WaitingBar(Static):
    """Hidden while nothing waits."""

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self.display = False
        self._said = ""

    def say(self, text: str) -> bool:
        """Show what waits; an empty text hides the line. Returns whether anything differs from before."""
        if text == self._said:
            return False
        self._said = text
        self.display = bool(text)
        self.update(f"! {text}")
        return True
