"""What the whole procedure costs: hosts booted on this machine, reached over OpenSSH, changed by the installed command.

The hosts, their connectors, the tenant and the directory share this machine's cores with the program, so wall time is an upper
bound; CPU time is the program's own, both of the command and of its detached runner. Round trips are what a slow link multiplies.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.bench.table import Table
from tests.system.hosts import why_unavailable
from tests.system.jump_box import JumpBox, finished
from tests.system.systemd_cluster import systemd_cluster

SIZES = (2, 8, 32)
SETTLE_SECONDS = 1.0
PARALLEL = 8
LONGEST = 1800.0
_TICK = os.sysconf("SC_CLK_TCK")
_ROUND_TRIPS = re.compile(r"tui\.runbook\.links: (\S+): session ended after (\d+) round trips")


@dataclass(frozen=True)
class Cost:
    """What one whole procedure took. `look` is the time before the run: connecting, surveying, planning."""

    additional: int
    look: float
    run: float
    front_cpu: float
    runner_cpu: float
    look_trips: float
    run_trips: float


def _cpu_seconds(pid: int) -> float | None:
    """CPU time of a process and of the children it has waited for; None when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return sum(map(int, fields[11:15])) / _TICK


def _round_trips(log: Path, additional: int) -> float:
    """The mean round trips of one additional host, as a log file tells them."""
    ended = _ROUND_TRIPS.findall(log.read_text(encoding="utf-8"))
    return sum(int(count) for host, count in ended if host != "first") / additional


def measured(jump_box: JumpBox, additional: int) -> Cost:
    """What `adldap-ha apply` of the cluster `forest` costs on this jump box. Raises RuntimeError when it fails."""
    started = time.time()
    front = jump_box.start("apply", "forest", "--yes", "--json")
    front_cpu = runner_cpu = 0.0
    runner: int | None = None
    with ThreadPoolExecutor(1) as reader:
        output = reader.submit(finished, front, LONGEST)
        while not output.done():
            front_cpu = _cpu_seconds(front.pid) or front_cpu
            runner = runner or jump_box.runner_pid()
            runner_cpu = (_cpu_seconds(runner) if runner else None) or runner_cpu
            time.sleep(0.1)
    ended = output.result()
    if ended.status != 0:
        raise RuntimeError(f"the procedure failed:\n{ended.err[-3000:]}")
    began, over = (datetime.fromisoformat(ended.document[name]).timestamp() for name in ("started", "ended"))
    state = jump_box.home / ".local" / "state" / "adldap-ha"
    return Cost(
        additional,
        began - started,
        over - began,
        front_cpu,
        runner_cpu,
        _round_trips(state / "adldap-ha.log", additional),
        _round_trips(state / "forest" / "logs" / "runner.log", additional),
    )


@contextmanager
def _room_for_many_systemds() -> Iterator[None]:
    """Allow root as many inotify instances as this many systemds need; the kernel's default of 128 ends at 25 hosts."""
    setting = Path("/proc/sys/fs/inotify/max_user_instances")
    before = setting.read_text(encoding="ascii")
    setting.write_text(str(max(1024, int(before))), encoding="ascii")
    try:
        yield
    finally:
        setting.write_text(before, encoding="ascii")


def measure(additional: int) -> Cost:
    """Boot a cluster with so many additional hosts and perform the procedure once."""
    names = ("first", *(f"host{number:02}" for number in range(1, additional + 1)))
    with (
        _room_for_many_systemds(),
        tempfile.TemporaryDirectory() as directory,
        systemd_cluster(
            Path(directory) / "home", names=names, settle_seconds=SETTLE_SECONDS, parallel=PARALLEL
        ) as cluster,
    ):
        for name in names[1:]:
            cluster.host(name).wait_for_unit(cluster.placements[name].connector_unit, "failed", 300)
        return measured(cluster.jump_box, additional)


def run() -> None:
    """Print the table, a row at a time."""
    reason = why_unavailable()
    if reason is not None:
        print(f"\nThe whole procedure: not measured, {reason}")
        return
    cores = f"{os.cpu_count()} cores for everything"
    table = Table(
        f"The whole procedure, settle time {SETTLE_SECONDS:.0f} s, {PARALLEL} hosts at a time, {cores}",
        ("additional hosts", "look", "run", "CPU command", "CPU runner", "round trips look", "round trips run"),
        first=0,
    )
    for additional in SIZES:
        cost = measure(additional)
        times = (cost.look, cost.run, cost.front_cpu, cost.runner_cpu)
        trips = (cost.look_trips, cost.run_trips)
        table.row(str(additional), *(f"{value:.1f} s" for value in times), *(f"{value:.0f}" for value in trips))
