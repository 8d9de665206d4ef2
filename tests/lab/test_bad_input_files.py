"""Configuration sets that are damaged or odd: what is broken is refused, what is merely odd is copied to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.jump_box import JumpBox, finished, jump_box, tree_of
from tui.findings import blockers
from tui.lab.lab import Lab
from tui.lab.standin.certificates import generate_pair
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState
from tui.sizes import told_size


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    with box.operations() as made:
        yield made


def first_install(box: JumpBox) -> Path:
    """The first host's install directory."""
    return Path(box.lab.hosts["fir"].install_dir)


def refused_first(operations: ClusterOperations) -> set[str]:
    """Why the first host cannot be copied; every reason says what to do."""
    survey = operations.survey_first()
    assert not survey.exportable
    stopping = blockers(survey.findings)
    assert all(finding.remedy for finding in stopping)
    return {finding.id for finding in stopping}


def test_a_key_that_does_not_belong_to_its_certificate_is_noticed(box: JumpBox, operations: ClusterOperations) -> None:
    _, other_key = generate_pair("somebody else")
    (first_install(box) / "certs/cert.key").write_bytes(other_key)
    assert {"key-mismatch", "password-not-decryptable"} <= refused_first(operations)


def test_a_key_whose_line_ends_were_changed_is_noticed(box: JumpBox, operations: ClusterOperations) -> None:
    key = first_install(box) / "certs/cert.key"
    assert b"\r\n" in key.read_bytes()
    key.write_bytes(key.read_bytes().replace(b"\r\n", b"\n"))
    assert refused_first(operations) == {"password-not-decryptable"}


def test_a_truncated_configuration_on_the_first_host_is_refused(box: JumpBox, operations: ClusterOperations) -> None:
    config = first_install(box) / "config.json"
    config.write_bytes(config.read_bytes()[:200])
    assert "config-unreadable" in refused_first(operations)


def test_a_truncated_configuration_on_an_additional_host_is_not_overwritten(
    box: JumpBox, operations: ClusterOperations
) -> None:
    config = Path(box.lab.hosts["oak"].install_dir) / "config.json"
    config.write_bytes(box.lab.set.files["config.json"][:200])
    before = tree_of(box.lab.hosts["oak"])
    survey = operations.survey_additional("oak")
    assert {finding.id for finding in blockers(survey.findings)} == {"config-unreadable"}
    view = finished(operations, operations.start_run())
    assert view.state is RunState.ROLLED_BACK
    assert tree_of(box.lab.hosts["oak"]) == before


@pytest.mark.parametrize("change", ["bom", "crlf"])
def test_a_configuration_with_bom_or_crlf_is_read_and_kept_to_the_byte(
    box: JumpBox, operations: ClusterOperations, change: str
) -> None:
    config = first_install(box) / "config.json"
    data = config.read_bytes()
    config.write_bytes(b"\xef\xbb\xbf" + data if change == "bom" else data.replace(b"\n", b"\r\n"))
    survey = operations.survey_first()
    assert survey.exportable, survey.findings
    backup = operations.back_up_first()
    changes = {each.subject: each.after or "" for each in operations.survey_additional("oak").changes}
    assert changes["config.json"].startswith(told_size(len(config.read_bytes())))
    assert next(file.size for file in backup.files if file.path == "config.json") == len(config.read_bytes())


def test_everything_in_certs_is_copied_and_what_was_there_comes_back(
    box: JumpBox, operations: ClusterOperations
) -> None:
    certs = first_install(box) / "certs"
    (certs / "chain/old ones").mkdir(parents=True)
    (certs / "chain/old ones/root ä.pem").write_bytes(b"-----BEGIN X-----\r\n\x00\xff\r\n")
    (certs / "empty.txt").write_bytes(b"")
    config = first_install(box) / "config.json"
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    oak = box.lab.hosts["oak"]
    left_over = Path(oak.install_dir) / "certs"
    left_over.mkdir()
    (left_over / "left over.pem").write_bytes(b"what nobody remembers")
    (left_over / "left over.pem").chmod(0o640)
    before = tree_of(oak)
    run = operations.start_run()
    view = finished(operations, run)
    assert view.state is RunState.DONE, [step.error for step in view.steps if step.error]
    assert view.verdict == "healthy"
    placed = {path: entry for path, entry in tree_of(oak).items() if path.startswith("certs")}
    assert placed == {path: entry for path, entry in tree_of(box.lab.hosts["fir"]).items() if path.startswith("certs")}
    assert json.loads((Path(oak.install_dir) / "config.json").read_bytes().decode("utf-8-sig"))["PROVISIONING_TICKET"]
    operations.resume_run(run, undo=True)
    assert finished(operations, run).state is RunState.ROLLED_BACK
    assert tree_of(oak) == before
