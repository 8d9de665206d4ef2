"""`status --watch`: a round after another, the same that the dashboard shows."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.lab.command_line import Operator, Terminal
from tui.lab.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), names=("fir", "oak"), configured=("fir", "oak"), speed=20) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def begun(operator: Operator, *arguments: str) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """A watching that goes on, and what it prints."""
    running = operator.start("status", "lab", "--watch", "--secrets", "-", *arguments)
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(operator.secrets)
    running.stdin.close()
    running.stdin = None
    return running, running.stdout


def test_each_round_is_one_document_on_one_line_with_all_that_the_dashboard_shows(operator: Operator) -> None:
    told = operator.ask("status", "lab", "--watch", "--json", "--interval", "2", "--rounds", "2")
    assert told.code == 0, told.err
    first, second = (json.loads(line) for line in told.out.splitlines())
    assert first["at"] < second["at"]
    for document in (first, second):
        assert (document["cluster"], document["verdict"], document["connected"]) == ("lab", "healthy", 2)
        assert [(host["name"], host["role"]) for host in document["hosts"]] == [("fir", "first"), ("oak", "additional")]
        for host in document["hosts"]:
            assert (host["stale"], host["remembered"], host["reconnects"]) == (False, False, 0)
            assert host["latency_ms"] == host["latencies_ms"][-1] > 0
            assert host["connected_since"] == host["last_accepted"] is not None
            assert set(host["restarts_per_hour"]) == {"connector", "admin"}
    assert second["tenant"]["online"] is True
    assert [host["certificate"]["matches_tenant"] for host in second["hosts"]] == [True, True]


def test_a_host_that_is_down_is_told_with_its_age_and_the_others_go_on(operator: Operator) -> None:
    operator.lab.fault("host_down", "oak")
    try:
        told = operator.ask("status", "lab", "--watch", "--rounds", "1")
    finally:
        operator.lab.fault("host_down", "oak", False)
    assert told.code == 2, told.err
    assert "oak: stale, last seen never" in told.out
    assert "cluster lab: unknown, 1 of 2 connected" in told.out
    assert f"at {operator.lab.tenant.domain}: online" in told.out
    row = next(line for line in told.out.splitlines() if line.startswith("fir "))
    assert " first " in row
    assert " ms" in row


def test_ctrl_c_ends_it_without_a_word_and_the_stream_stays_documents(operator: Operator) -> None:
    running, output = begun(operator, "--json")
    assert json.loads(output.readline())["verdict"] == "healthy"
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (130, b"")
    assert all(json.loads(line)["cluster"] == "lab" for line in out.splitlines())


def test_a_host_that_hangs_is_told_as_such_and_holds_up_nobody_who_leaves(operator: Operator) -> None:
    running, output = begun(operator, "--json", "--interval", "2")
    assert json.loads(output.readline())["verdict"] == "healthy"
    operator.lab.fault("host_hangs", "oak")
    try:
        while not (document := json.loads(output.readline()))["hosts"][1]["stale"]:
            assert document["hosts"][0]["age_s"] < 10
        assert (document["verdict"], document["hosts"][1]["verdict"]) == ("unknown", "unknown")
        assert document["hosts"][1]["age_s"] > 2
        assert document["hosts"][1]["services"]["connector"] == "running", "as it was last seen"
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=10)
    finally:
        operator.lab.fault("host_hangs", "oak", False)
    assert (running.returncode, err) == (143, b"")


def test_it_ends_as_soon_as_nobody_reads_it(operator: Operator) -> None:
    running, output = begun(operator, "--interval", "600")
    output.readline()
    output.close()
    running.stdout = None
    _, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (1, b"")


def test_on_a_terminal_of_80_columns_the_last_known_state_comes_first_and_is_marked(operator: Operator) -> None:
    assert operator.ask("status", "lab", "--watch", "--rounds", "1").code == 0
    secrets = operator.home / "secrets"
    secrets.write_bytes(operator.secrets)
    argv = ("/bin/sh", "-c", f'exec "$0" -m tui status lab --watch --secrets - <{secrets}')
    with Terminal((*argv, sys.executable), operator.environment) as terminal:
        shown = terminal.expect("oak ")
        assert "2 of 2 connected, as remembered" in shown
        shown += terminal.expect("2 of 2 connected (") + terminal.expect("oak ")
        assert max(map(len, shown.splitlines())) <= 80
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.ended(seconds=20) == 130
