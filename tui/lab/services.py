"""A small service manager: units of one host as real processes, with systemd's states, restart rule and start limit.

Left out: dependencies, sockets, timers, drop-ins, cgroups, other types than simple, and running as another account than the
lab's own.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui.lab.journal import MANAGER, Journal
from tui.lab.unit_file import UnitFile, read_unit_file

STOP_SECONDS = 10.0


class UnitError(Exception):
    """The manager refuses; the text is what systemctl would say."""


@dataclass
class Unit:
    """A unit and where it stands, in systemd's words. `at` maps time stamp names to the host's time; a `decoy` is only listed."""

    file: UnitFile
    enabled: bool = True
    masked: bool = False
    active: str = "inactive"
    sub: str = "dead"
    result: str = "success"
    pid: int = 0
    restarts: int = 0
    last_status: int = 0
    last_code: str = "(null)"
    at: dict[str, float] = field(default_factory=dict)
    starts: deque[float] = field(default_factory=deque)
    process: subprocess.Popen[bytes] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    decoy: bool = False


class ServiceManager:
    """Every unit of one host. `directories` are searched for unit files, the later ones win."""

    def __init__(
        self,
        journal: Journal,
        directories: tuple[Path, ...],
        environment: Mapping[str, str],
        clock: Callable[[], float],
        lifeline: int,
    ) -> None:
        self.journal = journal
        self.clock = clock
        self._directories = directories
        self._environment = dict(environment)
        self._lifeline = lifeline
        self._units: dict[str, Unit] = {}
        self._changed = threading.Condition(threading.RLock())
        self.reload()

    def reload(self) -> None:
        """Read the unit files again; what runs goes on running."""
        with self._changed:
            for directory in self._directories:
                for path in sorted(directory.glob("*.service")):
                    if os.path.realpath(path) == "/dev/null":
                        continue
                    file = read_unit_file(path)
                    known = self._units.get(path.name)
                    if known is None:
                        self._units[path.name] = Unit(file, enabled=file.wanted)
                    else:
                        known.file = file

    def add_decoy(
        self, name: str, description: str, pid: int, exec_start: tuple[str, ...], directory: str = ""
    ) -> None:
        """A unit of something else, that only looks as if it ran."""
        file = UnitFile(
            name,
            Path(f"/lib/systemd/system/{name}"),
            description,
            exec_start,
            directory,
            wanted=True,
            restart="on-failure",
        )
        with self._changed:
            self._units[name] = Unit(file, active="active", sub="running", pid=pid, decoy=True)
            self._units[name].at = {"ActiveEnter": self.clock()}

    def names(self) -> list[str]:
        """The names of all units, sorted."""
        with self._changed:
            return sorted(self._units)

    def find(self, name: str) -> Unit | None:
        """The unit called `name`, with or without its suffix."""
        with self._changed:
            return self._units.get(name if "." in name else f"{name}.service") or self._units.get(f"{name}.service")

    def unit(self, name: str) -> Unit:
        """The unit called `name`. Raises UnitError when there is none."""
        found = self.find(name)
        if found is None:
            raise UnitError(f"Unit {name if '.' in name else name + '.service'} not found.")
        return found

    def wait(self, name: str, condition: Callable[[Unit], bool], *, timeout: float) -> bool:
        """Wait until `condition` holds of a unit; False when it has not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.unit(name)), timeout)

    def boot(self) -> None:
        """Start every enabled unit, as a host does when it boots."""
        for name in self.names():
            unit = self.unit(name)
            if unit.enabled and not unit.masked and not unit.decoy:
                with contextlib.suppress(UnitError):
                    self.start(name)

    def start(self, name: str) -> None:
        """Start a unit. Raises UnitError when it is masked or was started too often."""
        with self._changed:
            unit = self.unit(name)
            if unit.masked:
                raise UnitError(f"Failed to start {unit.file.name}: Unit {unit.file.name} is masked.")
            if unit.active in ("active", "activating") or unit.decoy:
                return
            unit.restarts = 0
            if not self._may_start(unit):
                raise UnitError(
                    f"Job for {unit.file.name} failed.\n"
                    f'See "systemctl status {unit.file.name}" and "journalctl -xeu {unit.file.name}" for details.'
                )
            unit.stopping = threading.Event()
            spawned = self._spawn(unit)
            unit.thread = threading.Thread(
                target=self._supervise, args=(unit, unit.stopping, spawned), name=f"unit-{unit.file.name}", daemon=True
            )
            unit.thread.start()

    def stop(self, name: str) -> None:
        """Stop a unit and wait until its processes are gone."""
        with self._changed:
            unit = self.unit(name)
            process, thread = unit.process, unit.thread
            if unit.active not in ("active", "activating") or unit.decoy:
                return
            unit.stopping.set()
            if process is not None:
                self._enter(unit, "deactivating", "stop-sigterm")
                self._say(unit, f"Stopping {unit.file.description}...")
        if process is not None:
            _signal(process, signal.SIGTERM)
        if thread is not None:
            thread.join(STOP_SECONDS)
            if thread.is_alive() and process is not None:
                _signal(process, signal.SIGKILL)
                thread.join()

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a unit's processes."""
        process = self.unit(name).process
        if process is not None:
            _signal(process, number)

    def reset_failed(self, name: str) -> None:
        """Forget a failure and the start limit."""
        with self._changed:
            unit = self.unit(name)
            unit.starts.clear()
            unit.restarts = 0
            if unit.active == "failed":
                unit.result = "success"
                self._enter(unit, "inactive", "dead")

    def set_masked(self, name: str, masked: bool) -> None:
        """Mask or unmask a unit; what runs goes on running."""
        with self._changed:
            self.unit(name).masked = masked
            self._changed.notify_all()

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Start a unit at boot, or not."""
        with self._changed:
            self.unit(name).enabled = enabled

    def close(self) -> None:
        """Kill everything at once, as a power cut would, and wait for it."""
        with self._changed:
            units = list(self._units.values())
            for unit in units:
                unit.stopping.set()
        for unit in units:
            if unit.process is not None:
                _signal(unit.process, signal.SIGKILL)
        for unit in units:
            if unit.thread is not None:
                unit.thread.join(5)

    def _may_start(self, unit: Unit) -> bool:
        moment = time.monotonic()
        while unit.starts and moment - unit.starts[0] > unit.file.interval:
            unit.starts.popleft()
        if len(unit.starts) >= unit.file.burst:
            self._say(unit, f"{unit.file.name}: Start request repeated too quickly.")
            if unit.result == "success":
                unit.result = "start-limit-hit"
            self._enter(unit, "failed", "failed")
            self._say(unit, f"{unit.file.name}: Failed with result '{unit.result}'.")
            return False
        unit.starts.append(moment)
        unit.result = "success"
        return True

    def _spawn(self, unit: Unit) -> subprocess.Popen[bytes] | None:
        file = unit.file
        environment = {
            **self._environment,
            **file.environment,
            "LAB_LIFELINE": str(self._lifeline),
            "LAB_AS": file.user or "root",
        }
        try:
            process = subprocess.Popen(
                file.exec_start,
                cwd=file.working_directory or "/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(self._lifeline,),
            )
        except OSError as error:
            step, status = ("CHDIR", 200) if not os.path.isdir(file.working_directory or "/") else ("EXEC", 203)
            self._say(unit, f"{file.name}: Failed at step {step}: {error.strerror}")
            unit.last_code, unit.last_status = "exited", status
            return None
        unit.process, unit.pid = process, process.pid
        unit.at["ActiveEnter"] = self.clock()
        self._enter(unit, "active", "running")
        self._say(unit, f"Started {file.description}.")
        return process

    def _supervise(self, unit: Unit, stopping: threading.Event, process: subprocess.Popen[bytes] | None) -> None:
        while True:
            if process is not None:
                self._follow(unit, process)
            with self._changed:
                if not self._ended(unit, stopping):
                    return
            if stopping.wait(unit.file.restart_sec):
                with self._changed:
                    self._enter(unit, "inactive", "dead")
                return
            with self._changed:
                unit.restarts += 1
                self._say(unit, f"{unit.file.name}: Scheduled restart job, restart counter is at {unit.restarts}.")
                if stopping.is_set() or not self._may_start(unit):
                    return
                process = self._spawn(unit)

    def _follow(self, unit: Unit, process: subprocess.Popen[bytes]) -> None:
        name = os.path.basename(unit.file.exec_start[0])
        assert process.stdout is not None
        for line in process.stdout:
            self.journal.append(unit.file.name, name, process.pid, line.rstrip(b"\n"))
        process.stdout.close()
        status = process.wait()
        with self._changed:
            unit.process, unit.pid = None, 0
            unit.last_code, unit.last_status = ("exited", status) if status >= 0 else ("killed", -status)

    def _ended(self, unit: Unit, stopping: threading.Event) -> bool:
        """Judge how a unit ended; True when it is to be restarted."""
        clean = unit.last_status == 0 or (unit.last_code == "killed" and unit.last_status == signal.SIGTERM)
        if not clean:
            word = "FAILURE" if unit.last_code == "exited" else signal.Signals(unit.last_status).name[3:]
            text = f"code={unit.last_code}, status={unit.last_status}/{word}"
            self._say(unit, f"{unit.file.name}: Main process exited, {text}")
        if stopping.is_set():
            self._enter(unit, "inactive", "dead")
            self._say(unit, f"Stopped {unit.file.description}.")
            return False
        unit.result = "success" if clean else ("exit-code" if unit.last_code == "exited" else "signal")
        if not clean:
            self._say(unit, f"{unit.file.name}: Failed with result '{unit.result}'.")
        else:
            self._say(unit, f"{unit.file.name}: Deactivated successfully.")
        again = unit.file.restart == "always" or (unit.file.restart == "on-failure" and not clean)
        if again:
            self._enter(unit, "activating", "auto-restart")
        else:
            self._enter(unit, *(("inactive", "dead") if clean else ("failed", "failed")))
        return again

    def _enter(self, unit: Unit, active: str, sub: str) -> None:
        unit.active, unit.sub = active, sub
        unit.at["StateChange"] = self.clock()
        if active in ("inactive", "failed"):
            unit.at["InactiveEnter"] = self.clock()
        self._changed.notify_all()

    def _say(self, unit: Unit, text: str) -> None:
        self.journal.append(unit.file.name, MANAGER, 1, text.encode())


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
