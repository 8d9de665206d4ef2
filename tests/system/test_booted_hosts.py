"""The hosts that other system tests rely on are what they are said to be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.hosts import NspawnHost, NspawnHosts

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("booted_hosts")]


@pytest.fixture(scope="module")
def hosts(booted_hosts: None) -> Iterator[NspawnHosts]:
    with NspawnHosts(("fir", "oak", "elm")) as running:
        running.boot()
        yield running


def _ssh(hosts: NspawnHosts, host: NspawnHost, script: str, *, stdin: str = "", tmp_path: Path) -> str:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(hosts.known_hosts(), encoding="ascii")
    options = [
        "-F",
        "none",
        "-i",
        str(hosts.identity),
        "-o",
        f"UserKnownHostsFile={known_hosts}",
        "-o",
        "BatchMode=yes",
    ]
    command = ["ssh", *options, f"{hosts.login_user}@{host.address}", script]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout


def test_each_host_runs_its_own_systemd_and_answers_ssh_with_a_verified_key(hosts: NspawnHosts, tmp_path: Path) -> None:
    seen = {
        host.name: _ssh(hosts, host, "hostname; cat /etc/machine-id; cat /proc/1/comm", tmp_path=tmp_path)
        for host in hosts
    }
    names, machine_ids, managers = zip(*(text.split() for text in seen.values()), strict=True)
    assert names == ("fir", "oak", "elm")
    assert len(set(machine_ids)) == 3
    assert set(managers) == {"systemd"}


def test_sudo_wants_the_password(hosts: NspawnHosts, tmp_path: Path) -> None:
    script = "sudo -k; sudo -S -p '' id -un"
    assert _ssh(hosts, hosts["fir"], script, stdin=f"{hosts.password}\n", tmp_path=tmp_path) == "root\n"
    with pytest.raises(subprocess.CalledProcessError):
        _ssh(hosts, hosts["fir"], script, stdin="wrong\n", tmp_path=tmp_path)


def test_a_host_has_node_but_no_curl(hosts: NspawnHosts) -> None:
    assert hosts["oak"].root("sh", "-c", "command -v node").strip() == "/usr/bin/node"
    assert hosts["oak"].root("sh", "-c", "command -v curl", check=False) == ""


def test_every_host_has_a_loopback_of_its_own(hosts: NspawnHosts) -> None:
    listen = "import socket; s = socket.create_server(('127.0.0.1', 8357)); print('bound')"
    assert [host.root("python3", "-c", listen) for host in hosts] == ["bound\n"] * 3


def test_a_host_comes_back_from_a_power_cut_with_what_was_on_its_disk(hosts: NspawnHosts, tmp_path: Path) -> None:
    elm = hosts["elm"]
    before = _ssh(
        hosts, elm, "echo kept >kept; cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat", tmp_path=tmp_path
    )
    elm.power_cut()
    elm.boot()
    elm.wait_until_up()
    after = _ssh(hosts, elm, "cat /proc/sys/kernel/random/boot_id; cat /proc/1/stat", tmp_path=tmp_path)
    assert before != after
    assert _ssh(hosts, elm, "cat kept", tmp_path=tmp_path) == "kept\n"


def test_nothing_is_left_on_the_machine_afterwards(booted_hosts: None) -> None:
    def traces() -> set[str]:
        links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout.split("\n")
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").split("\n")
        groups = map(str, Path("/sys/fs/cgroup").glob("*/adha*"))
        return {line.split("@")[0].split(" ")[0] for line in links} | set(mounts) | set(groups)

    def fail_with_hosts() -> None:
        with NspawnHosts(("ash",)) as hosts:
            directories.append(hosts.directory)
            hosts.boot()
            raise RuntimeError("in the middle")

    directories: list[Path] = []
    before = traces()
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_with_hosts()
    assert [directory.exists() for directory in directories] == [False]
    assert traces() - before == set()
