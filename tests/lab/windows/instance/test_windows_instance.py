"""A connector on the lab's Windows hosts through real clients: PowerShell remoting and OpenSSH, one definition for both."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.windows.instance.conftest import BY_SSH, BY_WINRM, WAITING
from tui.cluster import Cluster
from tui.connector.config_keys import TICKET
from tui.connector.configuration_set import config_values, set_certificate
from tui.connector.errors import ConnectorError, ServiceError, TicketError
from tui.connector.log import read_log
from tui.connector.model import Role
from tui.connector.troubleshooter import read_troubleshooter
from tui.connector.windows.instance import WindowsInstance
from tui.health.model import Verdict
from tui.health.probes import observe
from tui.health.verdict import judge
from tui.lab.lab import Lab
from tui.lab.windows.host import WindowsLabHost


def test_the_connector_is_found_with_its_services(instance: WindowsInstance, host: WindowsLabHost) -> None:
    found = instance.install
    assert (found.directory, found.os, found.version) == (host.install_dir, "windows", "6.4.1")
    assert (found.connector_unit, found.admin_unit) == ("Auth0 ADLDAP", "Auth0 ADLDAP Admin")
    assert {role: service.state for role, service in instance.services().items()} == {
        Role.CONNECTOR: "running",
        Role.ADMIN: "running",
    }


def test_the_set_is_read_byte_for_byte_with_its_acls(instance: WindowsInstance, host: WindowsLabHost) -> None:
    files = instance.read_set()
    assert {"config.json", "certs/cert.key", "certs/cert.pem", "lib/profileMapper.js"} <= set(files.files)
    for path, file in files.files.items():
        assert file.data == (host.real_install / path).read_bytes()
        assert (file.attributes.acl or "").startswith("O:")
    certificate = set_certificate(files)
    assert certificate is not None
    assert certificate.key_matches
    assert (instance.links(), instance.unrepresented(), instance.unusable(files)) == ({}, (), ())


def test_a_look_finds_it_healthy(instance: WindowsInstance, cluster: Cluster, name: str) -> None:
    seen = observe(instance, name=name)
    status = judge(seen, host=cluster.host(name))
    assert status.verdict is Verdict.HEALTHY, status.problems
    assert status.os == "windows"
    assert seen.matches_tenant
    assert abs(status.clock_skew_s or 0) < 2
    assert seen.facts is not None
    assert seen.facts.domain == "lab.example"


def test_two_hosts_are_two_machines(reach: Callable[[str], WindowsInstance]) -> None:
    machines = [reach(name).facts().machine for name in (BY_WINRM, BY_SSH, WAITING, WAITING)]
    assert None not in machines
    assert len(set(machines)) == 3


def test_the_tenant_is_asked_by_the_host_s_own_node(instance: WindowsInstance, windows_lab: Lab) -> None:
    values = config_values(instance.read_set()) or {}
    info = instance.ticket_info(str(values[TICKET]), values)
    assert info.thumbprints == (windows_lab.set.thumbprint,)
    assert info.asked_from == f"node on {instance.session.host}"
    with pytest.raises(TicketError) as caught:
        instance.ticket_info(f"{values[TICKET]}x", values)
    assert caught.value.reason == "not_found"


def test_the_troubleshooter_runs_although_the_path_has_spaces(instance: WindowsInstance, host: WindowsLabHost) -> None:
    host.scripts.clear()
    report = read_troubleshooter(instance.troubleshoot())
    assert report.passed, report
    assert next(test for test in report.tests if test.id == "nltest").outcome == "passed"
    assert "Invoke-Console.ps1" not in host.scripts


def log_file(host: WindowsLabHost) -> Path:
    return host.real_install / "logs.log"


def acceptances(host: WindowsLabHost) -> int:
    """How often the tenant has accepted the connector, by the lab's own journal, which no rotation shortens."""
    return sum(b"Agent accepted" in entry.message for entry in host.journal.entries(host.connector_unit))


def restart(instance: WindowsInstance, host: WindowsLabHost) -> None:
    """Stop and start the connector, and wait until the tenant has accepted it again."""
    times = acceptances(host)
    instance.stop(Role.CONNECTOR)
    instance.start(Role.CONNECTOR)
    assert host.wait_log("Agent accepted", timeout=20, times=times + 1)


def test_the_log_is_read_on_across_a_restart(instance: WindowsInstance, host: WindowsLabHost) -> None:
    mark = instance.log_mark()
    assert instance.log_since(mark) == ("", mark)
    restart(instance, host)
    text, _ = instance.log_since(mark)
    report = read_log(text)
    assert (report.starts, report.state) == (1, "connected")
    assert "\r" not in text


