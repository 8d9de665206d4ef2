"""`demo --headless` and `lab`: what they print, and that nothing stays behind however they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import paramiko
import pytest

from tests.lab.command_line import CommandLine, result_of


@pytest.fixture
def command(tmp_path: Path) -> Iterator[CommandLine]:
    with tempfile.TemporaryDirectory(prefix="c-", dir="/tmp") as temporary:
        yield CommandLine(tmp_path / "home", Path(temporary))


def left_behind(command: CommandLine) -> list[str]:
    """Every file below the operator's home, and every process that was begun there."""
    files = [str(path) for path in command.home.rglob("*") if not path.is_dir()]
    files += [str(path) for path in command.temporary.iterdir()]
    return files + [f"process {pid}" for pid in processes_of(command)]


def processes_of(command: CommandLine) -> list[int]:
    """The processes whose environment names the operator's folder for temporary files."""
    mark = f"TMPDIR={command.temporary}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue
    return found


LINUX, WINDOWS = ("linux", "ssh"), ("windows", "winrm")


@pytest.mark.parametrize(
    ("options", "systems"),
    [(("--drill",), (LINUX, LINUX, WINDOWS)), (("--first", "windows"), (WINDOWS, WINDOWS, LINUX))],
    ids=["first-linux-and-drill", "first-windows"],
)
def test_the_demo_makes_a_healthy_cluster_of_both_systems_and_leaves_nothing_behind(
    command: CommandLine, options: tuple[str, ...], systems: tuple[tuple[str, str], ...]
) -> None:
    result = command.run("demo", "--headless", "--json", *options, seconds=230)
    assert result.code == 0, result.err
    document = result.document
    assert (document["cluster"], document["verdict"]) == ("lab", "healthy")
    assert [(host["name"], host["verdict"], host["os"], host["transport"]) for host in document["hosts"]] == [
        (name, "healthy", *system) for name, system in zip(("fir", "oak", "elm"), systems, strict=True)
    ]
    assert document["run"]["state"] == "done"
    assert {step["state"] for step in document["run"]["steps"]} <= {"done", "already_done"}
    assert "elm: Start the connector: done" in result.err
    assert "CANARY" not in result.out + result.err
    assert left_behind(command) == []
    assert ("drill" in document) == ("--drill" in options)
    if "--drill" in options:
        passed_with_all_but_one_connected(document)


def passed_with_all_but_one_connected(document: dict[str, Any]) -> None:
    """The rolling restart and the drill that follow the procedure, by the tenant's own count."""
    hosts, drill = {host["name"] for host in document["hosts"]}, document["drill"]
    assert drill["verdict"] == "passed"
    assert drill["least_connected"] == len(hosts) - 1
    assert {each["host"] for each in drill["rounds"]} == hosts
    assert {each["verdict"] for each in drill["rounds"]} == {"passed"}
    assert all(each["out_of_service_s"] > 0 and each["evidence"] for each in drill["rounds"])


@pytest.mark.parametrize(
    ("number", "when"),
    [
        (signal.SIGINT, "starting three embedded hosts"),
        (signal.SIGTERM, "making an identity"),
        (signal.SIGHUP, "oak: Put config.json in place: done"),
    ],
)
def test_a_demo_that_is_ended_in_the_middle_leaves_nothing_behind(
    command: CommandLine, number: signal.Signals, when: str
) -> None:
    process = command.start("demo", "--headless", "--json")
    _wait_for(process, when)
    process.send_signal(number)
    result = result_of(process)
    assert result.code == 128 + number
    assert set(result.document) == {"error"}
    assert "goes on" not in result.err
    deadline = time.monotonic() + 10
    while left_behind(command) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_behind(command) == []


def test_json_and_drill_are_for_the_demo_without_screens(command: CommandLine) -> None:
    result = command.run("demo", "--json")
    assert (result.code, result.document["error"]["remedy"]) == (2, "adldap-ha demo --headless --json")
    result = command.run("demo", "--drill")
    assert result.code == 2
    assert "adldap-ha demo --headless --drill" in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_lab_prints_where_its_hosts_are_and_goes_with_its_folder(
    command: CommandLine, number: signal.Signals
) -> None:
    process = command.start("lab", "--json")
    assert process.stdout is not None
    document = json.loads(b"".join(takewhile(lambda line: line != b"}\n", process.stdout)) + b"}")
    assert [(host["name"], host["os"], host["transport"]) for host in document["hosts"]] == [
        ("fir", *LINUX),
        ("oak", *LINUX),
        ("elm", *WINDOWS),
    ]
    host, windows = document["hosts"][0], document["hosts"][2]
    assert windows["sudo_password"] is None
    assert f"{windows['address']}:{windows['port']} SHA256 " in Path(document["known_certificates"]).read_text()
    with paramiko.SSHClient() as client:
        client.load_host_keys(document["known_hosts"])
        client.connect(
            host["address"],
            host["port"],
            document["user"],
            host["password"],
            allow_agent=False,
            look_for_keys=False,
        )
        assert client.exec_command("echo here")[1].read() == b"here\n"
    process.send_signal(number)
    result = result_of(process)
    assert (result.code, result.err) == (0, "")
    assert left_behind(command) == []


def test_the_lab_in_words_says_how_to_log_in(command: CommandLine, tmp_path: Path) -> None:
    process = command.start("lab", str(tmp_path / "kept"))
    assert process.stdout is not None
    shown = [process.stdout.readline().decode() for _ in range(4)]
    assert "log in with" in shown[0]
    assert shown[1].startswith("fir")
    assert "ssh -p " in shown[1]
    assert shown[3].startswith("elm")
    assert "WinRM over HTTPS" in shown[3]
    os.kill(process.pid, signal.SIGINT)
    assert result_of(process).code == 0
    assert (tmp_path / "kept" / "hosts").is_dir()


def _wait_for(process: subprocess.Popen[bytes], words: str) -> None:
    assert process.stderr is not None
    while words.encode() not in (line := process.stderr.readline()):
        assert line, f"it ended before it said {words!r}"
