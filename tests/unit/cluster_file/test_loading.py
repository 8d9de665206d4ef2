"""Cluster files: a good one is read, and a bad one is told by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cluster_file.conftest import GOOD, RECIPIENT, SECRET_KEY, Written, error_of
from tui import paths
from tui.cluster import Cluster
from tui.cluster_file import (
    ClusterFileError,
    cluster_names,
    find_cluster_file,
    load_cluster,
    refuse_twins,
    save_cluster,
)


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
            (("port = 22", "transport = 'telnet'"), 15, "hosts[1].transport", '"ssh" or "winrm"'),
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


class TestTwins:
    @pytest.fixture(autouse=True)
    def _home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def test_a_copied_file_that_names_the_same_cluster_is_refused_with_both_paths(self, cluster: Cluster) -> None:
        original, copy = paths.cluster_file("prod"), paths.cluster_file("copy")
        save_cluster(cluster, original)
        refuse_twins("prod", original)
        save_cluster(cluster, copy)
        for path, other in ((original, copy), (copy, original)):
            with pytest.raises(ClusterFileError) as caught:
                refuse_twins("prod", path)
            assert str(path) in caught.value.summary
            assert str(other) in caught.value.summary
            assert caught.value.remedy

    def test_links_other_names_and_unreadable_files_are_no_twins(self, cluster: Cluster, tmp_path: Path) -> None:
        path = paths.cluster_file("prod")
        save_cluster(cluster, path)
        paths.cluster_file("link").symlink_to(path)
        paths.cluster_file("broken").write_text("[cluster\n")
        paths.cluster_file("odd").write_bytes(b"\xff\xfe")
        other = cluster.model_copy(update={"cluster": cluster.cluster.model_copy(update={"name": "staging"})})
        save_cluster(other, paths.cluster_file("staging"))
        refuse_twins("prod", path)
        refuse_twins("prod", paths.cluster_file("link"))
        refuse_twins("prod", tmp_path / "elsewhere.toml")
