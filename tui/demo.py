"""The demo: the real program on embedded hosts, with state of its own that goes when it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.endings import Ended
from tui.errors import OperatorError
from tui.headless import Talk, perform
from tui.health.model import ClusterStatus
from tui.lab.control import LabControl, LabControlError, ReadyLab
from tui.paths import cluster_file
from tui.remote.access import Access
from tui.remote.errors import SecretKind
from tui.rendering import table
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, RunView

CLUSTER = "lab"
"""The name of the demo's cluster, as the lab writes its cluster file."""

_WINDOWS = {"linux": ("elm",), "windows": ("fir", "oak")}
"""Which hosts have Windows, by the first host's system."""

_SPEED = 10.0
_SETTLE_SECONDS = 3.0
_LINGER_SECONDS = 60.0
_ENDING_SECONDS = 5.0
_RUNNER = b"tui.runbook.runner"
_PROGRAMS = (_RUNNER, b"tui.lab.serve", b"tui/lab/standin", b"/usr/bin/systemctl", b"/usr/bin/journalctl")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HOMES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")


class LabFaults:
    """What the demo adds to the wizard: the lab's faults, and what its operator would type."""

    cluster = CLUSTER

    def __init__(self, control: LabControl) -> None:
        self._control = control
        secrets = control.ready.secrets
        self._secrets = secrets
        self.passphrase = secrets.vault.passphrase.get_secret_value() if secrets.vault.passphrase else ""
        self.client_secret = secrets.tenant.client_secret.get_secret_value() if secrets.tenant.client_secret else None

    def secret_hint(self, host: str, kind: SecretKind) -> str | None:
        """The secret that a demo host takes."""
        return self._secrets.of_host(host, kind)

    def faults(self) -> Sequence[tuple[str, str]]:
        """Every fault's name, and one sentence of what it does."""
        return self._control.faults()

    def set(self, fault: str, host: str | None, on: bool) -> None:
        """Switch a fault on or off. Raises OperatorError when the lab cannot."""
        try:
            self._control.set(fault, host, on)
        except LabControlError as error:
            raise OperatorError(str(error), host=host, step="switch a fault", remedy="choose another fault") from error


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A running demo."""

    operations: ClusterOperations
    controls: LabFaults
    lab: LabControl


@contextmanager
def demonstration(*, headless: bool = False, first: str = "linux") -> Iterator[Demonstration]:
    """Embedded hosts, and operations on them whose files lie in a temporary folder of their own.

    `first`: the first host's system, `linux` or `windows`; the others are one of either. `headless`: host keys and
    certificates are known and secrets at hand from the start, and no question waits for an answer. However it ends,
    signals included, neither folder, hosts nor a run stay behind. Raises OperatorError when the hosts cannot be started.
    """
    with _temporary_folder("adldap-ha-demo-") as folder, _homes_below(folder), ExitStack() as stack:
        control = _start(folder / "hosts", first)
        stack.callback(control.stop)
        stack.callback(_end_runners, folder)
        operations = _operations_on(control.ready, folder, headless=headless)
        stack.callback(operations.close)
        stack.callback(_hold_signals)
        yield Demonstration(operations, LabFaults(control), control)


@contextmanager
def _temporary_folder(prefix: str) -> Iterator[Path]:
    """A new folder that is removed at the end, with whatever process was left in it: a start that was cut short leaves some.

    A signal that comes while the folder is made waits until its end is certain.
    """
    held = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        folder = _make_folder(prefix)
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            yield folder
        finally:
            _remove(folder)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _make_folder(prefix: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=prefix))
    except OSError as error:
        raise OperatorError(
            f"the embedded hosts have no place: {error.strerror}",
            tried="make a temporary folder",
            remedy="set TMPDIR to a folder that you may write to",
        ) from error


def _operations_on(ready: ReadyLab, folder: Path, *, headless: bool) -> ClusterOperations:
    document = cluster_file(CLUSTER)
    document.touch(mode=0o600)
    document.write_bytes(ready.cluster_file.read_bytes())
    known_hosts, known_certificates = folder / "known_hosts", folder / "known_certificates"
    access = Access(known_hosts=known_hosts, known_certificates=known_certificates, ssh_config=Path(os.devnull))
    if headless:
        known_hosts.write_bytes(ready.known_hosts.read_bytes())
        known_certificates.touch(mode=0o600)
        known_certificates.write_bytes(ready.known_certificates.read_bytes())
        access = access.model_copy(update={"secrets": ready.secrets})
    return ClusterOperations(access=access, operator="demo@localhost", unattended=headless)


def _hold_signals() -> None:
    """What follows takes a moment and must not be cut short."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _remove(folder: Path) -> None:
    _hold_signals()
    _end_processes(folder, _PROGRAMS)
    until = time.monotonic() + _ENDING_SECONDS
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.1)
        _end_processes(folder, _PROGRAMS)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _homes_below(folder: Path) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _HOMES}
    for name in _HOMES:
        home = folder / name.lower()
        home.mkdir(mode=0o700)
        os.environ[name] = str(home)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(directory: Path, first: str = "linux") -> LabControl:
    try:
        return LabControl.start(
            directory,
            kinds=dict.fromkeys(_WINDOWS[first], "windows"),
            speed=_SPEED,
            settle_seconds=_SETTLE_SECONDS,
            linger=_LINGER_SECONDS,
        )
    except LabControlError as error:
        raise OperatorError(
            f"the embedded hosts did not start: {error}",
            tried=f"start them below {directory}",
            remedy="free some space in the temporary folder, and see that 127.0.0.0/8 may be listened on",
        ) from error


