"""Lines to read: a log with what its lines mean beside them, or a history."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.connector.explain import LogLine


class LinesView(VerticalScroll, can_focus=True):
    """Scrolls with the arrow keys. With `follows`, new lines at the end stay in sight unless one has scrolled back."""

    def __init__(self, *, explain: str, follows: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.explain = explain
        self._follows = follows
        self._about = ""
        self._shown = Content()

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static("", markup=False)

    def allow_focus(self) -> bool:
        """A hidden text takes no keys."""
        return super().allow_focus() and self.display

    def show(self, about: str, lines: Sequence[Content]) -> None:
        """Show these lines, which tell `about` something; paints only when they differ."""
        text = Content("\n").join(lines)
        anew, self._about = about != self._about, about
        if text.is_same(self._shown):
            return
        at_end = self.scroll_offset.y >= self.max_scroll_y
        self._shown = text
        self.query_one(Static).update(text)
        if self._follows and (anew or at_end):
            self.call_after_refresh(self.scroll_end, animate=False)
        elif anew:
            self.scroll_home(animate=False)


def log_lines(lines: Sequence[LogLine]) -> list[Content]:
    """Log lines for a LinesView: what a known one means follows it."""
    return [_log_line(line) for line in lines] or [Content.styled("The log is empty.", "$quiet")]


def _log_line(line: LogLine) -> Content:
    if not line.meaning:
        return Content.styled(line.text, "$quiet")
    tone = "$bad" if line.fatal else "$go"
    return Content.assemble((line.text, "$ink"), "  ", (f"← {line.meaning}", tone))
