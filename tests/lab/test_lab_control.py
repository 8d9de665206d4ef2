"""A lab in a process of its own, as the demo uses it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import SPEED, leaks
from tui.cluster_file import load_cluster
from tui.lab.control import LabControl, LabControlError


@pytest.fixture
def control(tmp_path: Path) -> Iterator[LabControl]:
    """A served lab of one host."""
    with LabControl.start(tmp_path / "lab", names=("fir",), speed=SPEED, linger=0.5) as started:
        yield started


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def comes_true(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Wait for something outside this process."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def children_of(session: int) -> list[int]:
    """The processes whose command line names the stand-in and whose parent is `session`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            if parent == session:
                found.append(int(entry.name))
    return found


def test_a_signal_while_the_lab_is_being_made_leaves_no_process_behind(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    command = [sys.executable, "-m", "tui.lab.serve", str(folder), "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert comes_true((folder / "hosts").exists)
        process.terminate()
        said, _ = process.communicate(timeout=30)
    assert (process.returncode, said) == (0, b"")
    mark = str(folder).encode()
    assert comes_true(lambda: not [path for path in Path("/proc").glob("[0-9]*/cmdline") if mark in text_of(path)])


def text_of(path: Path) -> bytes:
    """What a file holds, nothing when it has gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_ready_lab_says_where_everything_is(control: LabControl) -> None:
    ready = control.ready
    cluster = load_cluster(ready.cluster_file)
    assert [host.name for host in cluster.hosts] == ["fir"]
    assert (cluster.first.address, cluster.first.port) == ready.addresses["fir"]
    assert ready.addresses["fir"][0] in ready.known_hosts.read_text()
    assert ready.secrets.hosts["fir"].password
    assert control.accepted() == {"fir": 1}
    assert stat.S_IMODE(ready.control.stat().st_mode) == 0o600
    assert not any(canary in repr(ready) for canary in ready.canaries)


def test_no_secret_is_in_a_command_line_or_in_the_files_beside_the_hosts(control: LabControl, tmp_path: Path) -> None:
    ready = control.ready
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in (ready.pid, *children_of(ready.pid))]
    assert not [canary for canary in ready.canaries for line in lines if canary in line]
    beside = [path for path in (tmp_path / "lab").iterdir() if path.is_file()]
    assert leaks(ready.canaries, *beside) == []


def test_faults_are_switched_from_outside(control: LabControl) -> None:
    assert dict(control.faults())["hub_down"]
    control.set("hub_down")
    assert control.active_faults() == [("hub_down", None)]
    assert comes_true(lambda: control.accepted() == {})
    control.set("hub_down", on=False)
    assert comes_true(lambda: control.accepted() == {"fir": 1})
    assert control.least_connected() == 0


def test_a_wrong_order_is_refused_with_its_reason(control: LabControl) -> None:
    with pytest.raises(LabControlError, match="no fault called sabotage"):
        control.set("sabotage")
    with pytest.raises(LabControlError, match="no host called ash"):
        control.set("clock", "ash")


def test_stopping_ends_every_process(control: LabControl) -> None:
    ready = control.ready
    processes = children_of(ready.pid)
    assert processes
    control.stop()
    assert gone(ready.pid)
    assert all(gone(pid) for pid in processes)
    assert not ready.control.exists()


def test_a_lab_that_nobody_owns_or_uses_ends_by_itself(control: LabControl) -> None:
    control.release()
    assert comes_true(lambda: gone(control.ready.pid))


def test_connectors_end_with_a_lab_that_is_killed(control: LabControl) -> None:
    processes = children_of(control.ready.pid)
    os.kill(control.ready.pid, signal.SIGKILL)
    assert comes_true(lambda: all(gone(pid) for pid in processes))
    with pytest.raises(LabControlError, match="does not answer"):
        control.accepted()
