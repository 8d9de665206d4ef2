"""`status --watch`: a round after another, the same that the dashboard shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tui.lab.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), names=("fir", "oak"), configured=("fir", "oak"), speed=20) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def test_each_round_is_one_document_on_one_line(operator: Operator) -> None:
    told = operator.ask("status", "lab", "--watch", "--json", "--interval", "2", "--rounds", "2")
    assert told.code == 0, told.err
    first, second = (json.loads(line) for line in told.out.splitlines())
    assert first["at"] < second["at"]
    for document in (first, second):
        assert (document["cluster"], document["verdict"]) == ("lab", "healthy")
        assert [(host["name"], host["stale"]) for host in document["hosts"]] == [("fir", False), ("oak", False)]
        assert all(host["latency_ms"] > 0 for host in document["hosts"])


def test_a_host_that_is_down_is_told_with_its_age_and_the_others_go_on(operator: Operator) -> None:
    operator.lab.fault("host_down", "oak")
    try:
        told = operator.ask("status", "lab", "--watch", "--rounds", "1")
    finally:
        operator.lab.fault("host_down", "oak", False)
    assert told.code == 2, told.err
    assert "oak: stale, last seen never" in told.out
    assert "fir" in told.out
