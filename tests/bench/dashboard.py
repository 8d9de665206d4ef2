"""What the dashboard costs: bytes to the terminal, processor, memory, and how long its event loop ever stands still."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.table import Table

SIZE = (36, 120)
_FIRST_PAINT_S, _ROUND_S, _ROUNDS = 34.0, 5.0, 2
_SCENES = (("nothing changed", 40, "none"), ("one cell changed", 40, "one"), ("everything changed", 40, "all"))
_COUNTS = (10, 50, 200)


@dataclass(frozen=True)
class Measured:
    """One stretch of time: bytes, processor seconds, resident memory, the longest stall of the event loop in seconds."""

    octets: int
    processor_s: float
    elapsed_s: float
    resident_bytes: int
    stall_s: float


def _read(controller: int, seconds: float) -> int:
    end, count = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        readable, _, _ = select.select([controller], [], [], left)
        if readable:
            count += len(os.read(controller, 65536))
    return count


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def measure(count: int, scene: str, rounds: int = _ROUNDS) -> Measured:
    """The dashboard with so many instances at 5 s for some rounds, after it has come to rest."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
    with tempfile.TemporaryDirectory() as home:
        stalls = Path(home) / "stalls"
        environment = {
            **os.environ,
            "HOME": home,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
        }
        command = (sys.executable, "-m", "tests.bench.dashboard_process", str(count), scene, str(stalls))
        process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
        )
        os.close(terminal)
        try:
            _read(controller, _FIRST_PAINT_S)
            begun, before = time.monotonic(), _processor_s(process.pid)
            octets = _read(controller, rounds * _ROUND_S)
            elapsed = time.monotonic() - begun
            stall = max(json.loads(stalls.read_text())[-round(elapsed) :])
            return Measured(octets, _processor_s(process.pid) - before, elapsed, _resident(process.pid), stall)
        finally:
            process.kill()
            process.wait()
            os.close(controller)


def run() -> None:
    """Print the tables."""
    title = f"Dashboard, bytes to the terminal ({SIZE[1]}×{SIZE[0]}) in a round of 5 s, mean of {_ROUNDS}"
    table = Table(title, ("40 instances", "bytes"), first=max(len(name) for name, _, _ in _SCENES))
    for name, count, scene in _SCENES:
        table.row(name, f"{measure(count, scene).octets / _ROUNDS:.0f} B")
    title = "Dashboard at 5 s, no host behind it: what watching, judging and showing cost; each latency wavers"
    heads = ("instances", "processor", "memory", "longest stall")
    table = Table(title, heads, first=len(heads[0]))
    for count in _COUNTS:
        seen = measure(count, "none")
        table.row(
            str(count),
            f"{100 * seen.processor_s / seen.elapsed_s:.1f} %",
            f"{seen.resident_bytes / 1e6:.0f} MB",
            f"{seen.stall_s * 1000:.0f} ms",
        )
