"""What a resume does when the cluster file is no longer what the run was confirmed with."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from tests.lab.jump_box import finished, jump_box, tree_of, until
from tui.errors import OperatorError
from tui.headless import resume
from tui.lab.lab import Lab
from tui.runbook.model import RunState, RunView, StepState
from tui.terminal_talk import TerminalTalk


def _drop_host(cluster_file: Path, name: str) -> None:
    document = tomlkit.parse(cluster_file.read_text())
    hosts = document["hosts"]
    assert isinstance(hosts, list)
    hosts.pop(next(place for place, host in enumerate(hosts) if host["name"] == name))
    cluster_file.write_text(tomlkit.dumps(document))


def _begun(view: RunView, step: str) -> bool:
    return any(each.planned.id == step and each.state is not StepState.PENDING for each in view.steps)


def test_a_run_whose_hosts_have_left_the_cluster_file_touches_no_other_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lab(tmp_path / "lab", speed=20) as lab, jump_box(lab, monkeypatch) as box:
        before = {name: tree_of(lab.hosts[name]) for name in ("oak", "elm")}
        with box.operations() as operations:
            run = operations.start_run(["elm"])
            until(lambda: _begun(operations.run_view(run), "elm/stop-services"))
            box.kill_runner(run)
            until(lambda: operations.run_view(run).state is RunState.INTERRUPTED)
        whole = box.cluster_file.read_text()
        _drop_host(box.cluster_file, "elm")
        with box.operations() as operations, pytest.raises(OperatorError, match="any more") as refused:
            operations.resume_run(run)
        assert refused.value.host == "elm"
        assert tree_of(lab.hosts["oak"]) == before["oak"]

        box.cluster_file.write_text(whole)
        with box.operations() as operations:
            operations.resume_run(run, undo=True)
            view = finished(operations, run)
        assert view.state is RunState.ROLLED_BACK
        assert view.changed == ()
        assert {name: tree_of(lab.hosts[name]) for name in before} == before


def test_a_failed_run_that_left_a_host_changed_can_be_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as box:
        box.write_cluster(tenant=False)
        with box.operations(answers={"tenant": "not_green"}) as operations:
            run = operations.start_run()
            failed = finished(operations, run)
        assert (failed.state, failed.changed, failed.can_be_finished) == (RunState.FAILED, ("oak",), True)
        said = " ".join(failed.error)
        assert f"resume run {run} to finish it" in said
        assert "the other hosts" not in said

        told: list[str] = []
        talk = TerminalTalk(show=told.append, ask_line=None, ask_hidden=None, yes=True)
        with box.operations(answers={"tenant": "green"}) as operations:
            done = resume(operations, talk, None, undo=False)
        assert (done.id, done.state, done.verdict) == (run, RunState.DONE, "healthy")
        assert not any("Put the certificates in place" in line for line in told)