def test_the_log_is_read_on_across_a_rotation(instance: WindowsInstance, host: WindowsLabHost) -> None:
    path = log_file(host)
    with path.open("ab") as file:
        file.write(b"[2026-11-20 10:00:00] before the mark\r\n")
    mark = instance.log_mark()
    with path.open("ab") as file:
        file.write(b"[2026-11-20 10:00:01] before the rotation\r\n")
    path.rename(path.with_name("logs1.log"))
    path.write_bytes(b"[2026-11-20 10:00:02] after the rotation\r\n[2026-11-20 10:00:03] half a l")
    text, mark = instance.log_since(mark)
    assert re.findall(r"\] (.*)", text) == ["before the rotation", "after the rotation"]
    with path.open("ab") as file:
        file.write(b"ine\r\n")
    assert instance.log_since(mark)[0].endswith("half a line\n")
    assert instance.log_since(None, lines=2)[0].count("\n") == 2


class TestServices:
    def test_stopping_and_starting(self, instance: WindowsInstance) -> None:
        instance.stop(Role.ADMIN)
        assert instance.services()[Role.ADMIN].state == "stopped"
        instance.stop(Role.ADMIN)
        instance.start(Role.ADMIN)
        instance.start(Role.ADMIN)
        assert instance.services()[Role.ADMIN].state == "running"

    def test_one_that_hangs_is_left_alone(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        host.services.set_stuck(host.admin_unit, True)
        with pytest.raises(ServiceError, match="still StopPending"):
            instance.stop(Role.ADMIN, timeout=1)
        assert instance.services()[Role.ADMIN].state == "stopping"
        host.services.set_stuck(host.admin_unit, False)
        instance.stop(Role.ADMIN)
        assert instance.services()[Role.ADMIN].state == "stopped"

    def test_a_disabled_one_is_told(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        instance.stop(Role.ADMIN)
        host.services.set_start_mode(host.admin_unit, "Disabled")
        assert instance.services()[Role.ADMIN].state == "masked"
        with pytest.raises(ServiceError, match="is disabled"):
            instance.start(Role.ADMIN)

    def test_one_whose_account_cannot_log_on_is_told(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        service = host.services.service(host.admin_unit)
        instance.stop(Role.ADMIN)
        service.bad_logon = True
        try:
            with pytest.raises(ServiceError, match="cannot log on"):
                instance.start(Role.ADMIN)
        finally:
            service.bad_logon = False

    def test_a_program_that_nssm_has_started_again_is_another_process(
        self, instance: WindowsInstance, host: WindowsLabHost
    ) -> None:
        before = instance.services()[Role.CONNECTOR]
        times = acceptances(host)
        host.services.kill(host.connector_unit)
        assert host.wait_log("Agent accepted", timeout=20, times=times + 1)
        after = instance.services()[Role.CONNECTOR]
        assert after.state == before.state == "running"
        assert after.main_pid not in (before.main_pid, None)
        assert before.started is not None
        assert after.started is not None
        assert after.started > before.started

    def test_another_account_is_seen(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        service = host.services.service(host.connector_unit)
        service.account = "CORP\\svc-ldap"
        try:
            assert instance.services()[Role.CONNECTOR].user == "CORP\\svc-ldap"
        finally:
            service.account = "LocalSystem"


def test_an_unconfigured_connector_is_paused_and_that_is_told(reach: Callable[[str], WindowsInstance]) -> None:
    waiting = reach(WAITING)
    assert waiting.services()[Role.CONNECTOR].state in ("crash_loop", "starting")
    seen = observe(waiting, name=WAITING, ask_ticket=False)
    assert seen.log is not None
    assert seen.log.state == "unconfigured"
    waiting.stop(Role.CONNECTOR)
    assert waiting.services()[Role.CONNECTOR].state == "stopped"
    waiting.start(Role.ADMIN)
    assert waiting.locked_by() is None


def test_a_missing_node_is_asked_for_by_the_jump_box(instance: WindowsInstance, host: WindowsLabHost) -> None:
    node = host.real_install / "node.exe"
    aside = node.rename(node.with_name("node.exe.aside"))
    values = config_values(instance.read_set()) or {}
    try:
        with pytest.raises(TicketError) as caught:
            instance.ticket_info(str(values[TICKET]), values, timeout=5)
        assert "the jump box" in (caught.value.tried or "")
        with pytest.raises(ConnectorError, match="was not found"):
            instance.troubleshoot(timeout=10)
    finally:
        aside.rename(node)
