"""Cluster files: a good one is read, a bad one is told by file, line and key, and saving keeps what people wrote."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui import paths
from tui.cluster import Cluster, Host
from tui.cluster_file import ClusterFileError, cluster_names, find_cluster_file, load_cluster, save_cluster
from tui.toml_lines import key_lines, line_of

RECIPIENT = "age1z8l823apq6cnk3tcygycfe2aanvy70gf80te5798rcwfra8ca4dqyk7qw2"
SECRET_KEY = "AGE-SECRET-KEY-1CANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARY"

GOOD = f"""\
# Our cluster
[cluster]   # its head
name = 'prod'
first = "fir" # configured in 2024

[vault]
recipients = [
    "{RECIPIENT}",  # alice
]

# the hosts
[[hosts]]
name = "fir"  # rack 1
address = "fir.example.com"
port = 22

[[hosts]]
name = "oak"  # rack 2
address = "10.0.0.2"
jump = "ops@bastion:2222"
# end
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "prod.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


Written = Callable[[str | bytes], Path]


def error_of(path: Path) -> ClusterFileError:
    with pytest.raises(ClusterFileError) as caught:
        load_cluster(path)
    assert str(path) in caught.value.summary
    assert "CANARY" not in "\n".join(caught.value.lines())
    return caught.value


class TestLoading:
    def test_a_good_file_says_what_it_says(self, written: Written) -> None:
        cluster = load_cluster(written(GOOD))
        assert (cluster.name, cluster.first.name) == ("prod", "fir")
        assert [host.name for host in cluster.additional] == ["oak"]
        assert cluster.host("oak").jump == "ops@bastion:2222"
        assert cluster.vault.recipients == (RECIPIENT,)
        assert cluster.run.settle_seconds == 60

    def test_a_byte_order_mark_and_dos_line_ends_are_fine(self, written: Written) -> None:
        plain = load_cluster(written(GOOD))
        assert load_cluster(written(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())) == plain

    @pytest.mark.parametrize(
        ("change", "line", "key", "told"),
        [
            (("port = 22", "prot = 22"), 15, "hosts[1].prot", "did you mean `port`?"),
            (("port = 22", "port = 'ssh'"), 15, "hosts[1].port", "a port number from 1 to 65535"),
            (("port = 22", "port = 70000"), 15, "hosts[1].port", "a port number from 1 to 65535"),
            (("port = 22", "port = true"), 15, "hosts[1].port", "a port number from 1 to 65535"),
            (("port = 22", "become = 'root'"), 15, "hosts[1].become", '"sudo" or "none"'),
            (("port = 22", "transport = 'winrm'"), 15, "hosts[1].transport", '"ssh"'),
            (("port = 22", "install_dir = 'opt/x'"), 15, "hosts[1].install_dir", "absolute path"),
            (("port = 22", "identity = 'id_rsa'"), 15, "hosts[1].identity", "absolute or from ~"),
            (("port = 22", "user = '-oProxyCommand=x'"), 15, "hosts[1].user", "the account"),
            (("port = 22", "connector_unit = 'a b'"), 15, "hosts[1].connector_unit", "systemd unit"),
            (("port = 22", "user = ''"), 15, "hosts[1].user", "the account"),
            (('"10.0.0.2"', '"root@10.0.0.2"'), 19, "hosts[2].address", "without user or port"),
            (('"10.0.0.2"', '"fir.example.com:22"'), 19, "hosts[2].address", "without user or port"),
            (('"10.0.0.2"', '"-oProxyCommand=x"'), 19, "hosts[2].address", "without user or port"),
            (("ops@bastion:2222", "bastion other"), 20, "hosts[2].jump", "`[user@]host[:port]`"),
            (('name = "oak"', 'name = "FIR"'), 18, "hosts[2].name", "two hosts have this name"),
            (('name = "oak"', 'name = "o/ak"'), 18, "hosts[2].name", "a short name"),
            (('first = "fir"', 'first = "elm"'), 4, "cluster.first", "there is no host of this name"),
            (('first = "fir"', ""), 2, "cluster.first", "this key is missing"),
            (('address = "10.0.0.2"', ""), 17, "hosts[2].address", "this key is missing"),
            (("[vault]", "[vualt]"), 6, "vualt", "did you mean `vault`?"),
            (("[vault]", "[run]\nparallel = 0\n[vault]"), 7, "run.parallel", "from 1 to 32"),
            (
                ("[vault]", "[tenant]\ndomain='https://x'\nclient_id='y'\n[vault]"),
                7,
                "tenant.domain",
                "without https://",
            ),
            (("[vault]", "[tenant]\ndomain='x.auth0.com'\n[vault]"), 6, "tenant.client_id", "this key is missing"),
            ((RECIPIENT, "age1nonsense"), 8, "vault.recipients[1]", "age x25519 recipient"),
            ((RECIPIENT, RECIPIENT[:-1] + "3"), 8, "vault.recipients[1]", "mistyped"),
            ((f'"{RECIPIENT}",', f'"{RECIPIENT}",\n"{RECIPIENT}"'), 9, "vault.recipients[2]", "listed twice"),
            ((f'"{RECIPIENT}",', "1,"), 8, "vault.recipients[1]", "age x25519 recipient"),
        ],
    )
    def test_a_mistake_is_told_with_its_line_its_key_and_what_is_expected(
        self, written: Written, change: tuple[str, str], line: int, key: str, told: str
    ) -> None:
        assert change[0] in GOOD
        error = error_of(written(GOOD.replace(*change, 1)))
        assert (error.line, error.key) == (line, key)
        assert told in str(error)

    def test_two_hosts_at_one_place_are_refused_but_not_at_two_places_of_one_address(self, written: Written) -> None:
        same = GOOD.replace("10.0.0.2", "FIR.example.com")
        assert load_cluster(written(same)).host("oak").jump
        error = error_of(written(same.replace('jump = "ops@bastion:2222"', "")))
        assert (error.line, error.key) == (19, "hosts[2].address")

    @pytest.mark.parametrize("text", ["", "\n# nothing\n", "\ufeff"])
    def test_an_empty_file_is_told_how_to_begin(self, written: Written, text: str) -> None:
        error = error_of(written(text))
        assert "empty" in error.summary
        assert "[cluster]" in str(error)

    @pytest.mark.parametrize("hosts", ["", "hosts = []"])
    def test_a_cluster_without_hosts_is_refused(self, written: Written, hosts: str) -> None:
        error = error_of(written(f'{hosts}\n[cluster]\nname = "prod"\nfirst = "fir"\n'))
        assert error.key == "hosts"

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("[cluster\nname = 1", 1),
            ('[cluster]\nname = "prod\n', 2),
            ("[cluster]\n\nname prod", 3),
            ("a = 1\na = 2\n", 2),
        ],
    )
    def test_what_is_no_toml_is_told_with_its_line(self, written: Written, text: str, line: int) -> None:
        error = error_of(written(text))
        assert error.line == line
        assert "not TOML" in error.summary

    def test_what_is_no_text_is_told_with_its_line(self, written: Written) -> None:
        error = error_of(written(b"[cluster]\nname = '\xff'\n"))
        assert error.line == 2
        assert "UTF-8" in str(error)

    def test_a_directory_a_missing_file_and_a_huge_file_are_told(self, tmp_path: Path, written: Written) -> None:
        for path in (tmp_path, tmp_path / "absent.toml", written("#" * (2 << 20)), written("a = " + "[" * 100_000)):
            error_of(path)


