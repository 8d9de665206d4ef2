"""Handing text to the operator's pager, which gets the terminal until it ends."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from types import FrameType

from tui.errors import OperatorError

_USUAL = ("less", "more")


def pager_command() -> list[str]:
    """What PAGER says, with its arguments; `less`, or else `more`, where it says nothing. Raises OperatorError."""
    told = os.environ.get("PAGER", "").strip()
    try:
        command = shlex.split(told) or [next((name for name in _USUAL if shutil.which(name)), _USUAL[0])]
    except ValueError as error:
        raise _unusable(f"PAGER cannot be understood: {told} ({error})") from None
    if shutil.which(command[0]) is None:
        raise _unusable(f"there is no program called {command[0]} here")
    return command


def show_in_pager(command: list[str], text: str) -> None:
    """Run the pager on `text` until it ends. Ctrl-C is the pager's meanwhile. Raises OperatorError."""

    def leave_it(_number: int, _frame: FrameType | None) -> None:
        """The pager gets the signal too, and it alone knows what it means there."""

    before = signal.signal(signal.SIGINT, leave_it)
    try:
        subprocess.run(command, input=text.encode(), check=False)
    except OSError as error:
        raise _unusable(f"{command[0]} could not be started: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGINT, before)


def _unusable(summary: str) -> OperatorError:
    return OperatorError(summary, remedy="set PAGER to a program that is there, less for example")
