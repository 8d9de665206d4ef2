"""Hosts that are not as they should be: each is told apart, nothing is changed, and no password is tried twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of
from tui.errors import OperatorError
from tui.findings import blockers
from tui.health.model import Verdict
from tui.lab.install_tree import build_install
from tui.lab.lab import Lab
from tui.remote.errors import AuthenticationFailed, BecomeFailed, HostKeyChanged, HostKeyUnknown, HostUnreachable
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import StepState
from tui.runbook.survey import AdditionalSurvey


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    with box.operations() as made:
        yield made


def blocked(survey: AdditionalSurvey) -> set[str]:
    """What speaks against changing a host; every such finding says what to do."""
    stopping = blockers(survey.findings)
    assert all(finding.remedy for finding in stopping)
    return {finding.id for finding in stopping}


def test_a_wrong_password_is_tried_once(box: JumpBox, operations: ClusterOperations) -> None:
    operations.access.secrets.hosts["oak"].password = SecretStr("not this one")
    with pytest.raises(AuthenticationFailed) as failure:
        operations.connect("oak")
    assert failure.value.host == "oak"
    assert failure.value.remedy
    attempts = box.lab.hosts["oak"].login.attempts
    assert [let_in for method, let_in in attempts if method in ("password", "keyboard-interactive")] == [False]


def test_a_wrong_sudo_password_is_tried_once(box: JumpBox, operations: ClusterOperations) -> None:
    box.lab.fault("wrong_sudo", "oak")
    with pytest.raises(BecomeFailed) as failure:
        operations.connect("oak")
    assert failure.value.host == "oak"
    assert failure.value.remedy
    assert box.lab.hosts["oak"].sudo_attempts == [False]


def test_an_unreachable_host_is_unknown_and_the_others_are_still_judged(
    box: JumpBox, operations: ClusterOperations
) -> None:
    box.lab.fault("host_down", "oak")
    with pytest.raises(HostUnreachable) as failure:
        operations.connect("oak")
    assert failure.value.host == "oak"
    status = operations.status()
    assert {host.name: host.verdict for host in status.hosts} == {"fir": Verdict.HEALTHY, "oak": Verdict.UNKNOWN}
    assert status.verdict is Verdict.UNKNOWN
    assert status.hosts[1].problems[0].id == "not-observed"


def test_an_unknown_host_key_is_a_question_and_a_changed_one_is_not(
    box: JumpBox, operations: ClusterOperations
) -> None:
    known = box.known_hosts.read_text().splitlines(keepends=True)
    box.known_hosts.write_text(known[0])
    with pytest.raises(HostKeyUnknown) as question:
        operations.connect("oak")
    operations.trust(question.value)
    assert operations.connect("oak").fingerprint == question.value.fingerprint
    fir, oak = known
    address = fir.split()[0]
    box.known_hosts.write_text(" ".join([address, *oak.split()[1:]]) + "\n")
    with pytest.raises(HostKeyChanged):
        operations.connect("fir")


def test_a_host_without_an_install_says_where_it_looked(box: JumpBox, operations: ClusterOperations) -> None:
    oak = box.lab.hosts["oak"]
    shutil.rmtree(oak.install_dir)
    survey = operations.survey_additional("oak")
    assert survey.state == "blocked"
    assert blocked(survey) == {"not-observed"}
    assert survey.findings[0].evidence


def test_an_unfinished_first_host_cannot_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        Lab(tmp_path / "lab", names=("fir", "oak"), configured=(), speed=20) as lab,
        jump_box(lab, monkeypatch) as box,
        box.operations() as operations,
    ):
        survey = operations.survey_first()
        assert not survey.exportable
        assert "config-missing" in {finding.id for finding in blockers(survey.findings)}
        with pytest.raises(OperatorError, match=r"no config\.json"):
            operations.survey_additional("oak")
        with pytest.raises(OperatorError, match=r"no config\.json"):
            operations.back_up_first()


def test_a_host_of_another_connection_is_refused(box: JumpBox, operations: ClusterOperations) -> None:
    oak = box.lab.hosts["oak"]
    values = json.loads(box.lab.set.files["config.json"])
    values |= {"PROVISIONING_TICKET": "https://elsewhere.example/p/ad/other", "CONNECTION": "other-directory"}
    (Path(oak.install_dir) / "config.json").write_text(json.dumps(values))
    survey = operations.survey_additional("oak")
    assert survey.state == "configured_elsewhere"
    assert blocked(survey) == {"configured-elsewhere"}
    assert "other-directory" in blockers(survey.findings)[0].summary
    assert "elsewhere.example" not in survey.model_dump_json()


def test_a_host_of_this_connection_is_recognised(box: JumpBox, operations: ClusterOperations) -> None:
    install = Path(box.lab.hosts["oak"].install_dir)
    for path in ("config.json", "certs/cert.pem", "certs/cert.key"):
        (install / path).parent.mkdir(exist_ok=True)
        (install / path).write_bytes(box.lab.set.files[path])
    values = json.loads(box.lab.set.files["config.json"]) | {"LDAP_URL": "ldap://nearer.example", "LDAP_BASE": "dc=old"}
    (install / "config.json").write_text(json.dumps(values))
    survey = operations.survey_additional("oak")
    assert survey.state == "configured_here"
    assert not blockers(survey.findings)
    assert "site-values-replaced" in {finding.id for finding in survey.findings}
    differing = {key.key for key in survey.keys if not key.equal}
    assert {"LDAP_URL", "LDAP_BASE"} <= differing


def test_another_version_is_refused(box: JumpBox, operations: ClusterOperations) -> None:
    package = Path(box.lab.hosts["oak"].install_dir) / "package.json"
    package.write_text(package.read_text().replace("6.4.1", "6.5.1"))
    survey = operations.survey_additional("oak")
    assert blocked(survey) == {"version-differs"}


@pytest.mark.parametrize("layout", ["v7", "half_migrated"])
def test_a_v7_host_is_named_and_refused(box: JumpBox, operations: ClusterOperations, layout: str) -> None:
    oak = box.lab.hosts["oak"]
    install = Path(oak.install_dir)
    shutil.rmtree(install)
    build_install(install, layout=layout)  # type: ignore[arg-type]
    survey = operations.survey_additional("oak")
    assert blocked(survey) == {f"layout-{layout.replace('_', '-')}"}
    assert "v7" in survey.findings[0].summary


def test_a_full_disk_is_seen_before_anything_is_changed(box: JumpBox, operations: ClusterOperations) -> None:
    box.lab.fault("disk_full", "oak")
    before = tree_of(box.lab.hosts["oak"])
    assert "disk-full" in blocked(operations.survey_additional("oak"))
    assert tree_of(box.lab.hosts["oak"]) == before


def test_a_read_only_file_system_is_seen_before_anything_is_changed(
    box: JumpBox, operations: ClusterOperations
) -> None:
    box.lab.fault("read_only", "oak")
    assert "read-only" in blocked(operations.survey_additional("oak"))


def test_a_link_that_leads_nowhere_is_refused_by_the_run(box: JumpBox, operations: ClusterOperations) -> None:
    oak = box.lab.hosts["oak"]
    (Path(oak.install_dir) / "config.json").symlink_to("/nowhere/config.json")
    before = tree_of(oak)
    view = finished(operations, operations.start_run())
    assert "link that leads nowhere" in step_of(view, "oak/inspect").error[0]
    assert step_of(view, "oak/lock").state is StepState.PENDING
    assert tree_of(oak) == before


def test_a_wrong_clock_is_told_from_the_jump_boxes_own(box: JumpBox, operations: ClusterOperations) -> None:
    box.lab.fault("clock", "oak")
    survey = operations.survey_additional("oak")
    assert blocked(survey) == {"clock-skew"}
    assert "7.0 s ahead" in next(finding.summary for finding in survey.findings if finding.id == "clock-skew")


def test_a_masked_service_is_refused(box: JumpBox, operations: ClusterOperations) -> None:
    box.lab.fault("service_masked", "oak")
    assert blocked(operations.survey_additional("oak")) == {"service-masked"}
