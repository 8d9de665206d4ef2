"""A run that loses its runner, its terminal or its operator: it is finished or undone, and nothing is lost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of, killed_at
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, StepState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@dataclass(frozen=True)
class Moment:
    """Where the runner is killed: an operation of a step, or a call of the instance that its apply makes."""

    step: str
    operation: str
    when: str = "after"

    def __str__(self) -> str:
        return f"{self.step}-{self.when}-{self.operation}"


PLACING = "oak/place-certificates"


def interrupted(operations: ClusterOperations, patch: pytest.MonkeyPatch, moment: Moment) -> str:
    """A run whose runner was killed at that moment."""
    return killed_at(operations, patch, moment.step, moment.operation, moment.when)


@pytest.mark.parametrize(
    "moment",
    [
        Moment(PLACING, "instance.place_directory"),
        Moment("oak/commit-config", "apply"),
        Moment("oak/connected", "apply", "before"),
    ],
    ids=str,
)
def test_a_killed_runner_is_resumed_to_a_healthy_cluster(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, moment: Moment
) -> None:
    since = time.time()
    with box.operations() as operations:
        run = interrupted(operations, monkeypatch, moment)
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1}
    assert box.lab.tenant.hub.always_connected("fir", since)
    assert box.lab.tenant.published == box.lab.set.thumbprint
    assert not [path for path in tree_of(box.lab.hosts["oak"]) if "adldap-ha" in path]


def test_a_folder_that_the_killed_runner_put_aside_is_not_taken_for_somebody_elses_doing(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = box.lab.hosts["oak"]
    folder = Path(oak.install_dir) / "certs"
    folder.mkdir()
    shutil.chown(folder, folder.parent.owner(), folder.parent.group())
    before = tree_of(oak)
    with box.operations() as operations:
        run = interrupted(operations, monkeypatch, Moment(PLACING, "instance.park"))
        assert not folder.exists()
        operations.resume_run(run)
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors_of(view)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert tree_of(oak) == before


@pytest.mark.parametrize(
    "moment",
    [Moment(PLACING, "instance.place"), Moment("oak/connected", "apply", "before")],
    ids=str,
)
def test_a_killed_runner_is_undone_to_the_byte(box: JumpBox, monkeypatch: pytest.MonkeyPatch, moment: Moment) -> None:
    oak = box.lab.hosts["oak"]
    before = tree_of(oak)
    with box.operations() as operations:
        run = interrupted(operations, monkeypatch, moment)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert tree_of(oak) == before
    assert box.lab.tenant.accepted() == {"fir": 1}


def test_a_resumed_run_keeps_to_the_hosts_it_was_started_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Lab(tmp_path / "lab", speed=20) as lab,
        jump_box(lab, monkeypatch) as box,
        box.operations() as operations,
    ):
        before = tree_of(lab.hosts["oak"])
        run = operations.start_run(["elm"])
        box.kill_runner(run)
        until(lambda: operations.run_view(run).state is RunState.INTERRUPTED)
        operations.resume_run(run)
        view = finished(operations, run)
        assert view.state is RunState.DONE
        assert {step.planned.host for step in view.steps} == {"fir", "elm", None}
        assert tree_of(lab.hosts["oak"]) == before


def test_an_abort_puts_the_unfinished_host_back(box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    oak = box.lab.hosts["oak"]
    before = tree_of(oak)
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/start-admin")
        operations.control(held.run, "abort")
        held.go_on()
        view = finished(operations, held.run)
    assert view.state is RunState.ROLLED_BACK
    assert tree_of(oak) == before
    assert step_of(view, "oak/release").state is StepState.PENDING


def test_an_additional_host_that_loses_power_in_the_middle_is_finished_later(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/start-connector")
        run = held.run
        box.lab.fault("host_down", "oak")
        held.go_on()
        view = finished(operations, run)
        assert view.state in (RunState.INCONSISTENT, RunState.ROLLED_BACK), view.state
        box.lab.fault("host_down", "oak", on=False)
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"
