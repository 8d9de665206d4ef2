"""What goes wrong in the middle of a run: the host is put back to the byte, and the first host never notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box, question_of, step_of, tree_of
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, StepState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def held_before_the_first_change(operations: ClusterOperations, patch: pytest.MonkeyPatch, box: JumpBox) -> Held:
    """A run that has looked at everything and taken the additional host, and waits there."""
    return Held(operations, patch, box.home, "oak/stop-services")


def test_a_clone_that_is_accepted_and_dies_is_rolled_back(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    oak, begun = box.lab.hosts["oak"], time.time()
    before = tree_of(oak)
    with box.operations() as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("clock", "oak")
        held.go_on()
        view = finished(operations, held.run)
    assert view.state is RunState.ROLLED_BACK
    failed = step_of(view, "oak/connected")
    assert "Clock skew detected" in "\n".join(failed.error), errors_of(view)
    assert tree_of(oak) == before
    assert oak.admin_unit
    assert oak.services.unit(oak.connector_unit).active != "active"
    assert oak.services.unit(oak.admin_unit).active == "active"
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert not {step.planned.host for step in view.steps if step.state is StepState.INCONSISTENT}


def test_a_clone_that_makes_its_own_certificate_is_stopped_at_once_and_said_loudly(box: JumpBox) -> None:
    oak = box.lab.hosts["oak"]
    unit = oak.root / "lib/systemd/system" / oak.connector_unit
    text = unit.read_text()
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    command = start.removeprefix("ExecStart=")
    unit.write_text(text.replace(start, f'ExecStart=/bin/sh -c "rm -rf certs; mkdir certs; exec {command}"'))
    oak.services.reload()
    before = tree_of(oak)
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
    failed = step_of(view, "oak/connected")
    told = "\n".join(failed.error)
    assert "made one and published it" in told
    assert "restart the connector on fir" in told
    assert box.lab.set.thumbprint in told
    assert view.state is RunState.ROLLED_BACK
    assert tree_of(oak) == before
    assert oak.services.unit(oak.connector_unit).active != "active"


def test_another_certificate_at_the_tenant_stops_the_run_before_the_commit(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = box.lab.hosts["oak"]
    before = tree_of(oak)
    with box.operations() as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.tenant.publish_foreign("ab" * 20)
        held.go_on()
        view = finished(operations, held.run)
    failed = step_of(view, "oak/compare-thumbprint")
    assert any("not the one that the tenant knows" in line for line in failed.error), failed.error
    assert step_of(view, "oak/commit-config").state is StepState.PENDING
    assert step_of(view, "oak/start-connector").state is StepState.PENDING
    assert tree_of(oak) == before


def test_a_host_that_somebody_else_has_taken_is_left_alone(box: JumpBox) -> None:
    oak = box.lab.hosts["oak"]
    lock = Path(oak.install_dir) / ".adldap-ha.lock"
    lock.write_text('{"run": "another", "holder": "bob@elsewhere", "since": "2026-11-22T10:00:00+00:00"}\n')
    before = tree_of(oak)
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
    told = "\n".join(step_of(view, "oak/lock").error)
    assert "bob@elsewhere" in told
    assert "2026-11-22" in told
    assert tree_of(oak) == before


def test_a_link_cut_in_the_middle_is_opened_again(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    with box.operations() as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("link_cut", "oak", after=6000)
        held.go_on()
        view = finished(operations, held.run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"
    assert ("link_cut", "oak") not in box.lab.active_faults()


def test_a_disk_that_fills_up_in_the_middle_rolls_the_host_back(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    oak = box.lab.hosts["oak"]
    before = tree_of(oak)
    with box.operations(unattended=False) as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("disk_full", "oak")
        held.go_on()
        question = question_of(operations, held.run)
        assert any("space" in line for line in question.text), question.text
        box.lab.fault("disk_full", "oak", on=False)
        operations.answer(held.run, question.id, "roll_back")
        view = finished(operations, held.run)
    assert view.state is RunState.ROLLED_BACK
    assert tree_of(oak) == before


def test_a_connector_that_died_is_started_anew_on_retry(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    with box.operations(unattended=False) as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("clock", "oak")
        held.go_on()
        question = question_of(operations, held.run)
        assert question.step == "oak/connected"
        box.lab.fault("clock", "oak", on=False)
        operations.answer(held.run, question.id, "retry")
        view = finished(operations, held.run)
    assert view.state is RunState.DONE, errors_of(view)
    assert view.verdict == "healthy"


def test_a_masked_service_is_unmasked_and_the_step_retried(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    with box.operations(unattended=False) as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("service_masked", "oak")
        held.go_on()
        question = question_of(operations, held.run)
        assert question.step == "oak/start-connector"
        assert question.choices == ("retry", "roll_back")
        assert any("masked" in line for line in question.text)
        box.lab.fault("service_masked", "oak", on=False)
        operations.answer(held.run, question.id, "retry")
        view = finished(operations, held.run)
    assert view.state is RunState.DONE
    assert view.verdict == "healthy"


def test_without_api_access_the_operators_answer_is_recorded(box: JumpBox) -> None:
    box.write_cluster(tenant=False)
    with box.operations(unattended=False) as operations:
        run = operations.start_run()
        question = question_of(operations, run)
        assert question.kind == "tenant"
        assert question.choices == ("green", "not_green", "not_checked")
        operations.answer(run, question.id, "green")
        view = finished(operations, run)
        report = operations.report(run).read_text()
    assert view.state is RunState.DONE
    assert "online, says alice@jump" in step_of(view, "tenant/tenant-online").detail
    assert "online, says alice@jump" in report


def test_when_the_management_api_cannot_tell_the_operator_is_asked(box: JumpBox) -> None:
    with box.operations(unattended=False) as operations:
        operations.supply_client_secret("not the secret")
        run = operations.start_run()
        question = question_of(operations, run)
        assert question.kind == "tenant"
        assert any("could not tell" in line for line in question.text)
        operations.answer(run, question.id, "green")
        view = finished(operations, run)
    assert view.state is RunState.DONE
    assert "online, says alice@jump" in step_of(view, "tenant/tenant-online").detail


def test_a_death_is_told_by_the_connectors_own_last_words(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    with box.operations(unattended=False) as operations:
        held = held_before_the_first_change(operations, monkeypatch, box)
        box.lab.fault("ldap_down")
        held.go_on()
        question = question_of(operations, held.run)
        assert "process exited" not in question.text[0].lower()
        assert "ldap" in " ".join(question.text).lower()
        box.lab.fault("ldap_down", on=False)
        operations.answer(held.run, question.id, "roll_back")
        finished(operations, held.run)
