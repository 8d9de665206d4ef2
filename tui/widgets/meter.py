"""How far a run is, on one line."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class Meter(Widget):
    """A bar of ended steps, and the figures beside it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown: tuple[int, int, str] = (0, 1, "")

    def show(self, ended: int, total: int, remark: str) -> None:
        """Show that `ended` of `total` steps have ended; paints only when something differs."""
        shown = (ended, max(1, total), remark)
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        """Bar, count, remark."""
        ended, total, remark = self._shown
        figures = f"  {ended} of {total} steps   {remark}"
        room = max(4, self.size.width - len(figures))
        filled = room * ended // total
        return Content.assemble(("━" * filled, "$go"), ("─" * (room - filled), "$faint"), (figures, "$quiet"))
