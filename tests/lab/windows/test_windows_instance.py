"""A connector on the lab's Windows hosts through real clients: PowerShell remoting and OpenSSH, one definition for both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from tests.lab.conftest import SPEED
from tui.cluster import Cluster
from tui.cluster_file import load_cluster
from tui.connector.config_keys import TICKET
from tui.connector.configuration_set import config_values, set_certificate
from tui.connector.discovery import open_instance
from tui.connector.errors import ConnectorError, HostLocked, ServiceError, TicketError
from tui.connector.log import read_log
from tui.connector.model import Role, SetFile
from tui.connector.troubleshooter import read_troubleshooter
from tui.connector.windows.instance import WindowsInstance
from tui.health.model import Verdict
from tui.health.probes import observe
from tui.health.verdict import judge
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_HTTPS, WINDOWS_SSH
from tui.lab.windows.host import WindowsLabHost
from tui.remote.access import Access
from tui.remote.connect import open_session
from tui.remote.errors import FileFailure, RemoteFileError

RUN, OTHER_RUN = "20261120-1000-aaaa", "20261120-1100-bbbb"
BY_WINRM, BY_SSH, WAITING = "pine", "birch", "alder"
FURNISHINGS = {BY_WINRM: WINDOWS_HTTPS, BY_SSH: WINDOWS_SSH, WAITING: WINDOWS_HTTPS}


@pytest.fixture(scope="module")
def windows_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Two configured Windows hosts, one reached by each transport, and one that waits for a set."""
    directory = tmp_path_factory.mktemp("windows") / "lab"
    with Lab(
        directory, tuple(FURNISHINGS), configured=(BY_WINRM, BY_SSH), speed=SPEED, furnishings=FURNISHINGS
    ) as made:
        yield made


@pytest.fixture(scope="module")
def cluster(windows_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The lab's cluster file, read."""
    path = tmp_path_factory.mktemp("cluster") / "lab.toml"
    path.write_text(windows_lab.cluster_document())
    return load_cluster(path)


@pytest.fixture(scope="module")
def reach(
    windows_lab: Lab, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], WindowsInstance]]:
    """A host's instance, over a session that the module's tests share."""
    home = tmp_path_factory.mktemp("access")
    known = home / "known_hosts"
    known.write_text(windows_lab.known_hosts_text())
    access = Access(
        secrets=windows_lab.secrets(),
        known_hosts=known,
        system_known_hosts=home / "none",
        known_certificates=home / "known_certificates",
    )
    with ExitStack() as stack:

        @cache
        def opened(name: str) -> WindowsInstance:
            session = open_session(cluster.host(name), access)
            stack.callback(session.close)
            return cast(WindowsInstance, open_instance(session, cluster.host(name)))

        yield opened


@pytest.fixture(params=[BY_WINRM, BY_SSH])
def name(request: pytest.FixtureRequest) -> str:
    """Each configured host in turn, and with it each transport."""
    return cast(str, request.param)


@pytest.fixture
def host(windows_lab: Lab, name: str) -> Iterator[WindowsLabHost]:
    """The lab's side of it, whose connector runs again when the test is over."""
    made = windows_lab.windows[name]
    yield made
    for service in (made.connector_unit, made.admin_unit):
        made.services.set_stuck(service, False)
        made.services.set_start_mode(service, "Auto")
        if made.services.wait(service, lambda each: each.state in ("Stopped", "Running"), timeout=20):
            if made.services.service(service).state == "Stopped":
                made.services.start(service)
            made.services.wait_state(service, "Running", 20)


@pytest.fixture
def instance(reach: Callable[[str], WindowsInstance], host: WindowsLabHost) -> WindowsInstance:
    """The connector on it."""
    return reach(host.name)


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


