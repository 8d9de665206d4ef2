"""Saving a cluster file keeps what people wrote in it, and says afterwards exactly what was meant."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.cluster_file.conftest import GOOD, RECIPIENT, Written
from tui.cluster import Cluster, Host
from tui.cluster_file import ClusterFileError, load_cluster, save_cluster


def changed(cluster: Cluster, **parts: Any) -> Cluster:
    return Cluster.model_validate({**cluster.model_dump(), **parts})


class TestSaving:
    def test_a_new_file_is_private_short_and_says_the_same(self, cluster: Cluster, tmp_path: Path) -> None:
        path = tmp_path / "new" / "prod.toml"
        save_cluster(cluster, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert load_cluster(path) == cluster
        assert "become" not in path.read_text()

    def test_saving_what_was_loaded_changes_no_byte(self, written: Written) -> None:
        for text in (GOOD, "\ufeff" + GOOD.replace("\n", "\r\n")):
            path = written(text)
            save_cluster(load_cluster(path), path)
            assert path.read_bytes() == text.encode()

    def test_an_edit_keeps_comments_order_and_notation(self, written: Written) -> None:
        path = written(GOOD)
        cluster = load_cluster(path)
        hosts = [cluster.hosts[0].model_copy(update={"port": 2200}), cluster.hosts[1].model_copy(update={"jump": None})]
        save_cluster(changed(cluster, hosts=hosts), path)
        expected = GOOD.replace("port = 22\n", "port = 2200\n").replace('jump = "ops@bastion:2222"\n', "")
        assert path.read_text() == expected

    def test_hosts_are_added_removed_and_reordered_with_their_comments(self, written: Written) -> None:
        path = written(GOOD)
        cluster = load_cluster(path)
        elm = Host(name="elm", address="10.0.0.3")
        wanted = changed(cluster, hosts=[cluster.hosts[1], elm, cluster.hosts[0]])
        save_cluster(wanted, path)
        assert load_cluster(path) == wanted
        text = path.read_text()
        assert text.index("# rack 2") < text.index("elm") < text.index("# rack 1")
        wanted = changed(wanted, hosts=[cluster.hosts[0]])
        save_cluster(wanted, path)
        assert load_cluster(path) == wanted
        assert "oak" not in path.read_text()

    def test_a_value_that_was_written_out_follows_the_default(self, written: Written, cluster: Cluster) -> None:
        path = written(GOOD + "[run]\nparallel = 2 # slowly\n")
        save_cluster(cluster, path)
        assert load_cluster(path) == cluster
        assert "parallel = 4 # slowly" in path.read_text()

    def test_inline_tables_and_dotted_keys_are_edited_too(self, written: Written, cluster: Cluster) -> None:
        path = written(
            'cluster.name = "prod" # name\ncluster.first = "fir"\n'
            'hosts = [{ name = "fir", address = "fir.example.com" }, { name = "old", address = "x" }]\n'
        )
        save_cluster(cluster, path)
        assert load_cluster(path) == cluster
        assert "# name" in path.read_text()

    def test_a_file_that_others_could_read_becomes_private(self, written: Written, cluster: Cluster) -> None:
        path = written(GOOD)
        path.chmod(0o644)
        save_cluster(cluster, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_symlink_stays_and_its_target_is_written(self, tmp_path: Path, cluster: Cluster) -> None:
        (tmp_path / "dotfiles").mkdir()
        target, link = tmp_path / "dotfiles" / "real.toml", tmp_path / "prod.toml"
        target.write_text(GOOD)
        link.symlink_to("dotfiles/real.toml")
        save_cluster(cluster, link)
        assert link.is_symlink()
        assert load_cluster(target) == cluster
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["dotfiles", "prod.toml", "real.toml"]

    @pytest.mark.parametrize("text", ["[cluster\n", GOOD + 'note = "mine"\n', GOOD + 'password = "CANARY"\n'])
    def test_a_file_with_something_else_in_it_is_not_overwritten(
        self, written: Written, cluster: Cluster, text: str
    ) -> None:
        path = written(text)
        with pytest.raises(ClusterFileError) as caught:
            save_cluster(cluster, path)
        assert caught.value.line is not None
        assert path.read_text() == text

    @pytest.mark.parametrize("call", ["open", "write", "fchmod", "fsync", "rename"])
    def test_a_disk_that_fails_leaves_the_file_as_it_was(
        self, written: Written, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        path = written(GOOD)

        def fail(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            with pytest.raises(ClusterFileError, match="No space left"):
                save_cluster(cluster, path)
        assert path.read_text() == GOOD
        assert list(path.parent.iterdir()) == [path]

    def test_hosts_laid_out_in_two_places_are_saved_rightly_or_not_at_all(
        self, written: Written, cluster: Cluster
    ) -> None:
        scattered = GOOD.replace('[[hosts]]\nname = "oak"', '[run]\nparallel = 3\n[[hosts]]\nname = "oak"')
        path = written(scattered)
        wanted = changed(load_cluster(path), hosts=[{"name": "fir", "address": "a"}, {"name": "elm", "address": "b"}])
        try:
            save_cluster(wanted, path)
        except ClusterFileError:
            assert path.read_text() == scattered
        else:
            assert load_cluster(path) == wanted


def clusters() -> st.SearchStrategy[Cluster]:
    """Any cluster: one to four hosts in any order with any keys, and any of the optional tables."""
    names = st.lists(st.sampled_from(["fir", "oak", "elm", "ash"]), min_size=1, max_size=4, unique=True)
    optional = st.fixed_dictionaries(
        {},
        optional={
            "user": st.sampled_from(["ops", "DOMAIN\\\\ops"]),
            "port": st.integers(1, 65535),
            "become": st.sampled_from(["sudo", "none"]),
            "jump": st.just("ops@bastion:2222, [::1]:22"),
            "identity": st.sampled_from(["~/.ssh/id", "/etc/keys/a b"]),
            "install_dir": st.sampled_from(["/opt/AD LDAP", '/opt/"quoted"', "/opt/\u00fc"]),
        },
    )
    tables = st.fixed_dictionaries(
        {},
        optional={
            "tenant": st.just({"domain": "example.eu.auth0.com", "client_id": 'a"b#c'}),
            "vault": st.sampled_from([{"recipients": []}, {"recipients": [RECIPIENT]}]),
            "run": st.fixed_dictionaries(
                {}, optional={"parallel": st.integers(1, 32), "settle_seconds": st.integers(0, 3600)}
            ),
        },
    )

    def build(named: list[str], keys: list[dict[str, Any]], more: dict[str, Any]) -> Cluster:
        hosts = [
            {"name": name, "address": f"{name}.example.com", **extra} for name, extra in zip(named, keys, strict=False)
        ]
        return Cluster.model_validate({"cluster": {"name": "prod", "first": named[-1]}, "hosts": hosts, **more})

    return st.builds(build, names, st.lists(optional, min_size=4, max_size=4), tables)


class TestAnything:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(clusters(), min_size=1, max_size=3))
    def test_whatever_is_saved_over_whatever_else_is_what_is_loaded(self, saved: list[Cluster]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "prod.toml"
            path.write_text("# mine\n")
            for cluster in saved:
                save_cluster(cluster, path)
                assert load_cluster(path) == cluster
                assert path.read_text().startswith("# mine\n")

    @settings(max_examples=150, deadline=None)
    @given(st.integers(0, len(GOOD) - 1), st.integers(0, 3), st.text(alphabet="[]{}='\"#.,\n\\x\u00fc", max_size=3))
    def test_a_damaged_file_is_read_or_told_but_never_fatal(self, at: int, removed: int, inserted: str) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "prod.toml"
            path.write_text(GOOD[:at] + inserted + GOOD[at + removed :])
            with contextlib.suppress(ClusterFileError):
                load_cluster(path)
