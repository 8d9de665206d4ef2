"""Characters for terminals that cannot draw all of Unicode: one filter over everything that is painted."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.terminal import Glyphs

_SUBSTITUTES = {
    "✓": "+",
    "✗": "x",
    "●": "*",
    "○": "o",
    "◉": "*",
    "▸": ">",
    "▾": "v",
    "▪": "#",
    "–": "-",
    "—": "-",
    "…": "~",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "↵": "<",
    "·": ".",
    "•": "*",
    "×": "x",
    "±": "~",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "│": "|",
    "┃": "|",
    "▌": "|",
    "▐": "|",
    "─": "-",
    "━": "=",
    "▁": "_",
    "▂": ".",
    "▃": "-",
    "▄": "=",
    "▅": "+",
    "▆": "*",
    "▇": "%",
    "█": "#",
    "░": " ",
    "▒": ":",
    "▓": "#",
}
_BOX = range(0x2500, 0x2580)
_CONSOLE = frozenset("─│┌┐└┘├┤┬┴┼═║▀▄█▌▐░▒▓■") | {chr(code) for code in range(0xA1, 0x100)}
_CONSOLE_SUBSTITUTES = {
    "╭": "┌",
    "╮": "┐",
    "╰": "└",
    "╯": "┘",
    "━": "═",
    "┃": "│",
    "●": "■",
    "▂": "_",
    "▃": "▄",
    "▅": "▄",
    "▆": "█",
    "▇": "█",
}
_SPINNER = "|/-\\"


class PlainGlyphs(LineFilter):
    """Replaces every character outside `glyphs` with one of the same width from inside it."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._console = glyphs is Glyphs.CONSOLE

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments with plain characters; styles are untouched."""
        return [
            segment if segment.text.isascii() else Segment(self._plain(segment.text), segment.style, segment.control)
            for segment in segments
        ]

    def _plain(self, text: str) -> str:
        return "".join(_plain_character(character, self._console) for character in text)


@lru_cache(4096)
def _plain_character(character: str, console: bool) -> str:
    code = ord(character)
    if code < 128:
        return character
    if console and character in _CONSOLE:
        return character
    if console and character in _CONSOLE_SUBSTITUTES:
        return _CONSOLE_SUBSTITUTES[character]
    if character in _SUBSTITUTES:
        return _SUBSTITUTES[character]
    if code in _BOX:
        return "+"
    if 0x2800 <= code < 0x2900:
        return _SPINNER[code % 4]
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    width = cell_len(character)
    return letters if len(letters) == width else "?" * width
