"""What the command line prints, as plain lines and JSON-ready documents. Pure: writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tui.connector.model import Outcome
from tui.findings import Finding, Severity
from tui.health.model import ClusterStatus, HostStatus
from tui.runbook.model import Change, Plan, RunView, StepState, StepView
from tui.vault.model import Backup, Verification

_HOST_KEYS = {
    "name",
    "verdict",
    "version",
    "layout",
    "install_dir",
    "services",
    "hub",
    "certificate",
    "clock_skew_s",
    "drift",
    "problems",
}
_SEVERITY_WORD = {Severity.BLOCKER: "BLOCKER", Severity.WARNING: "warning", Severity.NOTE: "note"}


def status_document(status: ClusterStatus) -> dict[str, Any]:
    """The document of `status --json`."""
    return status.model_dump(mode="json", include={"cluster": True, "verdict": True, "hosts": {"__all__": _HOST_KEYS}})


def demo_document(status: ClusterStatus, view: RunView) -> dict[str, Any]:
    """The document of `demo --headless --json`: the status, the run and how each step ended."""
    document = status_document(status)
    document["run"] = {
        "id": view.id,
        "state": view.state.value,
        "steps": [{"id": step.planned.id, "state": step.state.value} for step in view.steps],
    }
    return document


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Columns aligned by spaces, two apart."""
    everything = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in everything) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in everything
    ]


def finding_lines(finding: Finding, *, indent: str = "  ") -> list[str]:
    """One finding with its evidence and remedy."""
    lines = [f"{indent}{_SEVERITY_WORD[finding.severity]}: {finding.summary}"]
    lines += [f"{indent}  seen: {line}" for line in finding.evidence]
    if finding.remedy:
        lines.append(f"{indent}  do: {finding.remedy}")
    return lines


def _host_row(host: HostStatus) -> tuple[str, ...]:
    certificate = host.certificate
    matches = {True: "as the tenant's", False: "NOT the tenant's", None: "not compared"}
    return (
        host.name,
        host.verdict.value,
        host.services.get("connector", "-"),
        host.services.get("admin", "-"),
        host.hub,
        host.version or "-",
        certificate.expires.date().isoformat() if certificate else "-",
        matches[certificate.matches_tenant] if certificate else "-",
        f"{host.clock_skew_s:+.1f} s" if host.clock_skew_s is not None else "-",
        str(sum(not difference.equal for difference in host.drift)),
    )


def status_lines(status: ClusterStatus) -> list[str]:
    """The status of a cluster for people."""
    lines = [f"cluster {status.cluster}: {status.verdict.value}", ""]
    header = ("host", "verdict", "connector", "admin", "hub", "version", "expires", "certificate", "clock", "drift")
    lines += table(header, [_host_row(host) for host in status.hosts])
    for host in status.hosts:
        if host.problems:
            lines += ["", f"{host.name}:"]
            for problem in host.problems:
                lines += finding_lines(problem)
    for problem in status.problems:
        lines += ["", *finding_lines(problem, indent="")]
    return lines


def change_line(change: Change) -> str:
    """One planned change."""
    if change.before is not None and change.after is not None:
        return f"{change.action} {change.subject}: {change.before} → {change.after}"
    value = change.after if change.after is not None else change.before
    return f"{change.action} {change.subject}" + (f": {value}" if value else "")


def plan_lines(plan: Plan) -> list[str]:
    """A plan for people: stage by stage, host by host, with every change."""
    lines = [f"plan for cluster {plan.cluster}"]
    for number, stage in enumerate(plan.stages, 1):
        lines += ["", f"stage {number}"]
        for step in stage:
            lines.append(f"  {step.host or 'jump box'}: {step.title}")
            lines += [f"      {change_line(change)}" for change in step.changes]
            for finding in step.findings:
                lines += finding_lines(finding, indent="      ")
    for finding in plan.findings:
        lines += finding_lines(finding, indent="")
    return lines


_STEP_WORD = {
    StepState.PENDING: "waiting",
    StepState.RUNNING: "...",
    StepState.DONE: "done",
    StepState.ALREADY: "already done",
    StepState.FAILED: "FAILED",
    StepState.SKIPPED: "skipped",
    StepState.UNDONE: "undone",
    StepState.INCONSISTENT: "INCONSISTENT",
}


