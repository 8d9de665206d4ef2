"""Windows hosts that are not as they should be: each is told apart before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.lab.jump_box import JumpBox, jump_box
from tests.lab.windows.installs import windows_tree_of
from tui.errors import OperatorError
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_WINRM
from tui.lab.windows.host import WindowsLabHost
from tui.remote.errors import AuthenticationFailed, HostUnreachable, RightsLacking
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.survey import AdditionalSurvey


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JumpBox]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        lab = Lab(
            tmp_path_factory.mktemp("lab") / "l", names=("fir", "elm"), speed=20, furnishings={"elm": WINDOWS_WINRM}
        )
        yield stack.enter_context(jump_box(stack.enter_context(lab), patch))


@pytest.fixture
def elm(box: JumpBox) -> Iterator[WindowsLabHost]:
    """The host; whatever a test does to it, its tree must be as before."""
    host = box.lab.windows["elm"]
    before = windows_tree_of(host)
    yield host
    assert windows_tree_of(host) == before


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    with box.operations() as made:
        yield made


def told(survey: AdditionalSurvey, finding: str) -> str:
    """What a finding says, with what to do."""
    found = next((each for each in survey.findings if each.id == finding), None)
    assert found is not None, [each.id for each in survey.findings]
    assert found.remedy
    return f"{found.severity.value}: {found.summary}; {found.remedy}"


def refusal(operations: ClusterOperations, kind: type[OperatorError]) -> OperatorError:
    with pytest.raises(kind) as caught:
        operations.connect("elm")
    assert caught.value.host == "elm"
    assert caught.value.remedy
    return caught.value


def test_a_wrong_password_is_tried_once(elm: WindowsLabHost, operations: ClusterOperations) -> None:
    before = elm.wsman.record.wrong_passwords.total()
    operations.access.secrets.hosts["elm"].password = SecretStr("not this one")
    refusal(operations, AuthenticationFailed)
    assert elm.wsman.record.wrong_passwords.total() - before == 1


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("constrained", True, "ConstrainedLanguage mode"),
        ("elevated", False, "User Account Control"),
        ("powershell", "4.0", "PowerShell 4.0 is too old"),
    ],
)
def test_what_the_account_or_the_host_does_not_allow_is_explained(
    elm: WindowsLabHost,
    operations: ClusterOperations,
    monkeypatch: pytest.MonkeyPatch,
    attribute: str,
    value: object,
    words: str,
) -> None:
    monkeypatch.setattr(elm, attribute, value)
    assert words in refusal(operations, RightsLacking).summary


def test_an_account_that_is_no_administrator_is_told_so(
    elm: WindowsLabHost, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elm, "elevated", False)
    monkeypatch.setattr(elm, "administrator", False)
    assert "is not an administrator" in refusal(operations, RightsLacking).summary


def test_a_quota_that_is_used_up_is_told_with_what_raises_it(
    box: JumpBox, elm: WindowsLabHost, operations: ClusterOperations
) -> None:
    box.lab.fault("quota", "elm")
    error = refusal(operations, HostUnreachable)
    box.lab.fault("quota", "elm", on=False)
    assert "too many remote sessions" in error.summary
    assert "MaxShellsPerUser" in (error.remedy or "")


def test_a_missing_service_blocks(elm: WindowsLabHost, operations: ClusterOperations) -> None:
    service = elm.services.service(elm.connector_unit)
    elm.services.remove(service.name)
    survey = operations.survey_additional("elm")
    elm.services.add(service)
    assert survey.state == "blocked"
    assert told(survey, "no-connector-unit").startswith("blocker: no Windows service runs the connector")


def test_a_service_under_another_account_is_told(elm: WindowsLabHost, operations: ClusterOperations) -> None:
    service = elm.services.service(elm.connector_unit)
    service.account = "CORP\\svc"
    survey = operations.survey_additional("elm")
    service.account = "LocalSystem"
    assert "Auth0 ADLDAP runs as CORP\\svc" in told(survey, "service-account")


def test_a_disabled_service_blocks_also_while_nssm_pauses_it(
    box: JumpBox, elm: WindowsLabHost, operations: ClusterOperations
) -> None:
    assert elm.services.service(elm.connector_unit).state == "Paused"
    box.lab.fault("service_masked", "elm")
    survey = operations.survey_additional("elm")
    box.lab.fault("service_masked", "elm", on=False)
    assert survey.state == "blocked"
    said = told(survey, "service-masked")
    assert said.startswith("blocker: Auth0 ADLDAP is disabled")
    assert "Set-Service -Name 'Auth0 ADLDAP' -StartupType Automatic" in said


def test_a_file_that_nobody_else_may_read_blocks(elm: WindowsLabHost, operations: ClusterOperations) -> None:
    path = f"{elm.install_dir}\\lib\\profileMapper.js"
    elm.tree.hold(path)
    survey = operations.survey_additional("elm")
    elm.tree.let_go(path)
    assert survey.state == "blocked"
    assert "another process holds it open" in told(survey, "set-not-read")


@pytest.mark.parametrize(
    ("fault", "finding", "words"),
    [("disk_full", "disk-full", "0 KiB are free"), ("clock", "clock-skew", "w32tm /resync")],
)
def test_a_full_disk_and_a_wrong_clock_block(
    box: JumpBox, elm: WindowsLabHost, operations: ClusterOperations, fault: str, finding: str, words: str
) -> None:
    box.lab.fault(fault, "elm")
    survey = operations.survey_additional("elm")
    box.lab.fault(fault, "elm", on=False)
    assert survey.state == "blocked"
    assert words in told(survey, finding)


def test_a_path_that_would_be_too_long_on_windows_blocks(
    box: JumpBox, elm: WindowsLabHost, operations: ClusterOperations
) -> None:
    long = Path(box.lab.hosts["fir"].install_dir) / "certs" / f"chain-{'x' * 204}.pem"
    long.write_bytes(b"-----BEGIN CERTIFICATE-----\r\n")
    survey = operations.survey_additional("elm")
    long.unlink()
    assert survey.state == "blocked"
    said = [finding.remedy for finding in survey.findings if "chain-" in finding.summary]
    assert said
    assert "rename it on the first host" in (said[0] or "")
