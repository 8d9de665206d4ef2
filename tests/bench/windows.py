"""What the whole procedure costs on Windows hosts over WinRM: the lab's, with NTLM and message encryption over HTTP.

The lab answers the project's scripts from Python, so a real host takes longer over each: what carries over to the field is the
number of SOAP calls, which a slow link multiplies. The hosts, their connectors and the tenant share this machine's cores with
the program, so times are an upper bound for many hosts at once, and a lower one for a single host.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import pytest

from tests.bench.table import Table
from tests.lab.jump_box import JumpBox, finished, jump_box
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_WINRM
from tui.runbook.model import RunState, RunView

SIZES = (1, 8, 32)
SETTLE_SECONDS = 1.0
PARALLEL = 8
LONGEST = 1800.0
FIRST = "first"


@dataclass(frozen=True)
class Cost:
    """What one whole procedure took. Per host: means over the additional hosts."""

    look: float
    """Connecting, surveying and planning, in seconds."""
    run: float
    host: float
    """All steps of one host, in seconds."""
    look_calls: float
    run_calls: float
    scripts: float
    connections: float
    busiest: str
    """The kind of script that was called most, and how often for each host."""


def _busy_seconds(view: RunView, host: str) -> float:
    """How long the steps of a host took, without the time that it waited for its turn."""
    steps = [step for step in view.steps if step.planned.host == host]
    return sum((step.ended - step.started).total_seconds() for step in steps if step.started and step.ended)


def _performed(box: JumpBox, names: tuple[str, ...]) -> Cost:
    servers = [box.lab.windows[name].wsman for name in names]
    text = box.cluster_file.read_text(encoding="utf-8")
    box.cluster_file.write_text(text.replace("[run]", f"[run]\nparallel = {PARALLEL}"), encoding="utf-8")
    with box.operations() as operations:
        began = time.monotonic()
        operations.preview()
        look = time.monotonic() - began
        look_calls = mean(server.record.requests for server in servers)
        run = operations.start_run()
        view = finished(operations, run, seconds=LONGEST)
    if view.state is not RunState.DONE or view.ended is None:
        raise RuntimeError(f"the procedure failed: {[step.error for step in view.steps if step.error]}")
    scripts = Counter(call.name for server in servers for call in server.record.calls)
    name, count = scripts.most_common(1)[0]
    return Cost(
        look,
        (view.ended - view.started).total_seconds(),
        mean(_busy_seconds(view, name) for name in names),
        look_calls,
        mean(server.record.requests for server in servers) - look_calls,
        scripts.total() / len(names),
        mean(server.record.connections for server in servers),
        f"{name} {count / len(names):.0f}",
    )


def measure(additional: int) -> Cost:
    """Start a lab with so many additional Windows hosts and perform the procedure once."""
    names = tuple(f"win{number:02}" for number in range(1, additional + 1))
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as directory,
        Lab(
            Path(directory) / "lab",
            names=(FIRST, *names),
            configured=(FIRST,),
            speed=60 / SETTLE_SECONDS,
            furnishings=dict.fromkeys(names, WINDOWS_WINRM),
        ) as lab,
        jump_box(lab, patch) as box,
    ):
        return _performed(box, names)


def run() -> None:
    """Print the table, a row at a time."""
    table = Table(
        f"The whole procedure on the lab's Windows hosts over WinRM, settle time {SETTLE_SECONDS:.0f} s, "
        f"{PARALLEL} hosts at a time, {os.cpu_count()} cores for everything; per host: means",
        ("hosts", "look", "run", "a host", "SOAP look", "SOAP run", "scripts", "connections", "most called script"),
        first=0,
    )
    for additional in SIZES:
        cost = measure(additional)
        times = (f"{value:.1f} s" for value in (cost.look, cost.run, cost.host))
        counts = (f"{value:.0f}" for value in (cost.look_calls, cost.run_calls, cost.scripts, cost.connections))
        table.row(str(additional), *times, *counts, cost.busiest)
