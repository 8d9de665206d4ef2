"""A jump box that has no room left: said in words, whatever cannot be written, and how a run ended is told all the same."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

import pytest

from tests.lab.command_line import PROGRAM, CommandLine, Operator, Result
from tui.lab.lab import Lab

_LIMIT = 64 << 10


def limited(command: CommandLine, *arguments: str, stdin: bytes = b"") -> Result:
    """Run a command that may write no file beyond some size: a write beyond it fails as on a full disk."""
    done = subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        env=command.environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (_LIMIT, _LIMIT)),
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def fill(path: Path) -> None:
    """A file that has reached the limit already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(b"\n" * _LIMIT)


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path, lab)


def test_a_log_that_cannot_be_written_is_no_matter(operator: Operator) -> None:
    fill(operator.home / "state" / "adldap-ha" / "adldap-ha.log")
    result = limited(operator, "status", "lab", "--secrets", "-", stdin=operator.secrets)
    assert "fir" in result.out
    assert "Logging error" not in result.err
    assert "Traceback" not in result.err


def test_the_true_error_is_told_and_no_other(operator: Operator) -> None:
    fill(operator.home / "state" / "adldap-ha" / "adldap-ha.log")
    known = operator.home / ".ssh" / "known_hosts"
    known.write_text("")
    result = limited(operator, "apply", "lab", "--yes", "--secrets", "-", stdin=operator.secrets)
    assert result.code == 1
    assert "host key" in result.err
    assert "standard output" not in result.err
    assert "Traceback" not in result.err


def test_a_report_that_cannot_be_written_does_not_hide_how_the_run_ended(operator: Operator) -> None:
    reports = operator.home / "state" / "adldap-ha" / "lab" / "reports"
    reports.parent.mkdir(mode=0o700, parents=True)
    reports.write_text("")
    result = operator.ask("apply", "lab", "--yes", "--host", "oak", "--json")
    assert (result.code, result.document["state"], result.document["report"]) == (0, "done", None)
    assert "the report could not be written: " + str(reports) in result.err
    assert "adldap-ha report lab" in result.err
