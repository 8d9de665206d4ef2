"""Undoing after something happened in between: another operator, a reboot, a lost backup. Never worse than before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import errors_of, killed_at
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.lab.lab import Lab
from tui.runbook.model import RunState


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
        box.lab.fault("host_down", "oak")
        box.lab.fault("host_down", "oak", on=False)
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
