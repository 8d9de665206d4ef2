"""Standard output, standard error and prompts: the only module that writes to them, and the exit codes."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, TextIO

import typer

from tui.errors import OperatorError

if TYPE_CHECKING:
    from tui.terminal_talk import TerminalTalk

_IN_ASCII = str.maketrans(
    {"→": "->", "·": "-", "…": "...", "–": "-", "—": "-", "•": "*", "−": "-", "×": "x", "✔": "ok", "✖": "X"}
    | dict.fromkeys("“”„", '"')
    | dict.fromkeys("‘’", "'")
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNESCAPED = re.compile(r"[\x7f-\x9f]")
_NARROWEST = 40


class OutputLost(Exception):
    """Standard output cannot be written, or nobody reads it any more (`errno` is EPIPE then)."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.errno)
        self.errno = error.errno
        self.reason = error.strerror


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    UNKNOWN = 2
    INTERRUPTED = 130


def shown_encoding(stream: TextIO) -> str:
    """The encoding that whoever reads `stream` expects.

    In the C locale Python writes UTF-8 all the same, so the stream's own word counts only where a locale or the operator chose it.
    """
    chosen = os.environ.get("PYTHONIOENCODING") or os.environ.get("PYTHONUTF8") == "1"
    coerced = os.environ.get("LC_CTYPE", "").lower().replace("-", "") in ("c.utf8", "utf8")
    plain = not os.environ.get("LC_ALL") and os.environ.get("LANG", "C") in ("", "C", "POSIX")
    if not chosen and (sys.flags.utf8_mode or (coerced and plain)):
        return "ascii"
    return stream.encoding or "ascii"


def width() -> int | None:
    """The columns of the terminal that standard output is; None when it is no terminal."""
    return _width(sys.stdout)


def _width(stream: TextIO | None) -> int | None:
    if stream is None or not stream.isatty():
        return None
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def _folded(line: str, columns: int) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    return textwrap.fill(
        line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    """What hosts say may be part of `text`, so nothing in it reaches the terminal as a control character."""
    if stream is None:
        return
    columns = _width(stream)
    if columns:
        text = "\n".join(_folded(line, columns) if len(line) > columns else line for line in text.split("\n"))
    text = _CONTROL.sub("?", text)
    encoding = shown_encoding(stream)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_IN_ASCII).encode(encoding, "replace").decode(encoding)
    stream.write(text + end)


@contextlib.contextmanager
def _to_output() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputLost(error) from error


def write_lines(lines: Iterable[str]) -> None:
    """Print results. Lines are folded at the width of a terminal; characters that it cannot show are replaced.

    Raises OutputLost.
    """
    for line in lines:
        with _to_output():
            _write(sys.stdout, line)


def write_document(value: object, *, compact: bool = False) -> None:
    """Print one JSON document; in ASCII where the output is not UTF-8. `compact`: on one line, for a stream of documents.

    Raises OutputLost.
    """
    if sys.stdout is None:
        return
    unicode = shown_encoding(sys.stdout).lower().replace("-", "") == "utf8"
    text = json.dumps(value, indent=None if compact else 2, ensure_ascii=not unicode)
    with _to_output():
        sys.stdout.write(_UNESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def complain(lines: Iterable[str]) -> None:
    """Print progress and failures, on standard error; silently nothing when nobody can read it any more."""
    with contextlib.suppress(OSError):
        for line in lines:
            _write(sys.stderr, line)
        if sys.stderr is not None:
            sys.stderr.flush()


def flush() -> None:
    """Hand over what has been printed, so that a failure to do so is seen now. Raises OutputLost."""
    if sys.stdout is not None:
        with _to_output():
            sys.stdout.flush()


def discard_output() -> None:
    """Nobody reads standard output any more, or it cannot be written: keep the interpreter from trying again at its end."""
    if sys.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError):
        empty = os.open(os.devnull, os.O_WRONLY)
        os.dup2(empty, sys.stdout.fileno())
        os.close(empty)


def leave(code: int) -> NoReturn:
    """End the command with this exit code."""
    raise typer.Exit(int(code))


def _ask_line(prompt: str) -> str | None:
    _write(sys.stderr, prompt, end=" ")
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except UnicodeError:
        raise _not_in_utf8() from None
    if not line:
        complain([""])
    return line.strip() if line else None


def _ask_hidden(prompt: str) -> str | None:
    try:
        return getpass.getpass(f"{prompt} ", stream=sys.stderr) or None
    except EOFError:
        return None
    except UnicodeError:
        complain([""])
        raise _not_in_utf8() from None


def _not_in_utf8() -> OperatorError:
    return OperatorError(
        "what was typed is not in UTF-8",
        tried="to read it from the terminal",
        meaning="the terminal sends letters beyond ASCII in another encoding, so the host would get another word",
        remedy="set the terminal to UTF-8 and try again, or pipe the secrets in with --secrets -",
    )


def somebody_there(secrets: str | None = None) -> bool:
    """Whether questions can be asked: standard input is a terminal and does not hold the secrets document."""
    return secrets is None and sys.stdin is not None and sys.stdin.isatty()


def plain_talk(*, quiet: bool = False, yes: bool = False, asking: bool = True) -> TerminalTalk:
    """The Talk of this terminal. `quiet` leaves progress out, never a question; without `asking` nothing is asked."""
    from tui.terminal_talk import TerminalTalk

    return TerminalTalk(
        show=lambda line: complain([line]),
        ask_line=_ask_line if asking else None,
        ask_hidden=_ask_hidden if asking else None,
        quiet=quiet,
        yes=yes,
    )