def step_lines(step: StepView) -> list[str]:
    """One line of progress, with the error's lines below it when it failed."""
    where = step.planned.host or "jump box"
    detail = f": {step.detail}" if step.detail else ""
    lines = [f"{where}: {step.planned.title}: {_STEP_WORD[step.state]}{detail}"]
    return lines + [f"    {line}" for line in step.error]


def run_lines(view: RunView) -> list[str]:
    """How a run ended."""
    lines = [f"run {view.id} on {view.cluster}: {view.state.value.replace('_', ' ')}"]
    if view.verdict:
        lines.append(f"verdict: {view.verdict}")
    lines += [f"  {host.name}: {host.verdict}" + (f" ({host.detail})" if host.detail else "") for host in view.hosts]
    return lines


def backup_lines(backups: Sequence[Backup]) -> list[str]:
    """The catalogue of backups."""
    if not backups:
        return ["no backups yet"]
    rows = [
        (
            backup.id,
            backup.host,
            backup.kind,
            backup.created.strftime("%Y-%m-%d %H:%M:%S UTC"),
            backup.version,
            f"{backup.size} B",
            backup.verified.strftime("%Y-%m-%d") if backup.verified else "no",
        )
        for backup in backups
    ]
    return table(("backup", "host", "kind", "created", "version", "size", "verified"), rows)


def backup_detail_lines(backup: Backup) -> list[str]:
    """One backup as its sidecar describes it."""
    lines = [
        f"backup {backup.id} of {backup.host} in cluster {backup.cluster} ({backup.kind})",
        f"created {backup.created:%Y-%m-%d %H:%M:%S} UTC by {backup.operator}",
        f"file {backup.path} ({backup.size} bytes, SHA-256 {backup.ciphertext_sha256})",
        f"verified {backup.verified:%Y-%m-%d %H:%M:%S} UTC" if backup.verified else "not verified yet",
        f"certificate {backup.thumbprint or 'none'}"
        + (f", expires {backup.certificate_expires:%Y-%m-%d}" if backup.certificate_expires else ""),
        *(f"opens with {recipient}" for recipient in backup.recipients),
        "",
    ]
    rows = [
        (file.path, str(file.size), f"{file.mode:04o}", f"{file.owner}:{file.group}", file.sha256 or "(not listed)")
        for file in backup.files
    ]
    return lines + table(("file", "bytes", "mode", "owner", "SHA-256"), rows)


def verification_lines(verification: Verification) -> list[str]:
    """What verifying a backup proved."""
    lines = ["the backup is good: decrypted, every hash checked" if verification.ok else "the backup is NOT good"]
    for finding in verification.findings:
        lines += finding_lines(finding)
    return lines


def explanation_lines(document: dict[str, Any]) -> list[str]:
    """The document of `explain` for people."""
    if document["kind"] == "log":
        return _log_lines(document)
    lines = [
        f"troubleshooter output: {'complete' if document['complete'] else 'NOT complete'}, "
        f"{'passed' if document['passed'] else 'NOT passed'}",
        "",
    ]
    for test in document["tests"]:
        outcome = str(test["outcome"])
        lines.append(f"{test['id']:<13} {outcome.replace('_', ' ')}")
        if outcome in (Outcome.FAILED, Outcome.NOT_RUN, Outcome.NOT_COMPARED):
            lines += [f"    seen: {line}" for line in test["evidence"]]
            if test.get("remedy"):
                lines.append(f"    do: {test['remedy']}")
    return lines + _document_findings(document)


def _log_lines(document: dict[str, Any]) -> list[str]:
    lines = [f"connector log: {str(document['state']).replace('_', ' ')}, started {document['starts']} times"]
    for event in document.get("events", [])[-20:]:
        lines.append(f"  {event.get('at') or '':<19} {event['text']}")
        lines.append(f"    means: {event['meaning']}")
        if event.get("remedy"):
            lines.append(f"    do: {event['remedy']}")
    return lines + _document_findings(document)


def _document_findings(document: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for finding in document.get("findings", []):
        lines += finding_lines(Finding.model_validate(finding), indent="")
    return lines