class TestFiles:
    def test_what_is_parked_comes_back_to_the_byte_and_the_acl(self, instance: WindowsInstance) -> None:
        before = instance.read_set()
        for part in ("config.json", "certs", "lib/profileMapper.js"):
            assert instance.park(part, run=RUN)
            assert instance.park(part, run=RUN)
        assert instance.parked(run=RUN) == ("certs", "config.json", "lib/profileMapper.js")
        assert instance.parked(run=OTHER_RUN) == ()
        assert instance.read_set().files == {}
        instance.place_directory("certs", before.directories["certs"])
        instance.place(SetFile("certs/cert.key", b"other\r\n", before.files["certs/cert.key"].attributes))
        assert instance.read_set().data("certs/cert.key") == b"other\r\n"
        for part in instance.parked(run=RUN):
            instance.unpark(part, run=RUN)
        instance.discard_parked(run=RUN)
        assert instance.read_set() == before

    def test_a_file_that_is_placed_has_the_acl_that_it_carries(self, instance: WindowsInstance) -> None:
        before = instance.read_set().files["lib/profileMapper.js"]
        closed = "O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)"
        attributes = type(before.attributes)("", "", 0, closed)
        instance.place(SetFile("lib/extra.js", b"x", attributes))
        try:
            found = instance.session.stat_files([f"{instance.install.directory}\\lib\\extra.js"])
            assert [stat.attributes.acl for stat in found.values()] == [closed]
        finally:
            instance.remove("lib/extra.js")
        assert instance.session.stat_files([f"{instance.install.directory}\\lib\\extra.js"]) == {}

    def test_a_key_that_the_service_may_not_read_is_seen(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        path = f"{host.install_dir}\\certs\\cert.key"
        before = instance.read_set()
        host.tree.set_acl(path, "O:BAG:SYD:P(A;;FA;;;S-1-5-21-1-2-3-500)")
        try:
            assert instance.unusable(before) == ("certs/cert.key",)
        finally:
            host.tree.set_acl(path, before.files["certs/cert.key"].attributes.acl or "")

    def test_a_file_that_somebody_holds_open_is_told(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        host.tree.hold(f"{host.install_dir}\\config.json", "r")
        try:
            with pytest.raises(RemoteFileError) as caught:
                instance.park("config.json", run=RUN)
        finally:
            host.tree.let_go(f"{host.install_dir}\\config.json")
        assert caught.value.reason is FileFailure.LOCKED
        assert "another process" in caught.value.summary
        assert instance.parked(run=RUN) == ()
        instance.discard_parked(run=RUN)

    def test_a_link_that_leads_away_is_not_written_through(
        self, instance: WindowsInstance, host: WindowsLabHost, tmp_path: Path
    ) -> None:
        library = host.real_install / "lib"
        library.rename(tmp_path / "lib")
        outside = host.root / "Users" / "planted"
        outside.mkdir()
        library.symlink_to(outside)
        try:
            with pytest.raises(RemoteFileError) as caught:
                instance.park("lib/profileMapper.js", run=RUN)
            assert caught.value.reason is FileFailure.LED_AWAY
        finally:
            library.unlink()
            outside.rmdir()
            (tmp_path / "lib").rename(library)

    def test_links_of_the_set_are_seen(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        config = host.real_install / "config.json"
        kept = config.rename(config.with_name("kept.json"))
        config.symlink_to(kept)
        try:
            assert list(instance.links()) == ["config.json"]
            assert instance.unrepresented() == ("config.json",)
            assert instance.read_set().data("config.json") == kept.read_bytes()
        finally:
            config.unlink()
            kept.rename(config)


class TestLock:
    def test_one_operator_at_a_time(self, instance: WindowsInstance, host: WindowsLabHost) -> None:
        instance.lock(run=RUN, holder="alice@jump")
        assert instance.locked_by() == RUN
        with pytest.raises(HostLocked, match="alice@jump") as caught:
            instance.lock(run=OTHER_RUN, holder="bob@jump")
        assert caught.value.holder_run == RUN
        instance.lock(run=RUN, holder="alice@jump")
        instance.unlock(run=OTHER_RUN)
        assert instance.locked_by() == RUN
        text = (host.real_install / ".adldap-ha.lock").read_text()
        assert json.loads(text)["holder"] == "alice@jump"
        instance.unlock(run=RUN)
        assert instance.locked_by() is None

    def test_taking_it_removes_what_cut_off_writes_have_left(
        self, instance: WindowsInstance, host: WindowsLabHost
    ) -> None:
        left = host.real_install / ".adldap-ha-config.json-0123456789abcdef.tmp"
        left.write_bytes(b"half")
        kept = host.real_install / ".adldap-ha-notes.tmp"
        kept.write_bytes(b"an operator's own")
        try:
            instance.lock(run=RUN, holder="alice@jump")
            assert not left.exists()
        finally:
            instance.unlock(run=RUN)
            kept.unlink(missing_ok=True)

    def test_an_empty_lock_is_nobody_s_until_the_run_has_files_parked(
        self, instance: WindowsInstance, host: WindowsLabHost
    ) -> None:
        lock = host.real_install / ".adldap-ha.lock"
        lock.write_bytes(b"")
        assert instance.locked_by() == ""
        with pytest.raises(HostLocked):
            instance.lock(run=RUN, holder="alice@jump")
        instance.park("lib/profileMapper.js", run=RUN)
        instance.lock(run=RUN, holder="alice@jump")
        assert instance.locked_by() == RUN
        instance.unpark("lib/profileMapper.js", run=RUN)
        instance.discard_parked(run=RUN)
        instance.unlock(run=RUN)


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
