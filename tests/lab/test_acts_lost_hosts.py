"""A new certificate while hosts are lost at the worst moment: whoever is left serves, and nothing is taken back by halves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of, killed_act
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, until
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, StepState

NAMES = ("fir", "oak", "elm")
ALL = dict.fromkeys(NAMES, 1)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three that is in service; oak is the one that publishes a new certificate."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    """With the vault open."""
    with box.operations() as made:
        made.unlock_identity(box.lab.vault_passphrase)
        yield made


def serve(box: JumpBox, accepted: dict[str, int]) -> bool:
    """Whether exactly these are accepted, within a while."""
    return box.lab.tenant.hub.wait_for(lambda seen: seen == accepted, 60)


def test_the_others_go_on_with_the_new_certificate_when_the_publisher_is_lost_after_it_taught_the_tenant(
    box: JumpBox, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = box.lab.tenant.published
    held = Held(operations, monkeypatch, tmp_path, "oak/published", start=lambda: operations.acts.start("renew"))
    until(lambda: box.lab.tenant.published != old)
    new = box.lab.tenant.published
    box.lab.fault("host_down", "oak")
    held.go_on()
    view = finished(operations, held.run)
    assert view.state is RunState.FAILED, errors_of(view)
    assert "lost meanwhile" in step_of(view, "oak/published").detail
    assert serve(box, {"fir": 1, "elm": 1})
    since = time.time()

    operations.resume_run(held.run)
    view = finished(operations, held.run)
    assert view.state is RunState.FAILED, errors_of(view)
    assert step_of(view, "fir/start-connector").state is not StepState.UNDONE
    assert box.lab.tenant.published == new
    assert box.lab.tenant.hub.least_connected(since) == 2

    box.lab.fault("host_down", "oak", on=False)
    assert serve(box, ALL)
    operations.resume_run(held.run)
    view = finished(operations, held.run)
    assert view.state is RunState.DONE, errors_of(view)
    assert box.lab.tenant.published == new
    assert box.lab.tenant.hub.least_connected(since) == 2


def test_another_instance_teaches_the_old_certificate_again_when_the_publisher_cannot(
    box: JumpBox, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publisher's host is lost with the runner, so what it did is known from the tenant only."""
    old = box.lab.tenant.published
    run = killed_act(operations, monkeypatch, "renew", "oak/start-connector")
    until(lambda: box.lab.tenant.published != old)
    box.lab.fault("host_down", "oak")
    operations.resume_run(run)
    view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT, errors_of(view)
    assert box.lab.tenant.published == old
    assert serve(box, {"fir": 1, "elm": 1})
    assert "in place of oak" in step_of(view, "fir/way-back").detail
    oak = next(host for host in view.hosts if host.name == "oak")
    assert "publishes it when it starts" in oak.detail


def test_it_is_undone_on_every_instance_that_has_it_or_on_none(box: JumpBox, operations: ClusterOperations) -> None:
    """Also when another host has become the reference since."""
    old = box.lab.tenant.published
    run = operations.acts.start("renew")
    assert finished(operations, run).state is RunState.DONE
    new, since = box.lab.tenant.published, time.time()
    box.lab.fault("host_down", "elm")
    operations.resume_run(run, undo=True)
    view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT, errors_of(view)
    assert "cannot be reached" in step_of(view, "fir/release").error[0]
    assert box.lab.tenant.published == new
    assert set(box.lab.tenant.accepted()) == {"fir", "oak"}
    assert box.lab.tenant.hub.always_connected("fir", since)
    assert box.lab.tenant.hub.always_connected("oak", since)

    box.lab.fault("host_down", "elm", on=False)
    assert serve(box, ALL)
    operations.save(operations.acts.promotion("oak").cluster)
    operations.resume_run(run, undo=True)
    view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert box.lab.tenant.published == old != new
    assert serve(box, ALL)
