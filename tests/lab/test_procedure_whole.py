"""The whole procedure on three embedded hosts, with the real detached runner."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.runbook.model import RunState, StepState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def test_one_connector_becomes_a_cluster_and_the_first_host_never_drops(box: JumpBox) -> None:
    begun = time.time()
    first_before = tree_of(box.lab.hosts["fir"])
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
        assert view.state is RunState.DONE, [step for step in view.steps if step.error]
        assert view.verdict == "healthy"
        assert {host.name: host.verdict for host in view.hosts} == dict.fromkeys(("fir", "oak", "elm"), "healthy")
        status = operations.status()
    assert status.verdict is Verdict.HEALTHY
    assert [host.drift for host in status.hosts] == [(), (), ()]
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}
    assert box.lab.tenant.published == box.lab.set.thumbprint
    assert tree_of(box.lab.hosts["fir"]) == first_before


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def test_a_second_run_finds_everything_done_and_restarts_nothing(small: JumpBox) -> None:
    with small.operations() as operations:
        assert finished(operations, operations.start_run()).state is RunState.DONE
        pids = {name: host.services.unit(host.connector_unit).pid for name, host in small.lab.hosts.items()}
        trees = {name: tree_of(host) for name, host in small.lab.hosts.items()}
        again = finished(operations, operations.start_run())
        plan = operations.preview()
    assert again.verdict == "healthy"
    changing = ("stop-services", "park-config", "place-certificates", "place-profile-mapper", "commit-config")
    for step in (*changing, "start-admin", "start-connector", "connected"):
        assert step_of(again, f"oak/{step}").state is StepState.ALREADY, step
    assert {name: host.services.unit(host.connector_unit).pid for name, host in small.lab.hosts.items()} == pids
    assert {name: tree_of(host) for name, host in small.lab.hosts.items()} == trees
    real = {change.action for step in plan.steps for change in step.changes if step.name in changing}
    assert not real & {"create", "replace", "remove", "stop", "start"}


def test_undoing_a_finished_run_gives_back_every_additional_host_to_the_byte(box: JumpBox) -> None:
    before = {name: tree_of(box.lab.hosts[name]) for name in ("oak", "elm")}
    begun = time.time()
    with box.operations() as operations:
        run = operations.start_run()
        assert finished(operations, run).state is RunState.DONE
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK
    assert {name: tree_of(box.lab.hosts[name]) for name in ("oak", "elm")} == before
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert box.lab.tenant.accepted() == {"fir": 1}
