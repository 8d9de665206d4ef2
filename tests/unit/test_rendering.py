"""What the command line prints of a cluster: short, narrow enough, and with the worst first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tui.findings import Finding, Severity
from tui.health.model import CertificateStatus, ClusterStatus, HostStatus, Verdict
from tui.rendering import (
    backup_detail_lines,
    finding_lines,
    restored_lines,
    status_document,
    status_lines,
    step_lines,
)
from tui.runbook.model import PlannedStep, StepState, StepView
from tui.vault.model import Backup, BackupFile, Verification

AT = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def host(name: str, **parts: Any) -> HostStatus:
    made: dict[str, Any] = {
        "verdict": Verdict.HEALTHY,
        "version": "6.4.1",
        "layout": "v6",
        "install_dir": "/opt/auth0-adldap",
        "services": {"connector": "running", "admin": "running"},
        "hub": "connected",
        "certificate": CertificateStatus(thumbprint="ab" * 20, expires=AT, matches_tenant=True),
        "clock_skew_s": 0.1,
        "drift": (),
        "problems": (),
        "observed": AT,
    }
    return HostStatus(name=name, **(made | parts))


def problem(id: str, severity: Severity = Severity.BLOCKER, **parts: Any) -> Finding:
    return Finding(id=id, severity=severity, summary=f"about {id}", **parts)


def cluster(*hosts: HostStatus) -> ClusterStatus:
    return ClusterStatus(cluster="lab", verdict=Verdict.DEGRADED, hosts=hosts)


def test_the_first_line_says_how_many_are_how() -> None:
    lines = status_lines(cluster(host("fir"), host("oak", verdict=Verdict.DOWN), host("elm")))
    assert lines[0] == "cluster lab: degraded (2 healthy, 1 down; connector 6.4.1 (v6))"


def test_versions_that_differ_have_a_column_of_their_own() -> None:
    lines = status_lines(cluster(host("fir"), host("oak", version="6.5.0")))
    assert "version" in lines[2]
    assert "6.5.0" in lines[4]


@pytest.mark.parametrize("width", [64, 80, 100, None])
def test_the_table_fits_the_width_and_never_loses_verdict_and_hub(width: int | None) -> None:
    long = host(
        "oak-in-the-second-machine-hall", services={"connector": "crash_loop", "admin": "unknown"}, hub="crash_loop"
    )
    lines = status_lines(cluster(host("fir"), long), width)
    assert width is None or max(map(len, lines)) <= width
    assert {"host", "verdict", "connector", "hub"} <= set(lines[2].split())
    assert "crash loop" in lines[4]


def test_hosts_with_the_same_problem_share_its_lines() -> None:
    waiting = problem("waits-for-import", remedy="add it to the cluster with a run")
    lines = status_lines(cluster(host("fir"), *(host(f"oak{n}", problems=(waiting,)) for n in range(30))))
    assert sum("about waits-for-import" in line for line in lines) == 1
    assert any(line.startswith("oak0, oak1, ") and line.endswith("oak29:") for line in lines)


def test_the_worst_problems_come_first_and_the_rest_is_counted() -> None:
    problems = (
        problem("a-note", Severity.NOTE),
        problem("b-warning", Severity.WARNING),
        problem("c-blocker"),
        problem("d-warning", Severity.WARNING),
        problem("e-note", Severity.NOTE),
    )
    told = status_lines(cluster(host("oak", problems=problems)))[-5:]
    assert told == [
        "oak:",
        "  BLOCKER: about c-blocker",
        "  warning: about b-warning",
        "  warning: about d-warning",
        "  and 2 more of less weight; --json shows all",
    ]


def test_evidence_is_cut_and_counted() -> None:
    lines = finding_lines(problem("x", evidence=("first " * 100, "second", "third", "fourth"), remedy="act"))
    assert len(lines) == 5
    assert len(lines[1]) < 220
    assert lines[1].endswith("…")
    assert lines[3:] == ["    and 2 more; --json shows all", "    do: act"]


def test_the_document_holds_exactly_what_is_promised() -> None:
    document = status_document(cluster(host("fir", problems=(problem("x", evidence=("a", "b", "c")),))))
    assert set(document) == {"cluster", "verdict", "hosts"}
    assert "log" not in document["hosts"][0]
    assert document["hosts"][0]["problems"][0]["evidence"] == ["a", "b", "c"]


def test_a_failed_step_says_why_below_its_line() -> None:
    planned = PlannedStep(id="oak/stop", name="stop", host="oak", title="Stop both services", why="")
    step = StepView(planned=planned, state=StepState.FAILED, error=("oak: it is masked", "Do: unmask it"))
    assert step_lines(step) == ["oak: Stop both services: FAILED", "    oak: it is masked", "    Do: unmask it"]


def test_a_mixed_cluster_has_a_column_for_the_system_and_a_linux_one_has_none() -> None:
    elm = host("elm", os="windows", transport="winrm")
    lines = status_lines(cluster(host("fir"), elm, host("yew", os="windows")))
    assert "system" in lines[2]
    assert [word in line for word, line in zip(("Linux", "Windows", "Windows, SSH"), lines[3:6], strict=True)] == [
        True
    ] * 3
    assert "system" not in status_lines(cluster(host("fir"), host("oak")))[2]


def test_the_document_gives_each_host_its_system_and_transport() -> None:
    document = status_document(cluster(host("fir"), host("elm", os="windows", transport="winrm")))
    assert [(each["os"], each["transport"]) for each in document["hosts"]] == [("linux", "ssh"), ("windows", "winrm")]


def test_a_backup_of_a_windows_host_is_told_with_its_acls() -> None:
    file = BackupFile(
        path="config.json", size=9, sha256=None, owner="CORP\\svc", group="", mode=0, acl="O:SYG:SYD:P(A;;FA;;;SY)"
    )
    backup = Backup(
        id="20261123T050000Z-elm-before-0a1b2c",
        cluster="lab",
        host="elm",
        kind="before",
        created=AT,
        operator="alice",
        run="r1",
        path=Path("/vault/x.age"),
        size=9,
        ciphertext_sha256="ab",
        recipients=(),
        thumbprint=None,
        certificate_expires=None,
        layout="v6",
        version="6.4.1",
        os="windows",
        files=(file,),
        verified=None,
    )
    assert backup_detail_lines(backup)[-1].split()[:5] == ["config.json", "9", "own", "ACL", "CORP\\svc"]
    told = "\n".join(restored_lines(backup, Path("/tmp/x"), Verification(ok=True, findings=())))
    assert "owners and ACLs (SDDL)" in told
    assert "modes" not in told
