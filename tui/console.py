"""Standard output, standard error and prompts: the only module that writes to them, and the exit codes."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from tui.terminal_talk import TerminalTalk

_IN_ASCII = str.maketrans({"→": "->", "·": "-", "…": "...", "–": "-", "•": "*", "−": "-", "✔": "ok", "✖": "X"})


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    UNKNOWN = 2
    INTERRUPTED = 130


def _write(stream: TextIO, text: str, end: str = "\n") -> None:
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_IN_ASCII).encode(encoding, "replace").decode(encoding)
    stream.write(text + end)


def write_lines(lines: Iterable[str]) -> None:
    """Print results. Characters that the terminal cannot show are replaced."""
    for line in lines:
        _write(sys.stdout, line)


def write_document(value: object) -> None:
    """Print one JSON document; in ASCII where the output is not UTF-8."""
    unicode = (sys.stdout.encoding or "ascii").lower().replace("-", "") == "utf8"
    _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=not unicode))


def complain(lines: Iterable[str]) -> None:
    """Print progress and failures, on standard error."""
    for line in lines:
        _write(sys.stderr, line)
    sys.stderr.flush()


def leave(code: Exit) -> NoReturn:
    """End the command with this exit code."""
    raise typer.Exit(int(code))


def _ask_line(prompt: str) -> str | None:
    _write(sys.stderr, prompt, end=" ")
    sys.stderr.flush()
    line = sys.stdin.readline()
    return line.strip() if line else None


def _ask_hidden(prompt: str) -> str | None:
    try:
        return getpass.getpass(f"{prompt} ", stream=sys.stderr) or None
    except EOFError:
        return None


def plain_talk(*, quiet: bool = False, yes: bool = False, secrets: str | None = None) -> TerminalTalk:
    """The Talk of this terminal. Asks nothing when standard input is no terminal or holds the secrets document."""
    from tui.terminal_talk import TerminalTalk

    present = secrets is None and sys.stdin.isatty()
    return TerminalTalk(
        say=(lambda line: None) if quiet else (lambda line: complain([line])),
        ask_line=_ask_line if present else None,
        ask_hidden=_ask_hidden if present else None,
        yes=yes,
    )
