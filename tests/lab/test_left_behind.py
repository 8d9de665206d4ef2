"""A host on which a run has left its lock or files that it moved aside: told by status, and before a run begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tui.lab.lab import Lab

_LOCK = {"run": "20260101-000000-aaaa", "holder": "alice@gone", "since": "2026-01-01T00:00:00+00:00"}


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path, lab)


@pytest.fixture
def oak(lab: Lab) -> Iterator[Path]:
    """The install directory of oak, where an abandoned run has left both."""
    directory = Path(lab.hosts["oak"].install_dir)
    lock, parked = directory / ".adldap-ha.lock", directory / ".adldap-ha" / "20251231-000000-bbbb"
    parked.mkdir(parents=True)
    lock.write_text(json.dumps(_LOCK))
    yield directory
    lock.unlink(missing_ok=True)
    parked.rmdir()
    parked.parent.rmdir()


def test_status_tells_who_holds_a_host_and_whose_files_lie_there(operator: Operator, oak: Path) -> None:
    result = operator.ask("status", "lab", "--json")
    host = next(each for each in result.document["hosts"] if each["name"] == "oak")
    told = {problem["id"]: problem["summary"] for problem in host["problems"]}
    assert told["host-held"] == "alice@gone has been working on this host since 2026-01-01T00:00:00+00:00"
    assert "20251231-000000-bbbb" in told["parked-files"]


def test_a_held_host_is_refused_before_a_run_begins(operator: Operator, oak: Path) -> None:
    result = operator.ask("apply", "lab", "--yes", "--host", "oak")
    assert result.code == 1
    assert "alice@gone has been working on this host" in result.err
    assert "has started" not in result.err
    assert (oak / ".adldap-ha.lock").exists()
    (oak / ".adldap-ha.lock").unlink()
    assert operator.ask("plan", "lab", "--host", "oak").code == 0
