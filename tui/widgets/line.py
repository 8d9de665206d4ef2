"""One line that is painted only when it differs."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class Line(Widget):
    """A line of text, cut at the end of its room."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shown = Content()

    def show(self, content: Content) -> None:
        """Show this."""
        if not content.is_same(self._shown):
            self._shown = content
            self.refresh()

    def render(self) -> Content:
        """The line."""
        return self._shown.truncate(max(1, self.size.width), ellipsis=True)


class EndsLine(Line):
    """A line with a left and a right end; the right one gives way where there is no room for both."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._right = Content()

    def show_ends(self, left: Content, right: Content) -> None:
        """Show these."""
        if not right.is_same(self._right):
            self._right = right
            self.refresh()
        self.show(left)

    def render(self) -> Content:
        """Both ends."""
        gap = self.size.width - self._shown.cell_length - self._right.cell_length
        if gap < 2:
            return super().render()
        return self._shown + Content(" " * gap) + self._right
