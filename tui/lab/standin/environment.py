"""What a process of the stand-in knows of the host around it: clock, address, speed, and how it writes log lines."""

from __future__ import annotations

import itertools
import os
import socket
import sys
import threading
import time
from typing import NoReturn

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "grey": 90}
_WRITING = threading.Lock()


_LOG_SIZE = 1_000_000
_LOG_FILES = 5


def on_windows() -> bool:
    """Whether this process stands for one on a Windows host."""
    return os.environ.get("LAB_OS") == "windows"


def shown(path: str) -> str:
    """A path as the host itself writes it."""
    root = os.environ.get("LAB_ROOT")
    if not root or not on_windows() or not f"{path}/".startswith(f"{root}/"):
        return path
    return "C:" + (path[len(root) :].replace("/", "\\") or "\\")


def now() -> float:
    """This host's idea of the time, in seconds since the epoch."""
    try:
        with open(os.environ["LAB_CLOCK"], encoding="ascii") as file:
            return time.time() + float(file.read() or 0)
    except (KeyError, OSError, ValueError):
        return time.time()


def wait(seconds: float) -> None:
    """Sleep for a connector's `seconds`, shortened by the lab's speed."""
    time.sleep(scaled(seconds))


def scaled(seconds: float) -> float:
    """A connector's `seconds` in this lab's time."""
    return seconds / float(os.environ.get("LAB_SPEED", "1"))


def source_address() -> tuple[str, int] | None:
    """The address to connect from, so that a tenant sees which host an instance is on; None = let the system choose."""
    address = os.environ.get("LAB_ADDRESS")
    return (address, 0) if address else None


def console_address() -> str:
    """Where the admin console listens: on the host's own loopback."""
    return os.environ.get("LAB_ADDRESS", "127.0.0.1")


def hostname() -> str:
    """The host's name, which SERVER_URL is frozen with."""
    return os.environ.get("LAB_HOSTNAME") or socket.gethostname()


def log(text: str, colour: str = "") -> None:
    """Write one v6 log line: local time in brackets, then the text in its colour. On Windows it goes to LAB_LOG_FILE too."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now()))
    with _WRITING:
        _log_to_file(f"[{stamp}] {text}")
        sys.stdout.write(f"[{stamp}] {coloured(text, colour)}\n")
        sys.stdout.flush()


def _log_to_file(line: str) -> None:
    path = os.environ.get("LAB_LOG_FILE")
    if not path:
        return
    with open(path, "a", encoding="utf-8", newline="") as file:
        file.write(f"{line}\r\n")
        size = file.tell()
    if size >= _LOG_SIZE:
        stem, ending = os.path.splitext(path)
        names = [path, *(f"{stem}{number}{ending}" for number in range(1, _LOG_FILES))]
        for newer, older in reversed(list(itertools.pairwise(names))):
            if os.path.exists(newer):
                os.replace(newer, older)


def coloured(text: str, colour: str) -> str:
    """The text between ANSI colour codes; unchanged without a colour."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[39m" if colour else text


def leave(status: int) -> NoReturn:
    """End the whole process from any thread."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def follow_lifeline() -> None:
    """End this process when the lab that started it has gone, however it went."""
    descriptor = os.environ.get("LAB_LIFELINE")
    if descriptor:
        threading.Thread(target=_watch, args=(int(descriptor),), daemon=True).start()


def _watch(descriptor: int) -> None:
    try:
        while os.read(descriptor, 1):
            pass
    except OSError:
        return
    leave(0)
