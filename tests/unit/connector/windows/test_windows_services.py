"""Every state of the service control manager is told for what it is, and every refusal explained."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.connector.windows.scripted import ScriptedSession, failed, install
from tui.connector.errors import ServiceError
from tui.connector.install_findings import install_findings, service_findings
from tui.connector.model import Role, Service
from tui.connector.windows.services import parse_service, read_services, start_service, stop_service
from tui.findings import Severity, blockers


def told(**values: Any) -> dict[str, Any]:
    return {
        "name": "Auth0 ADLDAP",
        "state": "Running",
        "start_mode": "Auto",
        "account": "LocalSystem",
        "pid": 4012,
        "exit_code": 0,
        "started": 1_700_000_000.0,
        "environment": [],
    } | values


def service(**values: Any) -> Service:
    return parse_service(Role.CONNECTOR, told(**values))


@pytest.mark.parametrize(
    ("values", "state", "in_detail"),
    [
        ({}, "running", "Running"),
        ({"state": "Stopped"}, "stopped", "Stopped"),
        ({"state": "Stopped", "exit_code": 1077}, "stopped", "Stopped"),
        ({"state": "Stopped", "exit_code": 1067}, "failed", "exit code 1067"),
        ({"state": "Stopped", "start_mode": "Disabled"}, "masked", "Disabled"),
        ({"state": "Running", "start_mode": "Disabled"}, "running", "Running"),
        ({"state": "StartPending"}, "starting", "StartPending"),
        ({"state": "ContinuePending"}, "starting", "ContinuePending"),
        ({"state": "StopPending"}, "stopping", "StopPending"),
        ({"state": "Paused"}, "crash_loop", "NSSM"),
        ({"state": "PausePending"}, "crash_loop", "NSSM"),
        ({"state": "Unknown"}, "unknown", "Unknown"),
    ],
)
def test_each_state(values: dict[str, Any], state: str, in_detail: str) -> None:
    found = service(**values)
    assert found.state == state
    assert in_detail in found.detail


def test_what_else_is_told_of_a_service() -> None:
    found = service(environment=["HTTP_PROXY"], account="CORP\\svc")
    assert (found.main_pid, found.user, found.environment) == (4012, "CORP\\svc", ("HTTP_PROXY",))
    assert found.started == datetime.fromtimestamp(1_700_000_000, UTC)
    assert found.restarts is None
    assert [service(start_mode=mode).enabled for mode in ("Auto", "Manual", "Disabled")] == [True, False, False]
    assert service(state="Stopped", pid=0, started=None).started is None


def test_its_process_is_the_program_and_not_the_nssm_that_outlives_it() -> None:
    assert [service(pid=4012, program=number).main_pid for number in (5100, 5200, None)] == [5100, 5200, 4012]


def test_both_services_are_read_in_one_call_and_a_missing_one_is_absent() -> None:
    session = ScriptedSession(Get_Services={"services": [told(name="AUTH0 ADLDAP")]})
    assert set(read_services(session, install())) == {Role.CONNECTOR}
    assert session.given("Get-Services.ps1") == [{"Names": ["Auth0 ADLDAP", "Auth0 ADLDAP Admin"]}]
    assert read_services(session, install(connector_unit=None, admin_unit=None)) == {}


class TestStopping:
    def test_it_is_given_its_time(self) -> None:
        session = ScriptedSession(Stop_One={"existed": True, "state": "Stopped"})
        stop_service(session, install(), Role.ADMIN, 12.5)
        assert session.given("Stop-One.ps1") == [{"Name": "Auth0 ADLDAP Admin", "Seconds": 13}]

    def test_nothing_to_stop_is_no_error(self) -> None:
        session = ScriptedSession(Stop_One={"existed": False, "state": "Stopped"})
        stop_service(session, install(), Role.CONNECTOR, 5)
        stop_service(session, install(admin_unit=None), Role.ADMIN, 5)
        assert len(session.calls) == 1

    def test_one_that_hangs_is_left_alone_and_told(self) -> None:
        session = ScriptedSession(
            Stop_One={"existed": True, "state": "StopPending"},
            Get_Services={"services": [told(state="StopPending", pid=77)]},
        )
        with pytest.raises(ServiceError) as caught:
            stop_service(session, install(), Role.CONNECTOR, 5)
        assert "StopPending" in caught.value.summary
        assert "77" in (caught.value.tried or "")
        assert "not ended by force" in (caught.value.meaning or "")
        assert [name for name, _ in session.calls] == ["Stop-One.ps1", "Get-Services.ps1"]


class TestStarting:
    def start(self, answer: dict[str, Any] | Exception) -> None:
        start_service(ScriptedSession(Start_One=answer), install(), Role.CONNECTOR, 5)

    def test_running_is_what_is_waited_for(self) -> None:
        self.start({"state": "Running", "exit_code": 0})

    @pytest.mark.parametrize(
        ("state", "said"),
        [("Paused", "dies as soon as"), ("Stopped", "exit code 3"), ("StartPending", "not running within 5 seconds")],
    )
    def test_anything_else_is_an_error(self, state: str, said: str) -> None:
        with pytest.raises(ServiceError, match=said):
            self.start({"state": state, "exit_code": 3})

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            (5, "may not control"),
            (1053, "did not answer"),
            (1058, "is disabled"),
            (1060, "does not know"),
            (1068, "depends on"),
            (1069, "cannot log on"),
            (1072, "marked for deletion"),
        ],
    )
    def test_a_refusal_is_explained_by_its_code(self, code: int, said: str) -> None:
        with pytest.raises(ServiceError, match=said) as caught:
            self.start(failed("Start-One.ps1", "Access to the service…", 0x80070000 | code))
        assert "Auth0 ADLDAP" in caught.value.summary
        assert caught.value.remedy
        assert str(code) in (caught.value.tried or "")

    def test_a_signed_code_says_the_same(self) -> None:
        with pytest.raises(ServiceError, match="is disabled"):
            self.start(failed("Start-One.ps1", "…", -2147023838))

    def test_an_unknown_refusal_keeps_windows_words(self) -> None:
        with pytest.raises(ServiceError, match=r"refused to start .*: The dog ate it"):
            self.start(failed("Start-One.ps1", "The dog ate it", 0x80131509))

    def test_without_a_service_there_is_nothing_to_start(self) -> None:
        with pytest.raises(ServiceError, match="no connector service"):
            start_service(ScriptedSession(), install(connector_unit=None), Role.CONNECTOR, 5)


class TestWhatIsSaidOfThem:
    def findings(self, *, configured: bool = True, **values: Any) -> dict[str, str]:
        found = service_findings({Role.CONNECTOR: service(**values)}, configured=configured)
        return {finding.id: f"{finding.summary} {finding.remedy}" for finding in found}

    def test_a_healthy_one_gives_none(self) -> None:
        assert self.findings() == {}
        assert self.findings(account="NT SERVICE\\Auth0 ADLDAP") == {}

    def test_another_account_is_a_warning(self) -> None:
        assert "CORP\\svc" in self.findings(account="CORP\\svc")["service-account"]

    def test_remedies_are_windows_own(self) -> None:
        disabled = self.findings(state="Stopped", start_mode="Disabled")["service-masked"]
        assert "is disabled" in disabled
        assert "Set-Service" in disabled
        assert "Set-Service" in self.findings(start_mode="Manual")["service-not-enabled"]
        assert "logs.log" in self.findings(state="Paused")["service-failed"]
        words = " ".join(
            [disabled, *self.findings(state="Paused").values(), *self.findings(start_mode="Manual").values()]
        )
        assert "systemctl" not in words
        assert "journalctl" not in words

    @pytest.mark.parametrize("state", ["Stopped", "Paused", "PausePending", "StartPending", "StopPending"])
    def test_a_disabled_one_stops_a_run_whatever_it_is_doing(self, state: str) -> None:
        found = service_findings({Role.CONNECTOR: service(state=state, start_mode="Disabled")}, configured=False)
        assert [finding.id for finding in blockers(found)] == ["service-masked"]
        assert "service-not-enabled" not in {finding.id for finding in found}

    def test_one_that_runs_and_is_disabled_is_a_warning(self) -> None:
        found = service_findings({Role.CONNECTOR: service(start_mode="Disabled")}, configured=True)
        assert [(finding.id, finding.severity) for finding in found] == [("service-masked", Severity.WARNING)]
        assert "cannot be started again once it has stopped" in found[0].summary

    def test_a_paused_one_is_normal_before_it_is_configured(self) -> None:
        assert set(self.findings(state="Paused", configured=False)) == {"waits-for-configuration"}

    def test_a_missing_service_is_told_in_windows_words(self) -> None:
        found = install_findings(install(connector_unit=None, admin_unit=None, supervisor="none", version="6.6.0"))
        assert [finding.id for finding in found] == ["no-connector-unit", "no-admin-unit"]
        assert not any("systemd" in f"{finding.summary}{finding.remedy}" for finding in found)