class TestSecrets:
    @pytest.mark.parametrize(
        "key",
        [
            "password", "sudo_password", "Passphrase", "key-passphrase", "passwd", "pwd", "client_secret", "secret",
            "api_token", "provisioning_ticket", "private_key", "PrivateKey", "api_key", "credentials",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("place", ["port = 22", "[vault]"])
    def test_a_key_that_looks_like_a_secret_is_refused_by_name(self, written: Written, key: str, place: str) -> None:
        error = error_of(written(GOOD.replace(place, f'{place}\n{key} = "CANARY"', 1)))
        assert "looks like a secret" in error.summary
        assert error.line == GOOD[: GOOD.index(place)].count("\n") + 2
        assert error.key is not None
        assert error.key.endswith(f".{key}")

    @pytest.mark.parametrize(
        "value",
        [
            SECRET_KEY,
            SECRET_KEY.lower(),
            "-----BEGIN RSA PRIVATE KEY-----CANARY",
            "-----BEGIN OPENSSH PRIVATE KEY-----CANARY",
            "$2$.0123456789abcdef.CANARY",
            "https://example.auth0.com/p/ad/CANARY",
            "https://user:CANARY@proxy:3128",
        ],
    )
    def test_a_value_that_looks_like_a_secret_is_refused_wherever_it_stands(self, written: Written, value: str) -> None:
        for text in (f'user = "{value}"', f"# {value}", f'jump = """\n{value}"""'):
            error = error_of(written(GOOD.replace("port = 22", text)))
            assert "looks like a secret" in error.summary
            assert error.line in (15, 16)
            assert "renew" in str(error)

    def test_a_secret_key_among_the_recipients_is_told_with_its_key(self, written: Written) -> None:
        error = error_of(written(GOOD.replace(RECIPIENT, SECRET_KEY)))
        assert (error.line, error.key) == (8, "vault.recipients[1]")


class TestFinding:
    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        monkeypatch.chdir(tmp_path)

    def test_clusters_are_found_by_name_and_listed(self, cluster: Cluster) -> None:
        assert cluster_names() == []
        for name in ("staging", "prod"):
            save_cluster(cluster, paths.cluster_file(name))
        assert cluster_names() == ["prod", "staging"]
        assert find_cluster_file("prod") == paths.cluster_file("prod")

    def test_a_path_is_taken_as_it_is(self, cluster: Cluster, tmp_path: Path) -> None:
        save_cluster(cluster, tmp_path / "here.toml")
        assert find_cluster_file("here.toml") == Path("here.toml")
        assert find_cluster_file(str(tmp_path / "here.toml")) == tmp_path / "here.toml"

    def test_a_name_goes_before_a_file_of_the_same_name(self, cluster: Cluster, tmp_path: Path) -> None:
        save_cluster(cluster, paths.cluster_file("prod"))
        (tmp_path / "prod").write_text("something else")
        assert find_cluster_file("prod") == paths.cluster_file("prod")

    def test_a_name_that_is_almost_right_is_corrected(self, cluster: Cluster) -> None:
        save_cluster(cluster, paths.cluster_file("production"))
        with pytest.raises(ClusterFileError, match="did you mean production"):
            find_cluster_file("prodution")

    @pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "nothing", "", "."])
    def test_what_is_no_cluster_file_is_told(self, name: str) -> None:
        with pytest.raises(ClusterFileError):
            find_cluster_file(name)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": {"name": "prod", "first": "fir"},
            "hosts": [
                {"name": "fir", "address": "fir.example.com"},
                {"name": "oak", "address": "10.0.0.2", "port": 2222},
            ],
        }
    )


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


