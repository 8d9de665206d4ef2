"""The service control manager of one Windows host, with services that NSSM keeps running: real processes, Windows' states.

As NSSM does: a service is StartPending until its program has lasted a moment; a program that ends is started again; one that
ends within 1.5 s (counted from its first output, and a quarter of a second at least) is throttled, and its service
is Paused for 1, 2, 4 … 256 s. What a program prints is lost on such a host; here it is kept in the lab's own journal,
which no script sees. Left out: dependencies, recovery actions, services that share a process, other accounts.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tui.lab.journal import Journal

THROTTLE_SECONDS = 1.5
_SHORTEST_THROTTLE = 0.25
_LONGEST_PAUSE = 256.0
_KILL_AFTER = 5.0


class Win32(IntEnum):
    """Why the service control manager refuses."""

    DISABLED = 1058
    ALREADY_RUNNING = 1056
    CANNOT_ACCEPT = 1061
    NOT_ACTIVE = 1062
    LOGON_FAILURE = 1069
    DOES_NOT_EXIST = 1060


class ServiceRefusal(Exception):
    """What the service control manager answers instead of doing it."""

    def __init__(self, code: Win32) -> None:
        super().__init__(f"{code.name} ({code.value})")
        self.code = code


@dataclass
class WindowsService:
    """One service. `environment` is NSSM's AppEnvironmentExtra; a `decoy` has no program and only looks as if it ran."""

    name: str
    display: str
    application: str = ""
    arguments: tuple[str, ...] = ()
    directory: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    image: str = ""
    account: str = "LocalSystem"
    start_mode: str = "Auto"
    state: str = "Stopped"
    pid: int = 0
    exit_code: int = 1077
    started: float | None = None
    bad_logon: bool = False
    stuck: bool = False
    """It never ends its StopPending by itself."""
    decoy: bool = False
    process: subprocess.Popen[bytes] | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


Program = Callable[[WindowsService], tuple[Sequence[str], str, Mapping[str, str]]]
"""How a service's program is run here: command line, directory, environment."""


