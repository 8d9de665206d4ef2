"""Rolling restart and failover drill on three embedded hosts, with the tenant's own record of who was connected when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.errors import OperatorError
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, RunView, StepState

NAMES = ("fir", "oak", "elm")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three that is in service."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def pids(box: JumpBox) -> dict[str, int | None]:
    return {name: host.services.unit(host.connector_unit).pid for name, host in box.lab.hosts.items()}


def state_of(operations: ClusterOperations, run: str, step: str) -> StepState | None:
    """A step's state; None while the run has no plan yet."""
    return next((each.state for each in operations.run_view(run).steps if each.planned.id == step), None)


def errors(view: RunView) -> list[tuple[str, ...]]:
    return [step.error for step in view.steps if step.error]


def test_a_rolling_restart_restarts_each_instance_and_never_has_two_down(box: JumpBox) -> None:
    before, trees, since = pids(box), {name: tree_of(box.lab.hosts[name]) for name in NAMES}, time.time()
    with box.operations() as operations:
        view = finished(operations, operations.acts.start("restart"))
    assert view.state is RunState.DONE, errors(view)
    assert (view.act, view.verdict) == ("restart", "healthy")
    after = pids(box)
    assert all(after[name] and after[name] != before[name] for name in NAMES)
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1
    assert {name: tree_of(box.lab.hosts[name]).keys() for name in NAMES} == {n: t.keys() for n, t in trees.items()}
    order = [step.planned.host for step in sorted(view.steps, key=lambda step: step.started or view.started)]
    assert list(dict.fromkeys(order)) == ["oak", "elm", "fir"]


def test_a_drill_proves_that_the_cluster_survives_the_loss_of_any_one(box: JumpBox) -> None:
    since = time.time()
    with box.operations() as operations:
        view = finished(operations, operations.acts.start("drill"))
    assert view.state is RunState.DONE, errors(view)
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1
    for name in NAMES:
        proof = step_of(view, f"{name}/others-stay")
        assert "stayed connected" in proof.detail
        assert "online at the tenant" in proof.detail


def test_the_first_failure_ends_a_rolling_restart_with_the_others_untouched(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before, since = pids(box), time.time()
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/return", start=lambda: operations.acts.start("restart"))
        box.lab.fault("service_masked", "oak")
        held.go_on()
        view = finished(operations, held.run)
    assert view.state in (RunState.FAILED, RunState.INCONSISTENT, RunState.ROLLED_BACK)
    assert step_of(view, "oak/return").state in (StepState.FAILED, StepState.UNDONE)
    assert step_of(view, "elm/drain").state is StepState.PENDING
    after = pids(box)
    assert (after["elm"], after["fir"]) == (before["elm"], before["fir"])
    assert box.lab.tenant.hub.least_connected(since) == 2


def test_an_instance_that_would_not_start_again_is_not_stopped(box: JumpBox) -> None:
    before = pids(box)
    box.lab.fault("service_masked", "oak")
    with box.operations() as operations:
        view = finished(operations, operations.acts.start("restart", ["oak"]))
    assert view.state is not RunState.DONE
    assert "masked" in step_of(view, "oak/safe-to-return").error[0]
    assert pids(box) == before


def test_an_instance_with_another_certificate_is_never_stopped(box: JumpBox) -> None:
    before = pids(box)
    box.lab.tenant.know("ab" * 20)
    with box.operations() as operations:
        view = finished(operations, operations.acts.start("restart", ["oak"]))
    assert view.state is not RunState.DONE
    assert "not the one that the tenant knows" in step_of(view, "oak/safe-to-return").error[0]
    assert pids(box) == before


class TestTooFew:
    @pytest.fixture
    def pair(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
        """Two hosts of which only the first serves."""
        with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
            yield made

    def refused(self, operations: ClusterOperations, run: str) -> str:
        view = finished(operations, run)
        assert view.state is not RunState.DONE
        return step_of(view, "fir/others-serve").error[0]

    def test_a_drill_that_would_leave_none_is_refused(self, pair: JumpBox) -> None:
        since = time.time()
        with pair.operations() as operations:
            said = self.refused(operations, operations.acts.start("drill", ["fir"]))
        assert "only instance" in said
        assert pair.lab.tenant.hub.least_connected(since) == 1

    def test_the_only_instance_is_restarted_when_the_operator_has_agreed(self, pair: JumpBox) -> None:
        before = pids(pair)["fir"]
        with pair.operations() as operations:
            assert "only instance" in self.refused(operations, operations.acts.start("restart", ["fir"]))
            assert pids(pair)["fir"] == before
            view = finished(operations, operations.acts.start("restart", ["fir"], interrupts=True))
        assert view.state is RunState.DONE, errors(view)
        assert pids(pair)["fir"] != before


def test_a_host_that_is_not_in_the_cluster_is_refused_before_anything_starts(box: JumpBox) -> None:
    with box.operations() as operations, pytest.raises(OperatorError, match="not a host of cluster"):
        operations.acts.start("restart", ["ash"])


def test_a_killed_runner_is_resumed_without_a_second_restart(box: JumpBox) -> None:
    with box.operations() as operations:
        run = operations.acts.start("restart", ["oak"])
        until(lambda: state_of(operations, run, "oak/back-in-service") is StepState.RUNNING)
        box.kill_runner(run)
        until(lambda: operations.run_view(run).state is RunState.INTERRUPTED)
        pid = pids(box)["oak"]
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors(view)
    assert pids(box)["oak"] == pid
    assert view.act == "restart"
