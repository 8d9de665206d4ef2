"""The demo: the real program on embedded hosts, with state of its own that goes when it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.errors import OperatorError
from tui.headless import ENDED, Talk, perform, unfinished
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

_SPEED = 10.0
_SETTLE_SECONDS = 3.0
_LINGER_SECONDS = 60.0
_ENDING_SECONDS = 30.0
_HOMES = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")


class LabFaults:
    """What the demo adds to the wizard: the lab's faults, and what its operator would type."""

    cluster = CLUSTER

    def __init__(self, control: LabControl) -> None:
        self._control = control
        secrets = control.ready.secrets
        self._secrets = secrets
        self.passphrase = secrets.vault.passphrase.get_secret_value() if secrets.vault.passphrase else ""

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
def demonstration(*, headless: bool = False) -> Iterator[Demonstration]:
    """Embedded hosts, and operations on them whose files lie in a temporary folder of their own.

    `headless`: host keys are known and secrets at hand from the start, and no question waits for an answer. Raises
    OperatorError when the hosts cannot be started.
    """
    folder = Path(tempfile.mkdtemp(prefix="adldap-ha-demo-"))
    with _homes_below(folder):
        control = _start(folder / "hosts")
        try:
            ready = control.ready
            document = cluster_file(CLUSTER)
            document.touch(mode=0o600)
            document.write_bytes(ready.cluster_file.read_bytes())
            known_hosts = folder / "known_hosts"
            access = Access(known_hosts=known_hosts, ssh_config=Path(os.devnull))
            if headless:
                known_hosts.write_bytes(ready.known_hosts.read_bytes())
                access = access.model_copy(update={"secrets": ready.secrets})
            operations = ClusterOperations(access=access, operator="demo@localhost", unattended=headless)
            try:
                yield Demonstration(operations, LabFaults(control), control)
                _end_run(operations)
            finally:
                operations.close()
        finally:
            control.stop()
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


def _start(directory: Path) -> LabControl:
    try:
        return LabControl.start(directory, speed=_SPEED, settle_seconds=_SETTLE_SECONDS, linger=_LINGER_SECONDS)
    except LabControlError as error:
        raise OperatorError(
            f"the embedded hosts did not start: {error}",
            tried=f"start them below {directory}",
            remedy="free some space in the temporary folder, and see that 127.0.0.0/8 may be listened on",
        ) from error


def _end_run(operations: ClusterOperations) -> None:
    """A run on hosts that are about to go would wait for them in vain: have it put them back and end."""
    try:
        view = unfinished(operations)
        if view is None or view.state is RunState.INTERRUPTED:
            return
        operations.control(view.id, "abort")
        until = time.monotonic() + _ENDING_SECONDS
        while time.monotonic() < until:
            now = operations.run_view(view.id)
            if now.state in ENDED:
                return
            if now.question is not None:
                operations.answer(view.id, now.question.id, now.question.choices[-1])
            time.sleep(0.2)
    except OperatorError:
        return


def perform_demo(demo: Demonstration, talk: Talk) -> tuple[RunView, ClusterStatus]:
    """Do everything that the wizard would; returns the run and the cluster's status afterwards."""
    operations = demo.operations
    operations.load(CLUSTER)
    view = perform(operations, talk, ())
    if view is None:
        raise OperatorError("the plan was not confirmed", meaning="nothing was changed on the embedded hosts")
    return view, operations.status()


def serve_lab(directory: Path | None, say: Callable[[LabControl], None]) -> None:
    """Run only the embedded hosts, until interrupted."""
    folder = directory or Path(tempfile.mkdtemp(prefix="adldap-ha-lab-"))
    control = _start(folder)
    try:
        say(control)
        control.wait()
    finally:
        control.stop()
        if directory is None:
            shutil.rmtree(folder, ignore_errors=True)


def lab_lines(ready: ReadyLab) -> list[str]:
    """Where the embedded hosts listen and how to log in. Their secrets are made up afresh at each start."""
    rows = []
    for name, (address, port) in ready.addresses.items():
        known = ready.secrets.of_host(name, SecretKind.PASSWORD) or "-"
        rows.append((name, f"ssh -p {port} {ready.user}@{address}", known))
    return [
        *table(("host", "log in with", "password, also for sudo"), rows),
        "",
        f"cluster file {ready.cluster_file}",
        f"known hosts  {ready.known_hosts}",
    ]


def lab_document(ready: ReadyLab) -> dict[str, Any]:
    """The document of `lab --json`."""
    return {
        "user": ready.user,
        "cluster_file": str(ready.cluster_file),
        "known_hosts": str(ready.known_hosts),
        "hosts": [
            {
                "name": name,
                "address": address,
                "port": port,
                "password": ready.secrets.of_host(name, SecretKind.PASSWORD),
                "sudo_password": ready.secrets.of_host(name, SecretKind.SUDO_PASSWORD),
            }
            for name, (address, port) in ready.addresses.items()
        ],
    }
