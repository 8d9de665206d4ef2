"""Restoring a backup to hosts in service, bringing drift back, and promoting another host, on three embedded hosts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import killed_act
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.cluster_file import load_cluster
from tui.errors import OperatorError
from tui.lab.lab import Lab
from tui.lab.standin.certificates import generate_pair
from tui.lab.standin.certificates import thumbprint as thumbprint_of
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, RunView, StepState
from tui.runbook.order import Wanted

NAMES = ("fir", "oak", "elm")
MAPPER = "lib/profileMapper.js"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three that is in service."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    """With the vault open."""
    with box.operations() as made:
        made.unlock_identity(box.lab.vault_passphrase)
        yield made


def errors(view: RunView) -> list[tuple[str, ...]]:
    return [step.error for step in view.steps if step.error]


def path_of(box: JumpBox, host: str, relative: str) -> Path:
    return Path(box.lab.hosts[host].install_dir) / relative


def values_of(box: JumpBox, host: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(path_of(box, host, "config.json").read_bytes())
    return loaded


def spoil_mapper(box: JumpBox, host: str) -> bytes:
    """Put another profile mapper on a host; returns the good one."""
    file = path_of(box, host, MAPPER)
    good = file.read_bytes()
    file.write_bytes(b"module.exports = function () { return {}; };\n")
    return good


def test_converging_brings_a_host_with_drift_back_and_undo_gives_the_drift_back(
    box: JumpBox, operations: ClusterOperations
) -> None:
    good, since = spoil_mapper(box, "oak"), time.time()
    drifted = path_of(box, "oak", MAPPER).read_bytes()
    plan = operations.acts.preview("converge", ["oak"])
    replaced = [change.subject for step in plan.steps for change in step.changes if change.action == "replace"]
    assert MAPPER in replaced
    run = operations.acts.start("converge", ["oak"])
    view = finished(operations, run)
    assert view.state is RunState.DONE, errors(view)
    assert view.act == "converge"
    assert path_of(box, "oak", MAPPER).read_bytes() == good
    assert box.lab.tenant.hub.always_connected("fir", since)
    assert operations.status().verdict.value == "healthy"
    operations.resume_run(run, undo=True)
    assert finished(operations, run).state is RunState.ROLLED_BACK
    assert path_of(box, "oak", MAPPER).read_bytes() == drifted


def test_the_first_host_cannot_be_converged_with_itself(operations: ClusterOperations) -> None:
    with pytest.raises(OperatorError, match="not an additional host"):
        operations.acts.start("converge", ["fir"])


class TestRestore:
    def test_a_backup_comes_back_to_the_named_host_only_and_undo_gives_back_what_was_there(
        self, box: JumpBox, operations: ClusterOperations
    ) -> None:
        backup = operations.back_up_first()
        good = spoil_mapper(box, "oak")
        spoiled, since = path_of(box, "oak", MAPPER).read_bytes(), time.time()
        untouched = {name: tree_of(box.lab.hosts[name]) for name in ("fir", "elm")}
        run = operations.acts.start("restore", ["oak"], wanted=Wanted(backup=backup.id))
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors(view)
        assert (view.act, view.verdict) == ("restore", "healthy")
        assert path_of(box, "oak", MAPPER).read_bytes() == good
        assert {name: tree_of(box.lab.hosts[name]) for name in ("fir", "elm")} == untouched
        assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1
        operations.resume_run(run, undo=True)
        assert finished(operations, run).state is RunState.ROLLED_BACK
        assert path_of(box, "oak", MAPPER).read_bytes() == spoiled
        assert box.lab.tenant.hub.wait_for(lambda accepted: len(accepted) == 3, 60)

    def test_a_killed_runner_goes_on_with_the_same_backup(
        self, box: JumpBox, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        backup = operations.back_up_first()
        good = spoil_mapper(box, "oak")
        wanted = Wanted(backup=backup.id)
        run = killed_act(operations, monkeypatch, "restore", "oak/place-profile-mapper", hosts=["oak"], wanted=wanted)
        operations.resume_run(run)
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors(view)
        assert path_of(box, "oak", MAPPER).read_bytes() == good

    def test_a_host_whose_configuration_is_broken_is_given_its_own_back(
        self, box: JumpBox, operations: ClusterOperations
    ) -> None:
        backup = operations.back_up_first()
        path_of(box, "fir", "config.json").write_bytes(b'{"PROVISIONING_TICKET": "http')
        view = finished(operations, operations.acts.start("restore", ["fir"], wanted=Wanted(backup=backup.id)))
        assert view.state is RunState.DONE, errors(view)
        assert values_of(box, "fir")["LDAP_BASE"]
        assert box.lab.tenant.accepted() == dict.fromkeys(NAMES, 1)

    def test_a_set_with_another_certificate_is_never_started_without_the_word_for_it(
        self, box: JumpBox, operations: ClusterOperations
    ) -> None:
        backup, known = operations.back_up_first(), box.lab.tenant.published
        before = tree_of(box.lab.hosts["oak"])
        box.lab.tenant.know("ab" * 20)
        view = finished(operations, operations.acts.start("restore", ["oak"], wanted=Wanted(backup=backup.id)))
        assert view.state in (RunState.FAILED, RunState.ROLLED_BACK)
        assert "another certificate" in step_of(view, "oak/inspect").error[0]
        assert step_of(view, "oak/stop-services").state is StepState.PENDING
        assert tree_of(box.lab.hosts["oak"]) == before
        assert box.lab.tenant.published == "ab" * 20 != known

    def test_with_the_word_for_it_the_certificate_of_the_backup_is_published_and_all_follow(
        self, box: JumpBox, operations: ClusterOperations
    ) -> None:
        """What another instance has published locks every instance out; the good pair comes back everywhere."""
        backup, good = operations.back_up_first(), box.lab.tenant.published
        certificate, key = generate_pair("oak")
        path_of(box, "oak", "certs/cert.pem").write_bytes(certificate)
        path_of(box, "oak", "certs/cert.key").write_bytes(key)
        box.lab.tenant.publish(certificate, "elsewhere", "http://oak:4000/wsfed")
        assert box.lab.tenant.published == thumbprint_of(certificate) != good
        run = operations.acts.start("republish", NAMES, wanted=Wanted(backup=backup.id))
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors(view)
        assert box.lab.tenant.published == good
        assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 60)

    def test_a_backup_that_this_jump_box_has_not_made_is_refused(self, operations: ClusterOperations) -> None:
        with pytest.raises(OperatorError, match="no backup"):
            operations.acts.preview("restore", ["oak"], wanted=Wanted(backup="20260101T000000Z-fir-set-abcdef"))

    def test_no_host_is_written_to_that_was_not_named(self, operations: ClusterOperations) -> None:
        with pytest.raises(OperatorError, match="no host was named"):
            operations.acts.start("restore", wanted=Wanted(backup="20260101T000000Z-fir-set-abcdef"))


class TestPromote:
    def test_another_host_becomes_the_reference(self, box: JumpBox, operations: ClusterOperations) -> None:
        planned = operations.acts.promotion("oak")
        assert planned.differing == ()
        operations.save(planned.cluster)
        assert load_cluster(box.cluster_file).first.name == "oak"
        assert operations.cluster.first.name == "oak"
        assert operations.status().verdict.value == "healthy"

    def test_a_host_that_is_not_connected_is_not_fit(self, box: JumpBox, operations: ClusterOperations) -> None:
        before = box.cluster_file.read_bytes()
        oak = box.lab.hosts["oak"]
        oak.services.stop(oak.connector_unit)
        until(lambda: "oak" not in box.lab.tenant.accepted())
        with pytest.raises(OperatorError):
            operations.acts.promotion("oak")
        assert box.cluster_file.read_bytes() == before

    def test_it_waits_for_a_run_that_is_not_finished(
        self, box: JumpBox, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spoil_mapper(box, "elm")
        killed_act(operations, monkeypatch, "converge", "elm/stop-services", hosts=["elm"])
        with pytest.raises(OperatorError, match="not finished"):
            operations.acts.promotion("oak")
        assert operations.runs()[0].state is RunState.INTERRUPTED


def test_restored_steps_are_told_apart(box: JumpBox, operations: ClusterOperations) -> None:
    backup = operations.back_up_first()
    view = finished(operations, operations.acts.start("restore", ["elm"], wanted=Wanted(backup=backup.id)))
    assert view.state is RunState.DONE, errors(view)
    assert step_of(view, "elm/stop-services").state is StepState.ALREADY
