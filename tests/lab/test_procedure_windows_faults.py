"""What goes wrong with a Windows host in the middle of a run: a clear error, and the host as it was, to the byte and ACL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.lab.held_run import errors_of, killed_at
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of
from tests.lab.windows.installs import windows_tree_of
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_WINRM
from tui.lab.windows.host import WindowsLabHost
from tui.runbook.model import RunState, RunView, StepState

MAPPER = "lib\\profileMapper.js"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with (
        Lab(tmp_path / "lab", names=("fir", "elm"), speed=20, furnishings={"elm": WINDOWS_WINRM}) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        yield made


@pytest.fixture
def elm(box: JumpBox) -> WindowsLabHost:
    host = box.lab.windows["elm"]
    host.tree.replace(
        f"{host.install_dir}\\{MAPPER}", b"// what this host had before\r\n", "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)"
    )
    return host


def run_of(box: JumpBox) -> RunView:
    with box.operations() as operations:
        return finished(operations, operations.start_run())


def put_back(box: JumpBox, elm: WindowsLabHost) -> None:
    """The services as before, the first host undisturbed, nobody's lock left."""
    assert elm.services.service(elm.admin_unit).state == "Running"
    assert elm.services.service(elm.connector_unit).state in ("Stopped", "Paused")
    assert box.lab.tenant.accepted() == {"fir": 1}


@dataclass(frozen=True)
class Fault:
    """A fault that begins just before a script is answered, and what the run says of it at which step."""

    name: str
    script: str
    step: str
    words: str


FAULTS = (
    Fault("access_denied", "Get-Ability.ps1", "elm/lock", "may not do that"),
    Fault("locked_file", "Get-Ability.ps1", "elm/place-profile-mapper", "another process holds it open"),
    Fault("disk_full", "Write-File.ps1", "elm/place-certificates", "disk is full"),
    Fault("service_masked", "Write-File.ps1", "elm/start-connector", "Auth0 ADLDAP is disabled"),
)


def test_a_fault_is_told_and_nothing_is_left_half_written(box: JumpBox, elm: WindowsLabHost) -> None:
    before, begun = windows_tree_of(elm), time.time()
    for fault in FAULTS:
        elm.at_script(fault.script, partial(box.lab.fault, fault.name, "elm"))
        view = run_of(box)
        box.lab.fault(fault.name, "elm", on=False)
        assert view.state is RunState.ROLLED_BACK, errors_of(view)
        failed = step_of(view, fault.step)
        assert fault.words in failed.error[0], failed.error
        assert failed.error[-1].startswith("Do: ")
        assert windows_tree_of(elm) == before
        put_back(box, elm)
    assert box.lab.tenant.hub.always_connected("fir", begun)


def test_a_clone_that_is_accepted_and_dies_is_rolled_back(box: JumpBox, elm: WindowsLabHost) -> None:
    before = windows_tree_of(elm)
    elm.at_script("Start-One.ps1", lambda: box.lab.fault("clock", "elm"))
    view = run_of(box)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert "Clock skew detected" in "\n".join(step_of(view, "elm/connected").error), errors_of(view)
    assert windows_tree_of(elm) == before
    put_back(box, elm)


def test_a_killed_runner_is_resumed_to_a_healthy_cluster(
    box: JumpBox, elm: WindowsLabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.time()
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "elm/place-certificates", "instance.place")
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"
    assert box.lab.tenant.accepted() == {"fir": 1, "elm": 1}
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert not [path for path in windows_tree_of(elm) if "adldap-ha" in path]


def test_a_killed_runner_is_undone_to_the_byte_and_acl(
    box: JumpBox, elm: WindowsLabHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = windows_tree_of(elm)
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "elm/commit-config", "apply", "after")
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert windows_tree_of(elm) == before
    put_back(box, elm)


def test_a_host_that_loses_power_in_the_middle_is_finished_later(box: JumpBox, elm: WindowsLabHost) -> None:
    with box.operations() as operations:
        elm.at_script("Start-One.ps1", lambda: box.lab.fault("host_down", "elm"))
        run = operations.start_run()
        view = finished(operations, run)
        assert view.state in (RunState.INCONSISTENT, RunState.ROLLED_BACK), errors_of(view)
        box.lab.fault("host_down", "elm", on=False)
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors_of(view)
    assert not {step.planned.id for step in view.steps if step.state is StepState.INCONSISTENT}