def _end_runners(folder: Path) -> None:
    """End the runners of this demo: their hosts go too, so there is nothing to put back."""
    _end_processes(folder, (_RUNNER,))


def _end_processes(folder: Path, programs: Sequence[bytes]) -> None:
    """End those of our own programs that were started for this demo: their command line or environment names its folder."""
    mark = os.fsencode(folder) + b"/"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if not any(program in command for program in programs):
                continue
            if mark in command or mark in (process / "environ").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


def perform_demo(demo: Demonstration, talk: Talk) -> tuple[RunView, ClusterStatus]:
    """Do everything that the wizard would; returns the run and the cluster's status afterwards."""
    operations = demo.operations
    operations.load(CLUSTER)
    view = perform(operations, talk, ())
    talk.say("looking at every host once more")
    return view, operations.status()


def perform_drill(demo: Demonstration, talk: Talk, made: RunView) -> dict[str, Any]:
    """A rolling restart, then a failover drill, on the cluster that `perform_demo` has made in the run `made`.

    `verdict` (`passed`, `failed`), `rounds` as in `drill_rounds`, and `least_connected`: the fewest instances that the
    tenant stand-in itself counted as accepted at any moment of both.
    """
    from tui.headless_acts import perform_act
    from tui.runbook.drill import drill_rounds, drill_verdict

    since, drilled = time.time(), None
    if made.state is RunState.DONE and perform_act(demo.operations, talk, "restart").state is RunState.DONE:
        drilled = perform_act(demo.operations, talk, "drill")
    return {
        "verdict": drill_verdict(drilled) if drilled else "failed",
        "least_connected": demo.lab.least_connected(since),
        "rounds": drill_rounds(drilled) if drilled else [],
    }


def serve_lab(directory: Path | None, say: Callable[[LabControl], None]) -> None:
    """Run only the embedded hosts, until a signal ends them. A temporary folder is removed at the end."""
    with ExitStack() as stack:
        if directory is None:
            directory = stack.enter_context(_temporary_folder("adldap-ha-lab-"))
        control = _start(directory)
        stack.callback(control.stop)
        stack.callback(_hold_signals)
        with contextlib.suppress(KeyboardInterrupt, Ended):
            say(control)
            control.wait()


def lab_lines(ready: ReadyLab) -> list[str]:
    """Where the embedded hosts listen and how to log in. Their secrets are made up afresh at each start."""
    rows = []
    for name, (address, port) in ready.addresses.items():
        login, sudo = (
            ready.secrets.of_host(name, kind) or "-" for kind in (SecretKind.PASSWORD, SecretKind.SUDO_PASSWORD)
        )
        system, transport = ready.systems[name]
        way = f"ssh -p {port} {ready.user}@{address}"
        if transport == "winrm":
            way = f"WinRM over HTTPS, {address} port {port}, account {ready.user}"
        rows.append((name, system, way, login, sudo))
    return [
        *table(("host", "system", "log in with", "password", "sudo password"), rows),
        "",
        f"cluster file {ready.cluster_file}",
        f"known hosts  {ready.known_hosts}",
        f"known certificates {ready.known_certificates}",
    ]


def lab_document(ready: ReadyLab) -> dict[str, Any]:
    """The document of `lab --json`."""
    return {
        "user": ready.user,
        "cluster_file": str(ready.cluster_file),
        "known_hosts": str(ready.known_hosts),
        "known_certificates": str(ready.known_certificates),
        "hosts": [_lab_host(ready, name) for name in ready.addresses],
    }


def _lab_host(ready: ReadyLab, name: str) -> dict[str, Any]:
    address, port = ready.addresses[name]
    system, transport = ready.systems[name]
    return {
        "name": name,
        "os": system,
        "transport": transport,
        "address": address,
        "port": port,
        "password": ready.secrets.of_host(name, SecretKind.PASSWORD),
        "sudo_password": ready.secrets.of_host(name, SecretKind.SUDO_PASSWORD),
    }
