"""Undoing after something happened in between: another operator, a reboot, a lost backup. Never worse than before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of, killed_at
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.lab.lab import Lab
from tui.runbook.model import RunState, StepState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def test_a_host_that_another_operator_has_finished_is_left_alone(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    oak = box.lab.hosts["oak"]
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "oak/place-certificates")
        (Path(oak.install_dir) / ".adldap-ha.lock").unlink()
        with pytest.MonkeyPatch.context() as patch, jump_box(box.lab, patch) as other, other.operations() as theirs:
            assert finished(theirs, theirs.start_run()).state is RunState.DONE
        serving = tree_of(oak)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT
    assert any("does not hold the host any more" in line for _, lines in errors_of(view) for line in lines)
    assert tree_of(oak) == serving
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1}


def test_a_connector_that_a_reboot_started_with_the_runs_set_is_stopped_by_undo(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = box.lab.hosts["oak"]
    before = tree_of(oak)
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "oak/commit-config")
        oak.services.reset_failed(oak.connector_unit)
        oak.services.start(oak.connector_unit)
        until(lambda: box.lab.tenant.accepted().get("oak") == 1)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert tree_of(oak) == before
    assert oak.services.unit(oak.connector_unit).active != "active"
    assert box.lab.tenant.accepted() == {"fir": 1}


def test_undo_without_its_backup_says_so_and_still_moves_back_what_was_parked(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = box.lab.hosts["oak"]
    mapper = Path(oak.install_dir) / "lib/profileMapper.js"
    mapper.write_text("// oak's own\n")
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "oak/start-admin", "apply", "before")
        for path in (box.home / "data").rglob("*oak-before*"):
            path.unlink()
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT
    assert any("cannot be read from the vault" in line for _, lines in errors_of(view) for line in lines)
    assert mapper.read_text() == "// oak's own\n"
    assert oak.services.unit(oak.connector_unit).active != "active"
    assert step_of(view, "oak/lock").error == ()


def test_what_undo_could_not_give_back_is_refused_before_anything_is_changed(box: JumpBox) -> None:
    certs = Path(box.lab.hosts["oak"].install_dir) / "certs"
    deep = certs.joinpath(*"abcdefg")
    deep.mkdir(parents=True)
    (deep / "deep.pem").write_text("deep\n")
    (certs / "old.pem").symlink_to("../lib/profileMapper.js")
    before = tree_of(box.lab.hosts["oak"])
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
    told = step_of(view, "oak/inspect").error[0]
    assert "certs/old.pem" in told
    assert "certs/a/b/c/d/e/f/g" in told
    assert step_of(view, "oak/lock").state is StepState.PENDING
    assert tree_of(box.lab.hosts["oak"]) == before


def test_a_mode_that_was_changed_after_the_backup_is_not_taken_back(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mapper = Path(box.lab.hosts["oak"].install_dir) / "lib/profileMapper.js"
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/lock")
        mapper.chmod(0o640)
        held.go_on()
        view = finished(operations, held.run)
    assert "who may use the files" in step_of(view, "oak/unchanged").error[0]
    assert mapper.stat().st_mode & 0o777 == 0o640


def test_a_host_changed_while_a_run_lay_interrupted_is_backed_up_anew(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    oak = box.lab.hosts["oak"]
    mapper = Path(oak.install_dir) / "lib/profileMapper.js"
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "oak/back-up-before")
        mapper.write_text("// changed meanwhile\n")
        before = tree_of(oak)
        operations.resume_run(run)
        assert finished(operations, run).state is RunState.DONE
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert tree_of(oak) == before
