"""The connector as it is found and worked with on hosts that real systemd runs, over real OpenSSH and sudo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.system.connector_host import CLOSED, PLACEMENTS, tree
from tests.system.systemd_cluster import SystemdCluster, systemd_cluster
from tui.cluster import Host
from tui.connector.discovery import open_instance
from tui.connector.instance import Instance
from tui.connector.model import Layout, Outcome, Role
from tui.connector.troubleshooter import read_troubleshooter
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import BecomeFailed
from tui.remote.secrets import HostSecrets, Secrets

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("booted_hosts")]


@pytest.fixture(scope="module")
def cluster(booted_hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdCluster]:
    home = tmp_path_factory.mktemp("jump-box") / "home"
    with systemd_cluster(home, hardening=CLOSED) as running:
        yield running


@contextmanager
def _instance(cluster: SystemdCluster, name: str, *, sudo_password: str | None = None) -> Iterator[Instance]:
    hosts = cluster.hosts
    host = Host(name=name, address=hosts[name].address, user=hosts.login_user, identity=hosts.identity)
    known = HostSecrets.model_validate({"sudo_password": sudo_password or hosts.password})
    access = Access(secrets=Secrets(hosts={name: known}), known_hosts=cluster.jump_box.home / ".ssh" / "known_hosts")
    session = open_posix_session(host, access)
    try:
        yield open_instance(session, host)
    finally:
        session.close()


@pytest.mark.parametrize(("name", "placement"), zip(("fir", "oak", "elm"), PLACEMENTS, strict=True))
def test_the_install_and_its_units_are_found_by_what_they_run(
    cluster: SystemdCluster, name: str, placement: object
) -> None:
    with _instance(cluster, name) as instance:
        install = instance.install
    expected = cluster.placements[name]
    assert (install.directory, install.layout, install.version) == (expected.directory, Layout.V6, "6.4.1")
    assert (install.connector_unit, install.admin_unit) == (expected.connector_unit, expected.admin_unit)
    assert (install.owner, install.group, install.account) == ("auth0", "auth0", "auth0")


def test_an_unconfigured_connector_waits_in_the_start_limit_and_a_configured_one_runs(cluster: SystemdCluster) -> None:
    oak = cluster.host("oak")
    oak.wait_for_unit(cluster.placements["oak"].connector_unit, "failed")
    with _instance(cluster, "oak") as instance:
        waiting = instance.services()
    with _instance(cluster, "fir") as instance:
        running = instance.services()
    assert (waiting[Role.CONNECTOR].state, waiting[Role.CONNECTOR].detail) == ("failed", "failed/start-limit-hit")
    assert waiting[Role.ADMIN].running
    assert {service.state for service in running.values()} == {"running"}
    assert "NODE_EXTRA_CA_CERTS" in running[Role.CONNECTOR].environment


def test_the_hosts_own_node_asks_the_ticket_where_only_it_can_and_only_it_trusts_the_tenant(
    cluster: SystemdCluster,
) -> None:
    with _instance(cluster, "oak") as instance:
        config = json.loads(cluster.configured.files["config.json"])
        info = instance.ticket_info(config["PROVISIONING_TICKET"], config)
    assert info.thumbprints == (cluster.configured.thumbprint,)
    assert info.connection == config["CONNECTION"]
    assert "oak" in info.asked_from
    assert {host for _, host in cluster.tenant.reads} >= {"oak"}


def test_the_troubleshooter_runs_where_forwarding_is_forbidden(cluster: SystemdCluster) -> None:
    with _instance(cluster, "fir") as instance:
        report = read_troubleshooter(instance.troubleshoot())
    assert report.complete
    assert report.passed, report
    assert {test.id: test.outcome for test in report.tests}["certificates"] is Outcome.PASSED


def test_the_log_is_read_from_the_journal_and_followed(cluster: SystemdCluster) -> None:
    with _instance(cluster, "fir") as instance:
        text, mark = instance.log_since(None)
        assert "Agent accepted" in text
        later, _ = instance.log_since(mark)
        assert "STARTING" not in later


def test_placing_and_parking_keep_owner_mode_and_bytes(cluster: SystemdCluster) -> None:
    elm, directory = cluster.host("elm"), cluster.install_dir("elm")
    elm.root("setfacl", "-m", "u:ops:r", f"{directory}/lib/profileMapper.js")
    before = tree(elm, directory)
    with _instance(cluster, "elm") as instance:
        mapper = instance.read_set().files["lib/profileMapper.js"]
        assert mapper.attributes.acl is not None
        assert instance.park("lib/profileMapper.js", run="r1")
        instance.place(mapper)
        assert elm.root("getfacl", "-cE", f"{directory}/lib/profileMapper.js").count("user:ops:r--") == 1
        placed = tree(elm, directory)
        assert placed["lib/profileMapper.js"] == before["lib/profileMapper.js"]
        instance.unpark("lib/profileMapper.js", run="r1")
        instance.discard_parked(run="r1")
    assert tree(elm, directory) == before


def test_a_wrong_sudo_password_is_tried_once(cluster: SystemdCluster) -> None:
    elm = cluster.host("elm")
    with pytest.raises(BecomeFailed), _instance(cluster, "elm", sudo_password="not-it"):
        pass
    failures = elm.root("journalctl", "--no-pager", "-t", "sudo")
    assert failures.count("authentication failure") == 1
    assert "incorrect password attempts" not in failures.replace("1 incorrect password attempt ", "")
