"""How long a cold start takes, from the process's creation to the first text on the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Table

ROUNDS = 9

BARE = """\
from textual.app import App
from textual.widgets import Static

class Bare(App[None]):
    def compose(self):
        yield Static("first paint")

Bare().run()
"""


@dataclass(frozen=True)
class Program:
    """What is started and the text that shows that it has painted; without `text`, its end is what counts."""

    name: str
    arguments: tuple[str, ...]
    text: bytes | None


def _paint_seconds(program: Program, environment: dict[str, str]) -> float:
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    started = time.perf_counter()
    process = subprocess.Popen(
        program.arguments, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    seen = b""
    try:
        while program.text is None or program.text not in seen:
            readable, _, _ = select.select([controller], [], [], 20)
            if not readable:
                raise TimeoutError(f"{program.name} painted nothing in 20 s: {seen[-500:]!r}")
            try:
                data = os.read(controller, 65536)
            except OSError:
                data = b""
            if not data:
                if program.text is None:
                    break
                raise RuntimeError(f"{program.name} ended before it painted: {seen[-2000:].decode(errors='replace')}")
            seen += data
        return time.perf_counter() - started
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(controller)


def measure(programs: Sequence[Program], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Seconds to first paint of each program, `rounds` times, taking turns so that a busy moment hits all alike."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
            "HOME": home,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }
        times: dict[str, list[float]] = {program.name: [] for program in programs}
        for warm in range(rounds + 1):
            for program in programs:
                seconds = _paint_seconds(program, environment)
                if warm:
                    times[program.name].append(seconds)
    return times


def run() -> None:
    """Print the table."""
    command = str(Path(sys.executable).with_name("adldap-ha"))
    programs = (
        Program("python -c pass", (sys.executable, "-c", "pass"), None),
        Program("bare Textual program, first paint", (sys.executable, "-c", BARE), b"first paint"),
        Program("adldap-ha --version", (command, "--version"), None),
        Program("adldap-ha, first paint of home", (command,), b"New cluster"),
    )
    title = f"Start-up, {ROUNDS} cold processes each, files in the page cache"
    table = Table(title, ("program", "best", "median", "worst"), first=max(len(program.name) for program in programs))
    for name, seconds in measure(programs).items():
        median, best, worst = statistics.median(seconds), min(seconds), max(seconds)
        table.row(name, *(f"{value * 1000:.0f} ms" for value in (best, median, worst)))
