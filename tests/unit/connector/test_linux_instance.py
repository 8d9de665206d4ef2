"""A connector on a Linux host: reading its set, driving its services, following its log, moving files aside."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.unit.connector.local_session import LocalSession
from tests.unit.connector.material import make_install, unit
from tui.cluster import Host
from tui.connector.discovery import open_instance
from tui.connector.errors import HostLocked, LogError, ServiceError
from tui.connector.instance import Instance
from tui.connector.log import read_log
from tui.connector.model import Role, SetFile
from tui.remote.errors import RemoteFileError
from tui.remote.session import FileAttributes


@pytest.fixture
def install(tmp_path: Path) -> Path:
    return make_install(tmp_path / "opt/auth0 ad-ldap")


@pytest.fixture
def instance(session: LocalSession, install: Path) -> Instance:
    session.set_units(
        unit("ldap.service", "/usr/bin/node server.js", str(install), Environment='NODE_ENV=production "PORT=4001"')
        | unit("ldap-admin.service", "/usr/bin/node admin/server.js", str(install), MainPID="17")
    )
    host = Host(name="fir", address="192.0.2.1")
    return open_instance(session, host)


def _change_unit(session: LocalSession, name: str, **values: str) -> None:
    units = {key: dict(value) for key, value in session.units().items()}
    units[name].update(values)
    session.set_units({key: dict(value) for key, value in units.items()})


class TestReadingTheSet:
    def test_bytes_and_modes_come_as_they_are(self, instance: Instance, install: Path) -> None:
        (install / "certs/extra").mkdir()
        (install / "certs/extra/ca.der").write_bytes(bytes(range(256)))
        (install / "certs/cert.key").chmod(0o600)
        found = instance.read_set()
        assert set(found.files) == {
            "config.json",
            "lib/profileMapper.js",
            "certs/cert.key",
            "certs/cert.pem",
            "certs/extra/ca.der",
        }
        assert found.data("certs/extra/ca.der") == bytes(range(256))
        assert b"\r\n" in (found.data("certs/cert.key") or b"")
        assert found.files["certs/cert.key"].attributes.mode == 0o600
        assert set(found.directories) >= {"certs", "certs/extra", "lib"}

    def test_an_unconfigured_install_has_only_its_mapper(self, session: LocalSession, tmp_path: Path) -> None:
        place = make_install(tmp_path / "new", configured=False)
        session.set_units(unit("c.service", "/usr/bin/node server.js", str(place)))
        found = open_instance(session, Host(name="oak", address="192.0.2.2")).read_set()
        assert set(found.files) == {"lib/profileMapper.js"}
        assert "certs" not in found.directories

    def test_links_are_followed(self, instance: Instance, install: Path, tmp_path: Path) -> None:
        elsewhere = tmp_path / "secure"
        (install / "certs").rename(elsewhere)
        (install / "certs").symlink_to(elsewhere)
        (install / "config.json").rename(tmp_path / "config-elsewhere.json")
        (install / "config.json").symlink_to(tmp_path / "config-elsewhere.json")
        found = instance.read_set()
        assert found.data("certs/cert.pem") == (elsewhere / "cert.pem").read_bytes()
        assert found.data("config.json") == (tmp_path / "config-elsewhere.json").read_bytes()
        assert "certs" in found.directories

    def test_a_broken_link_is_passed_over(self, instance: Instance, install: Path) -> None:
        (install / "certs/old.pem").symlink_to("/nowhere/old.pem")
        assert "certs/old.pem" not in instance.read_set().files


class TestServices:
    def test_both_are_read_in_one_round_trip(self, instance: Instance, session: LocalSession) -> None:
        before = session.round_trips
        services = instance.services()
        assert session.round_trips == before + 1
        assert services[Role.CONNECTOR].state == "running"
        assert services[Role.ADMIN].main_pid == 17

    def test_variables_are_known_by_name_only(self, instance: Instance, session: LocalSession, tmp_path: Path) -> None:
        file = tmp_path / "environment"
        file.write_text("# comment\nLDAP_URL=ldap://CANARY\nexport HTTP_PROXY='http://u:CANARY@p'\n")
        _change_unit(session, "ldap.service", EnvironmentFiles=f"{file} (ignore_errors=yes)")
        service = instance.services()[Role.CONNECTOR]
        assert service.environment == ("NODE_ENV", "PORT", "LDAP_URL", "HTTP_PROXY")
        assert "CANARY" not in repr(service)

    def test_stop_waits_until_the_process_is_gone(self, instance: Instance, session: LocalSession) -> None:
        instance.stop(Role.ADMIN)
        assert session.units()["ldap-admin.service"]["ActiveState"] == "inactive"

    def test_start_clears_a_start_limit_first(self, instance: Instance, session: LocalSession) -> None:
        _change_unit(session, "ldap.service", ActiveState="failed", SubState="failed", Result="start-limit-hit")
        instance.start(Role.CONNECTOR)
        assert instance.services()[Role.CONNECTOR].running
        assert session.units()["ldap.service"]["Result"] == "success"

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"LoadState": "masked"}, "masked"),
            ({"ActiveState": "inactive", "StartsAs": "refused"}, "refused"),
            ({"ActiveState": "inactive", "StartsAs": "failed"}, "failed at once"),
        ],
    )
    def test_a_start_that_cannot_be_is_told(
        self, instance: Instance, session: LocalSession, values: dict[str, str], words: str
    ) -> None:
        _change_unit(session, "ldap.service", **values)
        with pytest.raises(ServiceError, match=words) as caught:
            instance.start(Role.CONNECTOR)
        assert caught.value.remedy

    def test_a_service_that_does_not_stop_is_told_in_time(self, instance: Instance, session: LocalSession) -> None:
        _change_unit(session, "ldap.service", StopsAs="never", MainPID="42")
        with pytest.raises(ServiceError, match="did not stop within 1 second") as caught:
            instance.stop(Role.CONNECTOR, timeout=1)
        assert "systemctl status ldap.service" in (caught.value.remedy or "")


class TestTheLog:
    def test_only_what_came_after_the_mark_is_read(self, instance: Instance, session: LocalSession) -> None:
        session.log("before")
        mark = instance.log_mark()
        session.log("[2026-11-23 05:00:00] one", "", "two")
        text, mark = instance.log_since(mark)
        assert text == "[2026-11-23 05:00:00] one\n\ntwo\n"
        assert instance.log_since(mark)[0] == ""
        session.log("three")
        assert instance.log_since(mark)[0] == "three\n"

    def test_without_a_mark_the_last_lines_are_read(self, instance: Instance, session: LocalSession) -> None:
        session.log(*(f"line {number}" for number in range(50)))
        text, _ = instance.log_since(None, lines=3)
        assert text.splitlines() == ["line 47", "line 48", "line 49"]

    def test_a_start_of_long_ago_is_still_told(self, instance: Instance, session: LocalSession) -> None:
        session.log("[2026-01-01 05:00:00] STARTING AD-LDAP CONNECTOR", "[2026-01-01 05:00:05] auth0: Agent accepted.")
        session.log(*(f"jane{number}: wrong password" for number in range(50)))
        text, _ = instance.log_since(None, lines=10)
        assert read_log(text).state == "connected"
        assert len(text.splitlines()) == 12

    @pytest.mark.parametrize(
        ("journalctl", "remedy"),
        [
            ("#!/bin/sh\necho 'No journal files were opened due to insufficient permissions.' >&2\nexit 1\n", "sudo"),
            ("#!/bin/sh\necho 'Failed to open files: Input/output error' >&2\nexit 1\n", "journald"),
        ],
    )
    def test_a_journal_that_cannot_be_read_is_no_empty_log(
        self, instance: Instance, session: LocalSession, journalctl: str, remedy: str
    ) -> None:
        mark = instance.log_mark()
        session.replace_tool("journalctl", journalctl)
        for place in (None, mark):
            with pytest.raises(LogError) as caught:
                instance.log_since(place)
            assert remedy in (caught.value.remedy or "")

    def test_a_mark_in_an_empty_log_is_no_obstacle(self, instance: Instance, session: LocalSession) -> None:
        mark = instance.log_mark()
        session.log("first")
        assert instance.log_since(mark)[0] == "first\n"


class TestParking:
    def test_a_file_goes_aside_and_comes_back_as_it_was(self, instance: Instance, install: Path) -> None:
        before = (install / "config.json").stat()
        assert instance.park("config.json", run="r1")
        assert not (install / "config.json").exists()
        assert stat.S_IMODE((install / ".adldap-ha/r1").stat().st_mode) == 0o700
        assert instance.parked(run="r1") == ("config.json",)
        (install / "config.json").write_text("new")
        instance.unpark("config.json", run="r1")
        after = (install / "config.json").stat()
        assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)

    def test_a_folder_replaces_the_new_one_whole(self, instance: Instance, install: Path) -> None:
        names = {path.name for path in (install / "certs").iterdir()}
        assert instance.park("certs", run="r1")
        (install / "certs").mkdir()
        (install / "certs/new.pem").touch()
        instance.unpark("certs", run="r1")
        assert {path.name for path in (install / "certs").iterdir()} == names
        assert instance.parked(run="r1") == ()

    def test_parking_twice_never_loses_the_first(self, instance: Instance, install: Path) -> None:
        original = (install / "lib/profileMapper.js").read_bytes()
        instance.park("lib/profileMapper.js", run="r1")
        (install / "lib/profileMapper.js").write_text("new")
        assert instance.park("lib/profileMapper.js", run="r1")
        instance.unpark("lib/profileMapper.js", run="r1")
        instance.unpark("lib/profileMapper.js", run="r1")
        assert (install / "lib/profileMapper.js").read_bytes() == original

    def test_nothing_to_move_is_said(self, instance: Instance) -> None:
        assert not instance.park("certs/none.pem", run="r1")
        assert instance.parked(run="r1") == ()

    def test_discarding_leaves_no_trace(self, instance: Instance, install: Path) -> None:
        instance.park("config.json", run="r1")
        instance.discard_parked(run="r1")
        assert not (install / ".adldap-ha").exists()

    def test_one_run_does_not_touch_another_ones_files(self, instance: Instance, install: Path) -> None:
        instance.park("config.json", run="r1")
        instance.discard_parked(run="r2")
        assert instance.parked(run="r2") == ()
        assert instance.parked(run="r1") == ("config.json",)

    def test_a_planted_link_is_refused(self, instance: Instance, install: Path, tmp_path: Path) -> None:
        (install / ".adldap-ha").symlink_to(tmp_path)
        with pytest.raises(RemoteFileError):
            instance.park("config.json", run="r1")
        assert (install / "config.json").exists()

    @pytest.mark.parametrize("path", ["../etc/passwd", "/etc/passwd", "certs/../../x", ""])
    def test_paths_outside_the_install_are_refused(self, instance: Instance, path: str) -> None:
        with pytest.raises(ValueError, match="below the install"):
            instance.park(path, run="r1")
        with pytest.raises(ValueError, match="below the install"):
            instance.place(SetFile(path, b"", FileAttributes("root", "root", 0o600)))


class TestTheLock:
    def test_a_second_operator_learns_who_is_at_work(self, instance: Instance, install: Path) -> None:
        instance.lock(run="r1", holder="ada@jump")
        with pytest.raises(HostLocked, match="ada@jump") as caught:
            instance.lock(run="r2", holder="bob@jump")
        assert caught.value.holder_run == "r1"
        assert str(install / ".adldap-ha.lock") in (caught.value.remedy or "")
        assert json.loads((install / ".adldap-ha.lock").read_text())["holder"] == "ada@jump"

    def test_the_same_run_may_take_it_again(self, instance: Instance) -> None:
        instance.lock(run="r1", holder="ada@jump")
        instance.lock(run="r1", holder="ada@jump")

    def test_only_the_holder_gives_it_back(self, instance: Instance, install: Path) -> None:
        instance.lock(run="r1", holder="ada@jump")
        instance.unlock(run="r2")
        assert (install / ".adldap-ha.lock").exists()
        instance.unlock(run="r1")
        instance.unlock(run="r1")
        assert not list(install.glob(".adldap-ha*"))

    def test_a_lock_that_says_nothing_still_holds(self, instance: Instance, install: Path) -> None:
        (install / ".adldap-ha.lock").write_text("")
        with pytest.raises(HostLocked):
            instance.lock(run="r1", holder="ada@jump")

    def test_an_empty_lock_is_its_own_when_the_run_has_files_parked_here(
        self, instance: Instance, install: Path
    ) -> None:
        instance.park("config.json", run="r1")
        (install / ".adldap-ha.lock").write_text("")
        instance.lock(run="r1", holder="ada@jump")
        with pytest.raises(HostLocked, match="ada@jump"):
            instance.lock(run="r2", holder="bob@jump")

    def test_a_missing_install_directory_is_no_lock(self, instance: Instance, install: Path) -> None:
        install.rename(install.with_name("gone"))
        with pytest.raises(RemoteFileError):
            instance.lock(run="r1", holder="ada@jump")


class TestTheHost:
    def test_facts_come_in_one_round_trip(self, instance: Instance, session: LocalSession) -> None:
        before = session.round_trips
        facts = instance.facts()
        assert session.round_trips == before + 1
        assert facts.os == "linux"
        assert facts.memory_bytes
        assert facts.memory_bytes > 1 << 20
        assert facts.free_bytes is not None
        assert not facts.read_only
        assert facts.clock_skew_s is not None
        assert abs(facts.clock_skew_s) < 2

    def test_files_are_placed_with_their_attributes(self, instance: Instance, install: Path) -> None:
        instance.place_directory("certs/more", FileAttributes("root", "root", 0o700))
        instance.place(SetFile("certs/more/a.pem", b"\r\n\x00", FileAttributes("root", "root", 0o640)))
        placed = install / "certs/more/a.pem"
        assert placed.read_bytes() == b"\r\n\x00"
        assert stat.S_IMODE(placed.stat().st_mode) == 0o640
        instance.remove("certs/more/a.pem")
        instance.remove("certs/more/a.pem")
        assert not placed.exists()
