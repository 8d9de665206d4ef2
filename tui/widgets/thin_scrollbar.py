"""A scrollbar that is one thin line, the same on every terminal."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style
from textual.scrollbar import ScrollBarRender

_COLOUR = Color.default()


class ThinScrollBar(ScrollBarRender):
    """Draws whole cells only: a line where the thumb is, nothing elsewhere."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = _COLOUR,
        bar_color: Color = _COLOUR,
    ) -> Segments:
        """The cells of the bar, each with the mouse action that belongs to its part."""
        size = int(size)
        start, length = _thumb(size, virtual_size, window_size, position)
        glyph = "┃" if vertical else "━"
        above = Segment(" ", Style(bgcolor=back_color, meta={"@mouse.down": "scroll_up"}))
        thumb = Segment(glyph, Style(color=bar_color, bgcolor=back_color, meta={"@mouse.down": "grab"}))
        below = Segment(" ", Style(bgcolor=back_color, meta={"@mouse.down": "scroll_down"}))
        cells = [above] * start + [thumb] * length + [below] * (size - start - length)
        if vertical:
            padded = [Segment(cell.text * thickness, cell.style) for cell in cells]
            return Segments(padded, new_lines=True)
        return Segments([*cells, Segment.line()] * thickness, new_lines=False)


def _thumb(size: int, virtual_size: float, window_size: float, position: float) -> tuple[int, int]:
    hidden = virtual_size - window_size
    if not window_size or not size or hidden <= 0:
        return 0, 0
    length = max(1, min(size, round(size * window_size / virtual_size)))
    start = round((size - length) * min(1.0, max(0.0, position / hidden)))
    return start, length
