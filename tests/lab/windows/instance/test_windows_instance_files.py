"""The files, the parking and the lock of a connector on the lab's Windows hosts: one definition for both transports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tui.connector.errors import HostLocked
from tui.connector.model import SetFile
from tui.connector.windows.instance import WindowsInstance
from tui.lab.lab import Lab
from tui.lab.windows.host import WindowsLabHost
from tui.remote.errors import FileFailure, RemoteFileError

RUN, OTHER_RUN = "20261120-1000-aaaa", "20261120-1100-bbbb"


class TestFiles:
    def test_what_is_parked_comes_back_to_the_byte_and_the_acl(self, instance: WindowsInstance) -> None:
        before = instance.read_set()
        for part in ("config.json", "certs", "lib/profileMapper.js"):
            assert instance.park(part, run=RUN)
            assert instance.park(part, run=RUN)
        assert instance.parked(run=RUN) == ("certs", "config.json", "lib/profileMapper.js")
        assert instance.parked(run=OTHER_RUN) == ()
        assert instance.facts().parked_runs == (RUN,)
        assert instance.read_set().files == {}
        instance.place_directory("certs", before.directories["certs"])
        instance.place(SetFile("certs/cert.key", b"other\r\n", before.files["certs/cert.key"].attributes))
        assert instance.read_set().data("certs/cert.key") == b"other\r\n"
        for part in instance.parked(run=RUN):
            instance.unpark(part, run=RUN)
        instance.discard_parked(run=RUN)
        assert instance.read_set() == before
        assert instance.facts().parked_runs == ()

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

    @pytest.mark.parametrize(
        ("fault", "reason"),
        [
            ("access_denied", FileFailure.DENIED),
            ("disk_full", FileFailure.NO_SPACE),
            ("read_only", FileFailure.READ_ONLY),
        ],
    )
    def test_what_cannot_be_written_is_told_and_nothing_is_half_written(
        self, instance: WindowsInstance, host: WindowsLabHost, windows_lab: Lab, fault: str, reason: FileFailure
    ) -> None:
        before = instance.read_set()
        windows_lab.fault(fault, host.name)
        try:
            with pytest.raises(RemoteFileError) as caught:
                instance.place(replace(before.files["lib/profileMapper.js"], data=b"other"))
        finally:
            windows_lab.fault(fault, host.name, on=False)
        assert caught.value.reason is reason
        assert caught.value.remedy
        assert instance.read_set() == before
        assert list(host.real_install.rglob(".adldap-ha-*")) == []

    def test_an_install_that_may_not_be_changed_is_not_locked_either(
        self, instance: WindowsInstance, host: WindowsLabHost, windows_lab: Lab
    ) -> None:
        windows_lab.fault("access_denied", host.name)
        try:
            for change in (
                lambda: instance.lock(run=RUN, holder="alice@jump"),
                lambda: instance.park("config.json", run=RUN),
            ):
                with pytest.raises(RemoteFileError) as caught:
                    change()
                assert caught.value.reason is FileFailure.DENIED
        finally:
            windows_lab.fault("access_denied", host.name, on=False)
        assert instance.locked_by() is None

    def test_a_link_that_leads_away_is_not_written_through(
        self, instance: WindowsInstance, host: WindowsLabHost, tmp_path: Path
    ) -> None:
        library = host.real_install / "lib"
        outside = host.root / "ProgramData" / "planted"
        outside.mkdir()
        library.rename(tmp_path / "lib")
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
        assert instance.facts().lock == text
        instance.unlock(run=RUN)
        assert instance.locked_by() is None
        assert instance.facts().lock is None

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
