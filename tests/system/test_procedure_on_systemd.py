"""The whole procedure, by the installed command, on hosts with real systemd, OpenSSH, sudo and Node.

The SSH servers allow keys only, no SFTP and no forwarding; sudo wants its password; a service account owns each install; one
path has spaces, one is a symlink; the hosts have no curl; only they trust the tenant's certificate.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.system.connector_host import CLOSED, tree
from tests.system.jump_box import Ended
from tests.system.systemd_cluster import SystemdCluster, systemd_cluster

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("booted_hosts"), pytest.mark.timeout(600)]

Tree = dict[str, list[object]]


class ProcessWatch:
    """Collects the arguments and the environment of every process on this machine and, with them, on its hosts."""

    def __init__(self) -> None:
        self.arguments: set[bytes] = set()
        self.environments: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                for name, seen in (("cmdline", self.arguments), ("environ", self.environments)):
                    try:
                        seen.add((process / name).read_bytes())
                    except OSError:
                        continue


@dataclass
class Applied:
    """A cluster after a run, with what was seen before and during it."""

    cluster: SystemdCluster
    began: float
    before: dict[str, Tree]
    run: Ended
    watch: ProcessWatch = field(repr=False)

    def tree(self, name: str) -> Tree:
        """What a host's install is now."""
        return tree(self.cluster.host(name), self.cluster.install_dir(name))


@pytest.fixture(scope="module")
def applied(booted_hosts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    with systemd_cluster(tmp_path_factory.mktemp("jump-box") / "home", hardening=CLOSED) as cluster:
        for name in ("oak", "elm"):
            cluster.host(name).wait_for_unit(cluster.placements[name].connector_unit, "failed")
        before = {host.name: tree(host, cluster.install_dir(host.name)) for host in cluster.hosts}
        watch = ProcessWatch()
        began = time.time()
        try:
            run = cluster.jump_box.run("apply", "forest", "--yes", "--json", seconds=400)
        finally:
            watch.stop()
        yield Applied(cluster, began, before, run, watch)


def _verdicts(document: Any) -> dict[str, str]:
    return {host["name"]: host["verdict"] for host in document["hosts"]}


def test_three_instances_end_up_connected_and_healthy(applied: Applied) -> None:
    assert applied.run.status == 0, applied.run.err
    assert applied.run.document["state"] == "done"
    assert _verdicts(applied.run.document) == {"fir": "healthy", "oak": "healthy", "elm": "healthy"}
    assert applied.cluster.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}


def test_status_agrees(applied: Applied) -> None:
    status = applied.cluster.jump_box.run("status", "forest", "--json")
    assert status.status == 0, status.out + status.err
    assert status.document["verdict"] == "healthy"
    for host in status.document["hosts"]:
        assert host["services"] == {"connector": "running", "admin": "running"}
        assert host["certificate"]["thumbprint"] == applied.cluster.configured.thumbprint
        assert host["certificate"]["matches_tenant"] is True
        assert host["drift"] == []


def test_the_first_host_never_dropped_and_was_not_written_to(applied: Applied) -> None:
    assert applied.cluster.tenant.hub.always_connected("fir", applied.began)
    assert applied.tree("fir") == applied.before["fir"]


def test_only_one_certificate_was_ever_published(applied: Applied) -> None:
    published = {posting.thumbprint for posting in applied.cluster.tenant.postings}
    assert published == {applied.cluster.configured.thumbprint}


@pytest.mark.parametrize("name", ["oak", "elm"])
def test_the_set_arrives_byte_for_byte_and_belongs_to_the_service_account(applied: Applied, name: str) -> None:
    after, first = applied.tree(name), applied.tree("fir")
    for path in ("certs/cert.key", "certs/cert.pem", "lib/profileMapper.js"):
        assert after[path][3] == first[path][3]
    owner = applied.before[name]["server.js"][1:3]
    assert {tuple(after[path][1:3]) for path in after if path != "."} == {tuple(owner)}
    assert after["config.json"][0] == "0o100600"
    assert set(after) - set(applied.before[name]) == {"config.json", "certs/cert.key", "certs/cert.pem"}


def test_no_secret_is_in_a_file_an_argument_an_environment_or_the_output(applied: Applied) -> None:
    cluster = applied.cluster
    files = cluster.jump_box.files()
    places: dict[str, bytes] = {str(path): data for path, data in files.items()}
    places["output"] = (applied.run.out + applied.run.err).encode()
    places["arguments"] = b"\n".join(applied.watch.arguments)
    places["environments"] = b"\n".join(applied.watch.environments)
    assert any(b"adldap-ha" in arguments for arguments in applied.watch.arguments)
    leaks = [
        (place, secret) for place, data in places.items() for secret in cluster.canaries if secret.encode() in data
    ]
    assert leaks == []
    assert [
        path for path in files if path.stat().st_mode & 0o077 and ".ssh" not in path.parts and path.suffix != ".toml"
    ] == []


def test_a_second_run_finds_nothing_to_do_and_restarts_nothing(applied: Applied) -> None:
    postings = len(applied.cluster.tenant.postings)
    again = applied.cluster.jump_box.run("apply", "forest", "--yes", "--json", seconds=400)
    assert again.status == 0, again.err
    assert len(applied.cluster.tenant.postings) == postings


def test_undo_puts_every_host_back_to_the_byte(applied: Applied) -> None:
    run = applied.run.document["id"]
    undone = applied.cluster.jump_box.run("resume", "forest", "--undo", "--yes", "--run", run, "--json", seconds=400)
    assert undone.status == 0, undone.err
    assert undone.document["state"] == "rolled_back"
    for name in ("fir", "oak", "elm"):
        assert applied.tree(name) == applied.before[name]
        assert (
            applied.cluster.host(name).root("systemctl", "is-active", applied.cluster.placements[name].admin_unit)
            == "active\n"
        )
    assert applied.cluster.tenant.accepted() == {"fir": 1}
    assert applied.cluster.tenant.hub.always_connected("fir", applied.began)
