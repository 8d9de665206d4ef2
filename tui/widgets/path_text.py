"""A path that may be longer than its line: broken behind its separators, never inside a name that fits."""

from __future__ import annotations

import re
from pathlib import PurePath

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_PARTS = re.compile(r"[^/\\]*[/\\]|[^/\\]+")


def path_lines(path: str, width: int) -> list[str]:
    """The path in lines of at most `width` cells, each ending with a separator where it can."""
    lines = [""]
    for part in _PARTS.findall(path):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        while len(part) > width > 0:
            lines[-1], part = part[:width], part[width:]
            lines.append("")
        lines[-1] += part
    return lines


class PathText(Widget):
    """One path in a tone."""

    def __init__(self, path: PurePath, tone: str = "$ink", *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._path = path
        self._tone = tone

    def show(self, path: PurePath) -> None:
        """Show another path; paints only when it differs."""
        if path != self._path:
            self._path = path
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the path needs."""
        return len(path_lines(str(self._path), width))

    def render(self) -> Content:
        """The lines."""
        return Content("\n").join(
            Content.styled(line, self._tone) for line in path_lines(str(self._path), self.size.width)
        )