class TestKeyLines:
    @pytest.mark.parametrize(
        ("text", "path", "line"),
        [
            ("a = 1", ("a",), 1),
            ("\n# c\na = 1\nb = 2", ("b",), 4),
            ("[t]\n\na = 1", ("t", "a"), 3),
            ("[t]\na = 1", ("t",), 1),
            ("[t.u]\na = 1", ("t", "u", "a"), 2),
            ("a.b.c = 1\na.d = 2", ("a", "d"), 2),
            ("\"a b\".'c' = 1", ("a b", "c"), 1),
            ("[[h]]\na = 1\n[[h]]\na = 2", ("h", 1, "a"), 4),
            ("[[h]]\na = 1\n[[h]]\na = 2", ("h", 1), 3),
            ("[[h]]\n[h.t]\na = 1\n[[h]]\n[h.t]\na = 2", ("h", 1, "t", "a"), 6),
            ("[[h]]\n[[h.k]]\n[[h]]\n[[h.k]]\na = 1", ("h", 1, "k", 0, "a"), 5),
            ("a = [\n 1,\n 2, # x\n\n 3\n]\nb = 1", ("a", 2), 5),
            ("a = [\n 1,\n 2,\n]\nb = 1", ("b",), 5),
            ("a = [{b = 1}, {b = 2,\nc = 3}]", ("a", 1, "b"), 1),
            ("a = [{b = 1},\n{b = 2}]", ("a", 1, "b"), 2),
            ('a = """\nb = 1\n[x]\n"""\nc = 1', ("c",), 5),
            ("a = '''\n'b' = \"1\n'''\nc = 1", ("c",), 4),
            ('a = "]#\\"[" # "\nb = 1', ("b",), 2),
            ("a = 1979-05-27T07:32:00Z\nb = 1", ("b",), 2),
            ('a = """x""""\nb = 1', ("b",), 2),
        ],
    )
    def test_a_key_is_found_where_it_stands(self, text: str, path: tuple[str | int, ...], line: int) -> None:
        assert key_lines(text)[path] == line

    def test_a_missing_key_is_told_at_the_table_around_it(self) -> None:
        lines = key_lines("[[h]]\na = 1\n[[h]]\na = 2")
        assert line_of(lines, ("h", 1, "b", "c")) == 3
        assert line_of(lines, ("x",)) is None

    @given(st.text(alphabet="[]{}=.,'\"\\#ab1 \n", max_size=60))
    def test_no_text_makes_it_fail(self, text: str) -> None:
        assert all(1 <= line <= text.count("\n") + 1 for line in key_lines(text).values())

    @settings(max_examples=30)
    @given(
        st.dictionaries(
            st.text(min_size=1, max_size=8),
            st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3),
            max_size=6,
        )
    )
    def test_every_key_of_a_written_document_is_found_in_order(self, document: dict[str, Any]) -> None:
        import tomlkit

        text = "\n".join(
            tomlkit.dumps({"x": value}).strip().replace("x", f"k{n}", 1) for n, value in enumerate(document.values())
        )
        lines = key_lines(text)
        found = [lines[(f"k{n}",)] for n in range(len(document))]
        assert found == sorted(found)
