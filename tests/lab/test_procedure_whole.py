"""The whole procedure on three embedded hosts, with the real detached runner: performed, performed again, undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, StepState

_CHANGING = ("stop-services", "park-config", "place-certificates", "place-profile-mapper", "commit-config")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def trees(lab: Lab) -> dict[str, object]:
    """The install directory of every host, to the byte."""
    return {name: tree_of(host) for name, host in lab.hosts.items()}


def test_one_connector_becomes_a_cluster_a_second_run_restarts_nothing_and_undoing_gives_every_byte_back(
    box: JumpBox,
) -> None:
    begun, before = time.time(), trees(box.lab)
    with box.operations() as operations:
        run = operations.start_run()
        becomes_a_cluster(box, operations, run)
        assert tree_of(box.lab.hosts["fir"]) == before["fir"]
        finds_everything_done(box.lab, operations)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert trees(box.lab) == before
    assert box.lab.tenant.accepted() == {"fir": 1}
    assert box.lab.tenant.hub.always_connected("fir", begun)


def becomes_a_cluster(box: JumpBox, operations: ClusterOperations, run: str) -> None:
    """The run ends well, and what it says is true."""
    view = finished(operations, run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"
    assert {host.name: host.verdict for host in view.hosts} == dict.fromkeys(("fir", "oak", "elm"), "healthy")
    status = operations.status()
    assert status.verdict is Verdict.HEALTHY
    assert [host.drift for host in status.hosts] == [(), (), ()]
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}
    assert box.lab.tenant.published == box.lab.set.thumbprint


def finds_everything_done(lab: Lab, operations: ClusterOperations) -> None:
    """Another run changes nothing and restarts nothing."""
    pids = {name: host.services.unit(host.connector_unit).pid for name, host in lab.hosts.items()}
    made = trees(lab)
    again = finished(operations, operations.start_run())
    plan = operations.preview()
    assert again.verdict == "healthy", errors_of(again)
    for step in (*_CHANGING, "start-admin", "start-connector", "connected"):
        assert step_of(again, f"oak/{step}").state is StepState.ALREADY, step
    assert {name: host.services.unit(host.connector_unit).pid for name, host in lab.hosts.items()} == pids
    assert trees(lab) == made
    real = {change.action for step in plan.steps for change in step.changes if step.name in _CHANGING}
    assert not real & {"create", "replace", "remove", "stop", "start"}
