"""The hosts that other system tests rely on are what they are said to be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.hosts import NspawnHost, NspawnHosts
from tests.system.jump_box import wait_for

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


def _traces(name: str, directory: str) -> list[str]:
    """What is left on this machine of hosts whose bridge is called `name` and whose files are in `directory`."""
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
    found = [line for line in (links + mounts + processes).splitlines() if name in line or directory in line]
    found += map(str, Path("/sys/fs/cgroup").glob(f"**/{name}*"))
    return [*found, directory] if Path(directory).exists() else [line for line in found if "janitor" not in line]


def test_nothing_is_left_on_the_machine_afterwards(booted_hosts: None) -> None:
    def fail_with_hosts() -> None:
        with NspawnHosts(("ash",)) as hosts:
            hosts.boot()
            made.append((hosts.name, str(hosts.directory)))
            assert _traces(*made[0]) != []
            raise RuntimeError("in the middle")

    made: list[tuple[str, str]] = []
    with pytest.raises(RuntimeError, match="in the middle"):
        fail_with_hosts()
    assert _traces(*made[0]) == []


_KILL_IN_THE_MIDDLE = """
import os, signal
from tests.system.hosts import NspawnHosts
with NspawnHosts(("ash",)) as hosts:
    hosts.boot()
    print(hosts.name, hosts.directory, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_when_the_tests_are_killed(booted_hosts: None) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILL_IN_THE_MIDDLE], capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    name, directory = killed.stdout.split()
    wait_for("the killed tests' hosts to be gone", lambda: _traces(name, directory) == [], 20)
