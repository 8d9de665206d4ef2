"""What one host is to have of its own is written into the cluster file, and nothing else there changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.cluster import Cluster, ClusterSection, Host
from tui.cluster_file import load_cluster, save_cluster
from tui.errors import OperatorError
from tui.remote.access import Access
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.links import Links


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ClusterOperations, Path]:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    path = tmp_path / "berlin.toml"
    hosts = (Host(name="fir", address="fir"), Host(name="oak", address="oak"))
    save_cluster(Cluster(cluster=ClusterSection(name="berlin", first="fir"), hosts=hosts), path)
    operations = ClusterOperations(access=Access(known_hosts=tmp_path / "known_hosts"), operator="ines@jump")
    operations.load(str(path))
    return operations, path


def test_a_decision_is_saved_changed_and_taken_back(opened: tuple[ClusterOperations, Path]) -> None:
    operations, path = opened
    before = path.read_text()
    operations.set_site_keys("oak", {"SSL_CA_PATH": "/srv/ca", "LDAP_URL": "ldap://dc2"})
    operations.set_site_keys("oak", {"SSL_CA_PATH": ""})
    assert load_cluster(path).host("oak").keys.chosen() == {"SSL_CA_PATH": "", "LDAP_URL": "ldap://dc2"}
    assert operations.cluster.host("oak").keys.chosen() == {"SSL_CA_PATH": "", "LDAP_URL": "ldap://dc2"}
    assert path.read_text().startswith(before.rstrip("\n"))
    operations.set_site_keys("oak", {"SSL_CA_PATH": None, "LDAP_URL": None})
    assert load_cluster(path).host("oak").keys.chosen() == {}
    assert load_cluster(path).host("fir").keys.chosen() == {}


@pytest.mark.parametrize(
    "keys", [{"LDAP_BASE": "dc=x"}, {"SSL_CA_PATH": "a\nb"}, {"HTTP_PROXY": "http://me:CANARY@proxy"}]
)
def test_what_no_cluster_file_may_hold_is_refused_and_not_written(
    opened: tuple[ClusterOperations, Path], keys: dict[str, str]
) -> None:
    operations, path = opened
    before = path.read_text()
    with pytest.raises(OperatorError) as caught:
        operations.set_site_keys("oak", dict(keys))
    assert "CANARY" not in str(caught.value)
    assert path.read_text() == before


def test_a_decision_on_keys_ends_no_session_and_any_other_change_does() -> None:
    links = Links(Access())
    oak = Host(name="oak", address="oak")
    link = links.to(oak)
    decided = Host.model_validate({"name": "oak", "address": "oak", "keys": {"LDAP_URL": "ldap://x"}})
    assert links.to(decided) is link
    assert link.host.keys.chosen() == {"LDAP_URL": "ldap://x"}
    assert links.to(Host(name="oak", address="elsewhere")) is not link
