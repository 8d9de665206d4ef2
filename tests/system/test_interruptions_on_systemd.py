"""Runs that are interrupted in their middle, on real hosts: the terminal goes, the runner is killed, a host loses its power."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.connector_host import tree
from tests.system.jump_box import finished, wait_for
from tests.system.systemd_cluster import SystemdCluster, systemd_cluster

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("booted_hosts"), pytest.mark.timeout(600)]


@pytest.fixture
def cluster(booted_hosts: None, tmp_path: Path) -> Iterator[SystemdCluster]:
    with systemd_cluster(tmp_path / "home", names=("fir", "oak")) as running:
        running.host("oak").wait_for_unit(running.placements["oak"].connector_unit, "failed")
        yield running


def _begin(cluster: SystemdCluster) -> subprocess.Popen[str]:
    """Start the procedure; returns when oak has its certificates and not yet its config.json, the middle of the replacement."""
    front = cluster.jump_box.start("apply", "forest", "--yes")
    key = cluster.host("oak").outside(cluster.install_dir("oak")) / "certs" / "cert.key"

    def half_done() -> bool:
        if front.poll() is not None:
            ended = finished(front)
            raise AssertionError(f"the procedure ended early:\n{ended.out}\n{ended.err}")
        return key.exists()

    wait_for("oak to be half done", half_done, 300)
    return front


def _is_healthy(cluster: SystemdCluster, began: float) -> None:
    assert cluster.tenant.accepted() == {"fir": 1, "oak": 1}
    assert cluster.tenant.hub.always_connected("fir", began)
    assert {posting.thumbprint for posting in cluster.tenant.postings} == {cluster.configured.thumbprint}
    left = [name for name in tree(cluster.host("oak"), cluster.install_dir("oak")) if "adldap-ha" in name]
    assert left == []


def test_a_run_goes_on_without_its_terminal_and_a_killed_runner_is_resumed(cluster: SystemdCluster) -> None:
    began = time.time()
    front = _begin(cluster)
    runner = cluster.jump_box.runner_pid()
    assert runner is not None
    front.send_signal(signal.SIGHUP)
    finished(front)
    assert Path(f"/proc/{runner}").exists()
    os.kill(runner, signal.SIGKILL)
    wait_for("the runner to be gone", lambda: cluster.jump_box.runner_pid() is None)

    resumed = cluster.jump_box.run("resume", "forest", "--json", seconds=400)

    assert resumed.status == 0, resumed.err
    assert resumed.document["verdict"] == "healthy"
    _is_healthy(cluster, began)


def test_a_killed_runner_can_be_undone_to_the_byte(cluster: SystemdCluster) -> None:
    oak, directory = cluster.host("oak"), cluster.install_dir("oak")
    before = tree(oak, directory)
    front = _begin(cluster)
    runner = cluster.jump_box.runner_pid()
    assert runner is not None
    os.kill(runner, signal.SIGKILL)
    interrupted = finished(front)
    assert interrupted.status == 1
    assert "resume" in interrupted.err + interrupted.out

    undone = cluster.jump_box.run("resume", "forest", "--undo", "--yes", "--json", seconds=400)

    assert undone.status == 0, undone.err
    assert undone.document["state"] == "rolled_back"
    assert tree(oak, directory) == before
    assert cluster.tenant.accepted() == {"fir": 1}


def test_a_host_that_loses_its_power_in_the_middle_is_put_back_and_done_again(cluster: SystemdCluster) -> None:
    began = time.time()
    oak, directory = cluster.host("oak"), cluster.install_dir("oak")
    before = tree(oak, directory)
    front = _begin(cluster)
    oak.power_cut()
    failed = finished(front, 300)
    assert failed.status == 1
    assert "inconsistent" in failed.out
    assert "oak" in failed.err

    oak.boot()
    oak.wait_until_up()
    undone = cluster.jump_box.run("resume", "forest", "--undo", "--yes", "--json", seconds=400)
    assert undone.status == 0, undone.err
    assert tree(oak, directory) == before

    again = cluster.jump_box.run("apply", "forest", "--yes", "--json", seconds=400)
    assert again.status == 0, again.err
    assert again.document["verdict"] == "healthy"
    _is_healthy(cluster, began)