class ServiceControl:
    """Every service of one host."""

    def __init__(
        self, journal: Journal, program: Program, clock: Callable[[], float], speed: float, lifeline: int
    ) -> None:
        """`speed` divides NSSM's waiting times."""
        self.journal = journal
        self._program, self._clock, self._speed, self._lifeline = program, clock, speed, lifeline
        self._services: dict[str, WindowsService] = {}
        self._changed = threading.Condition(threading.RLock())
        self._numbers = itertools.count(4012, 36)

    def add(self, service: WindowsService) -> None:
        """Install a service."""
        with self._changed:
            self._services[service.name.casefold()] = service
            if service.decoy:
                service.state, service.pid, service.exit_code = "Running", next(self._numbers), 0

    def remove(self, name: str) -> None:
        """Uninstall a service that does not run."""
        with self._changed:
            self._services.pop(name.casefold())

    def all(self) -> list[WindowsService]:
        """Every service, by name."""
        with self._changed:
            return [self._services[name] for name in sorted(self._services)]

    def find(self, name: str) -> WindowsService | None:
        """The service of that name, whatever its case."""
        with self._changed:
            return self._services.get(name.casefold())

    def service(self, name: str) -> WindowsService:
        """The service of that name. Raises ServiceRefusal."""
        found = self.find(name)
        if found is None:
            raise ServiceRefusal(Win32.DOES_NOT_EXIST)
        return found

    def wait_state(self, name: str, state: str, seconds: float) -> bool:
        """Wait until a service is in a state; False when it is not in time."""
        return self.wait(name, lambda service: service.state == state, timeout=seconds)

    def wait(self, name: str, condition: Callable[[WindowsService], bool], *, timeout: float) -> bool:
        """Wait until `condition` holds of a service; False when it has not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self.service(name)), timeout)

    def boot(self) -> None:
        """Start what starts by itself."""
        for service in self.all():
            if service.start_mode == "Auto" and not service.decoy:
                with contextlib.suppress(ServiceRefusal):
                    self.start(service.name)

    def start(self, name: str) -> None:
        """Begin to start a service. Raises ServiceRefusal."""
        with self._changed:
            service = self.service(name)
            if service.start_mode == "Disabled":
                raise ServiceRefusal(Win32.DISABLED)
            if service.state != "Stopped":
                raise ServiceRefusal(Win32.ALREADY_RUNNING)
            if service.bad_logon:
                service.exit_code = Win32.LOGON_FAILURE
                raise ServiceRefusal(Win32.LOGON_FAILURE)
            service.stopping = threading.Event()
            service.pid, service.started, service.exit_code = next(self._numbers), self._clock(), 0
            self._enter(service, "Running" if service.decoy else "StartPending")
            if service.decoy:
                return
            service.thread = threading.Thread(target=self._supervise, args=(service,), name=f"nssm-{name}", daemon=True)
            service.thread.start()

    def stop(self, name: str) -> None:
        """Ask a service to stop, and return at once. Raises ServiceRefusal."""
        with self._changed:
            service = self.service(name)
            if service.state == "Stopped":
                raise ServiceRefusal(Win32.NOT_ACTIVE)
            if service.state in ("StopPending", "StartPending"):
                raise ServiceRefusal(Win32.CANNOT_ACCEPT)
            self._enter(service, "StopPending")
            if not service.stuck:
                self._end(service)

    def set_stuck(self, name: str, stuck: bool) -> None:
        """Let a service hang in StopPending when it is stopped; or let it go, if it hangs."""
        with self._changed:
            service = self.service(name)
            service.stuck = stuck
            if not stuck and service.state == "StopPending":
                self._end(service)

    def set_start_mode(self, name: str, mode: str) -> None:
        """Auto, Manual or Disabled; what runs goes on running."""
        with self._changed:
            self.service(name).start_mode = mode

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a service's program."""
        _signal(self.service(name).process, number)

    def close(self) -> None:
        """Kill everything at once, as a power cut would, and wait for it."""
        services = self.all()
        with self._changed:
            for service in services:
                service.stopping.set()
        for service in services:
            _signal(service.process, signal.SIGKILL)
        for service in services:
            if service.thread is not None:
                service.thread.join(5)

    def _end(self, service: WindowsService) -> None:
        if service.decoy:
            self._enter(service, "Stopped")
            return
        service.stopping.set()
        process = service.process
        _signal(process, signal.SIGTERM)
        if process is not None:
            killer = threading.Timer(_KILL_AFTER, _signal, (process, signal.SIGKILL))
            killer.daemon = True
            killer.start()

    def _supervise(self, service: WindowsService) -> None:
        stopping, throttled = service.stopping, 0
        while not stopping.is_set():
            lasted = self._run_once(service, stopping)
            quick = lasted < max(THROTTLE_SECONDS / self._speed, _SHORTEST_THROTTLE)
            throttled = throttled + 1 if quick else 0
            with self._changed:
                hangs = service.state == "StopPending"
                if quick and not hangs:
                    self._enter(service, "Paused")
            if hangs:
                stopping.wait()
            elif quick:
                stopping.wait(min(2.0 ** (throttled - 1), _LONGEST_PAUSE) / self._speed)
        with self._changed:
            service.pid, service.started = 0, None
            self._enter(service, "Stopped")

    def _run_once(self, service: WindowsService, stopping: threading.Event) -> float:
        """Run the program until it ends; how long it lasted, in seconds from its first output."""
        argv, directory, environment = self._program(service)
        try:
            process = subprocess.Popen(
                argv,
                cwd=directory,
                env={**environment, "LAB_LIFELINE": str(self._lifeline)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(self._lifeline,),
            )
        except OSError as error:
            self.journal.append(service.name, "nssm", 1, str(error).encode())
            return 0.0
        service.process = process
        service.started = self._clock()
        if stopping.is_set():
            _signal(process, signal.SIGKILL)
        running = threading.Timer(THROTTLE_SECONDS / self._speed, self._lasts, (service, process))
        running.daemon = True
        running.start()
        lasted = self._follow(service, process)
        running.cancel()
        return lasted

    def _lasts(self, service: WindowsService, process: subprocess.Popen[bytes]) -> None:
        with self._changed:
            if service.process is process and service.state in ("StartPending", "Paused"):
                self._enter(service, "Running")

    def _follow(self, service: WindowsService, process: subprocess.Popen[bytes]) -> float:
        began: float | None = None
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                began = began if began is not None else time.monotonic()
                self.journal.append(service.name, "node", process.pid, line.rstrip(b"\r\n"))
        process.wait()
        service.process = None
        return time.monotonic() - began if began is not None else 0.0

    def _enter(self, service: WindowsService, state: str) -> None:
        service.state = state
        self._changed.notify_all()


def _signal(process: subprocess.Popen[bytes] | None, number: int) -> None:
    if process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
