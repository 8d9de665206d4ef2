"""What systemd says of a unit becomes a state that an operator understands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connector.install_findings import install_findings, service_findings
from tui.connector.model import Install, Layout, Role, Service
from tui.connector.services import parse_service, parse_show, parse_timestamp, unit_command


def _shown(**values: str) -> Service | None:
    properties = {"Id": "c.service", "LoadState": "loaded", "UnitFileState": "enabled", **values}
    text = "\n".join(f"{key}={value}" for key, value in properties.items())
    return parse_service(Role.CONNECTOR, parse_show(text)[0])


@pytest.mark.parametrize(
    ("values", "state", "detail"),
    [
        ({"ActiveState": "active", "SubState": "running", "Result": "success"}, "running", "active/running"),
        ({"ActiveState": "reloading", "SubState": "reload"}, "running", "reloading/reload"),
        ({"ActiveState": "inactive", "SubState": "dead", "Result": "success"}, "stopped", "inactive/dead"),
        (
            {"ActiveState": "failed", "SubState": "failed", "Result": "start-limit-hit"},
            "failed",
            "failed/start-limit-hit",
        ),
        ({"ActiveState": "activating", "SubState": "start"}, "starting", "activating/start"),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code", "NRestarts": "1"},
            "starting",
            "auto-restart/exit-code",
        ),
        (
            {"ActiveState": "activating", "SubState": "auto-restart", "Result": "exit-code", "NRestarts": "7"},
            "crash_loop",
            "auto-restart/exit-code",
        ),
        ({"LoadState": "masked", "ActiveState": "inactive", "SubState": "dead"}, "masked", "inactive/dead"),
        ({"ActiveState": "active", "SubState": "exited"}, "unknown", "active/exited"),
        ({}, "unknown", ""),
    ],
)
def test_states(values: dict[str, str], state: str, detail: str) -> None:
    service = _shown(**values)
    assert service
    assert (service.state, service.detail) == (state, detail)


def test_a_unit_that_systemd_does_not_know_is_no_service() -> None:
    assert _shown(LoadState="not-found") is None


def test_times_and_numbers() -> None:
    service = _shown(
        ActiveEnterTimestamp="Mon 2026-11-23 04:50:28 UTC",
        NRestarts="3",
        MainPID="0",
        User="svc",
        UnitFileState="disabled",
    )
    assert service
    assert service.started == datetime(2026, 11, 23, 4, 50, 28, tzinfo=UTC)
    assert (service.restarts, service.main_pid, service.user, service.enabled) == (3, None, "svc", False)
    assert parse_timestamp("n/a") is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for block in parse_show(text):
        unit_command(block)
        parse_service(Role.ADMIN, block)


def _service(**values: object) -> Service:
    return Service.model_validate({"role": "connector", "unit": "c.service", "state": "running", **values})


def _ids(service: Service, *, configured: bool = True) -> set[str]:
    return {finding.id for finding in service_findings({service.role: service}, configured=configured)}


@pytest.mark.parametrize(
    ("values", "configured", "expected"),
    [
        ({"restart_policy": "always", "enabled": True}, True, set()),
        ({"restart_policy": "on-failure"}, True, {"restart-policy"}),
        ({"environment": ("PATH", "NODE_ENV")}, True, set()),
        ({"environment": ("LDAP_URL", "PORT")}, True, {"environment-overrides"}),
        ({"environment": ("AUTH_CERT_KEY",)}, True, {"environment-certificate"}),
        ({"environment": ("NODE_TLS_REJECT_UNAUTHORIZED",)}, True, {"environment-tls"}),
        ({"state": "masked"}, True, {"service-masked"}),
        ({"enabled": False}, True, {"service-not-enabled"}),
        ({"stale": True}, True, {"unit-changed"}),
        ({"output": "append:/var/log/x"}, True, {"log-not-in-journal"}),
        ({"state": "failed", "detail": "failed/start-limit-hit"}, False, {"waits-for-configuration"}),
        ({"state": "failed", "detail": "failed/start-limit-hit"}, True, {"service-failed"}),
    ],
)
def test_findings(values: dict[str, object], configured: bool, expected: set[str]) -> None:
    assert _ids(_service(**values), configured=configured) == expected


def _install(**values: object) -> Install:
    usual = {
        "directory": "/opt/x",
        "found_at": "/opt/x",
        "layout": Layout.V6,
        "version": "6.6.0",
        "owner": "svc",
        "group": "svc",
        "node": "node",
        "connector_unit": "c.service",
        "admin_unit": "a.service",
        "account": "svc",
    }
    return Install.model_validate({**usual, **values})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, set()),
        ({"version": "6.4.1"}, {"version-advisory"}),
        ({"version": "6.5.0"}, {"version-advisory"}),
        ({"version": "6.5.1"}, set()),
        ({"version": "0.0.0"}, {"version-unknown"}),
        ({"version": "unknown"}, {"version-unknown"}),
        ({"admin_unit": None}, {"no-admin-unit"}),
        ({"connector_unit": None, "supervisor": "pm2"}, {"no-connector-unit"}),
        ({"layout": Layout.V7, "version": "7.0.0"}, {"layout-v7"}),
        ({"layout": Layout.HALF_MIGRATED, "version": "7.0.0"}, {"layout-half-migrated"}),
    ],
)
def test_install_findings(values: dict[str, object], expected: set[str]) -> None:
    assert {finding.id for finding in install_findings(_install(**values))} == expected


def test_a_supervisor_is_named() -> None:
    finding = install_findings(_install(connector_unit=None, supervisor="pm2"))[0]
    assert "pm2" in finding.evidence[0]
    assert "Restart=always" in (finding.remedy or "")
