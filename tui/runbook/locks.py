"""One run per cluster: the lock on the jump box, and how a live runner is told from a reused process number."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from tui.errors import OperatorError
from tui.paths import state_dir
from tui.runbook.journal import RunnerIdentity


class RunBusy(OperatorError):
    """Another run of this cluster is under way on this jump box."""


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _process(pid: int) -> tuple[str, str] | None:
    """State letter and start time (clock ticks since boot) of a process; None when there is none to be seen."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[0], fields[19]


def own_identity(socket: str) -> RunnerIdentity:
    """This process, as a later one can recognise it."""
    seen = _process(os.getpid())
    return RunnerIdentity(os.getpid(), seen[1] if seen else "", _boot_id(), socket)


def is_alive(runner: RunnerIdentity) -> bool:
    """Whether that very process still runs (a zombie does not)."""
    if runner.boot != _boot_id():
        return False
    seen = _process(runner.pid)
    return seen is not None and seen[0] not in "ZX" and seen[1] == runner.started


class RunLock:
    """The cluster's run lock, held by the runner for as long as it lives; the kernel gives it back when it dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, cluster: str, *, run: str, operator: str) -> RunLock:
        """Take the lock or raise RunBusy naming who holds it."""
        path = state_dir(cluster) / "run.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise RunBusy(
                f"another run of {cluster} is under way",
                tried=f"take the lock {path}, held by {holder}",
                meaning="two runs at once would undo each other's work; nothing was changed",
                remedy="watch that run to its end, or abort it, then start again",
            ) from None
        text = {
            "run": run,
            "operator": operator,
            "pid": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(text).encode() + b"\n", 0)
        return cls(descriptor)

    def release(self) -> None:
        """Give the lock back; never raises."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)


def _holder(descriptor: int) -> str:
    try:
        told = json.loads(os.pread(descriptor, 4096, 0))
        return f"{told['operator']} (run {told['run']}, process {told['pid']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "somebody who has not written a name yet"
