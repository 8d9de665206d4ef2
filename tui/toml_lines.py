"""Where in a TOML text each key stands, for error messages: the parsers in use keep no positions."""

from __future__ import annotations

import contextlib
import re
from bisect import bisect_right

KeyPath = tuple[str | int, ...]
"""Table and key names from the top, with the index of each array element: `("hosts", 1, "port")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)
_PLAIN_VALUE = re.compile(r"[^,\]}#\n]*")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) at which each table, key and array element of `text` begins.

    `text` must be valid TOML with `\\n` line ends; where it is not, the result ends at the first thing that is not
    understood.
    """
    scanner = _Scanner(text)
    with contextlib.suppress(_NotUnderstood, RecursionError):
        scanner.document()
    return scanner.lines


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of the nearest table around it; None when nothing around it is in the text."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _NotUnderstood(Exception):
    pass


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._arrays: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            start = self._at
            if self._peek("[["):
                table = self._header("]]", start, array=True)
            elif self._peek("["):
                table = self._header("]", start, array=False)
            else:
                self._pair(table)

    def _header(self, closing: str, start: int, *, array: bool) -> KeyPath:
        self._at += len(closing)
        *parents, last = self._dotted_key()
        self._expect(closing)
        path: KeyPath = ()
        for name in parents:
            path = self._inside((*path, name))
        path = (*path, last)
        if not array:
            path = self._inside(path)
            self.lines[path] = self._line(start)
            return path
        self.lines.setdefault(path, self._line(start))
        self._arrays[path] = self._arrays.get(path, -1) + 1
        element = self._inside(path)
        self.lines[element] = self._line(start)
        return element

    def _inside(self, path: KeyPath) -> KeyPath:
        """A name that stands for an array of tables means its latest element."""
        return (*path, self._arrays[path]) if path in self._arrays else path

    def _pair(self, table: KeyPath) -> None:
        line = self._line(self._at)
        path = table
        for name in self._dotted_key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._expect("=")
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        self.lines.setdefault(path, self._line(self._at))
        if self._peek("["):
            self._sequence(path, "]")
        elif self._peek("{"):
            self._sequence(path, "}")
        elif self._string() is None:
            self._match(_PLAIN_VALUE)

    def _sequence(self, path: KeyPath, closing: str) -> None:
        self._at += 1
        index = 0
        while self._skip_blank() and not self._peek(closing):
            if closing == "]":
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip_blank()
            if self._peek(","):
                self._at += 1
            elif not self._peek(closing):
                raise _NotUnderstood
        self._expect(closing)

    def _dotted_key(self) -> list[str]:
        names = [self._name()]
        while True:
            self._skip_blank()
            if not self._peek("."):
                return names
            self._at += 1
            names.append(self._name())

    def _name(self) -> str:
        self._skip_blank()
        quoted = self._string()
        if quoted is not None:
            return quoted[1:-1]
        name = self._match(_BARE_KEY)
        if not name:
            raise _NotUnderstood
        return name

    def _string(self) -> str | None:
        for pattern in _STRINGS:
            if found := self._match(pattern):
                return found
        return None

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if not found:
            return ""
        self._at = found.end()
        return found.group()

    def _skip_blank(self) -> bool:
        """Pass over blanks and comments; False at the end of the text."""
        self._match(_BLANK)
        return self._at < len(self._text)

    def _peek(self, word: str) -> bool:
        return self._text.startswith(word, self._at)

    def _expect(self, word: str) -> None:
        self._skip_blank()
        if not self._peek(word):
            raise _NotUnderstood
        self._at += len(word)

    def _line(self, at: int) -> int:
        return bisect_right(self._starts, at)
