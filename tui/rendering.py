"""What the command line prints, as plain lines and JSON-ready documents. Pure: writes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from tui.connector.attributes import told_mode
from tui.connector.model import Outcome
from tui.findings import Finding, Severity
from tui.health.model import ClusterStatus, HostStatus, Verdict
from tui.runbook.model import Change, Plan, RunState, RunView, StepState, StepView
from tui.vault.model import Backup, Verification

_HOST_KEYS = {
    "name",
    "os",
    "transport",
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
_GOOD = "the backup is good: decrypted, every hash checked"
_EVIDENCE_SHOWN = 2
_LONGEST_EVIDENCE = 200
_PROBLEMS_SHOWN = 3
_EVENTS_SHOWN = 12
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
    """One finding with its most telling evidence and its remedy."""
    lines = [f"{indent}{_SEVERITY_WORD[finding.severity]}: {finding.summary}"]
    lines += [f"{indent}  seen: {_cut(line)}" for line in finding.evidence[:_EVIDENCE_SHOWN]]
    lines += _more(len(finding.evidence) - _EVIDENCE_SHOWN, "", f"{indent}  ")
    if finding.remedy:
        lines.append(f"{indent}  do: {finding.remedy}")
    return lines


def _cut(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_EVIDENCE else f"{line[: _LONGEST_EVIDENCE - 1]}…"


def _more(count: int, what: str, indent: str) -> list[str]:
    return [f"{indent}and {count} more{what}; --json shows all"] if count > 0 else []


def status_lines(status: ClusterStatus, width: int | None = None) -> list[str]:
    """The status of a cluster for people: a verdict, a table that fits `width` columns, and what is wrong where.

    Hosts with the very same problem share its lines.
    """
    lines = [f"cluster {status.cluster}: {status.verdict.value} ({counted(status.hosts)})", ""]
    lines += _host_table(status.hosts, width)
    return lines + problem_lines(status)


def problem_lines(status: ClusterStatus) -> list[str]:
    """What is wrong with the cluster, and with which of its hosts."""
    lines: list[str] = []
    for problem in sorted(status.problems, key=_rank):
        lines += ["", *finding_lines(problem, indent="")]
    for names, problems in _by_problems(status.hosts):
        lines += ["", f"{names}:"]
        for problem in problems[:_PROBLEMS_SHOWN]:
            lines += finding_lines(problem)
        lines += _more(len(problems) - _PROBLEMS_SHOWN, " of less weight", "  ")
    return lines


def _rank(finding: Finding) -> int:
    return list(_SEVERITY_WORD).index(finding.severity)


def counted(hosts: Sequence[HostStatus]) -> str:
    """How many hosts have which verdict, and the version that all run."""
    words = [host.verdict.value for host in hosts]
    counts = ", ".join(f"{words.count(verdict)} {verdict}" for verdict in Verdict if verdict.value in words)
    versions = {f"{host.version} ({host.layout})" for host in hosts if host.version}
    return counts + (f"; connector {versions.pop()}" if len(versions) == 1 else "")


def _by_problems(hosts: Sequence[HostStatus]) -> list[tuple[str, list[Finding]]]:
    """Which hosts have which problems, worst problem first; hosts without any are left out."""
    groups: dict[tuple[Finding, ...], list[str]] = {}
    for host in hosts:
        if host.problems:
            groups.setdefault(tuple(sorted(host.problems, key=_rank)), []).append(host.name)
    return [(", ".join(names), list(problems)) for problems, names in groups.items()]


def _host_table(hosts: Sequence[HostStatus], width: int | None) -> list[str]:
    """One row a host. Where the terminal is too narrow, the columns go first whose trouble is told below the table."""
    return fitting(host_columns(hosts), ("drift", "clock", "system", "version", "admin", "tenant's", "expires"), width)


def host_columns(hosts: Sequence[HostStatus]) -> dict[str, list[str]]:
    """What the columns of a table of hosts say, by their headings; one that says the same of every host is left out."""
    columns = {
        "host": [host.name for host in hosts],
        "system": [told_system(host.os, host.transport) for host in hosts],
        "verdict": [host.verdict.value for host in hosts],
        "connector": [_state(host, "connector") for host in hosts],
        "admin": [_state(host, "admin") for host in hosts],
        "hub": [host.hub.replace("_", " ") for host in hosts],
        "version": [host.version or "-" for host in hosts],
        "expires": [_expiry(host) for host in hosts],
        "tenant's": [_tenants(host) for host in hosts],
        "clock": [f"{host.clock_skew_s:+.1f} s" if host.clock_skew_s is not None else "-" for host in hosts],
        "drift": [str(sum(not each.equal for each in host.drift)) for host in hosts],
    }
    if len(set(columns["version"])) == 1:
        del columns["version"]
    if set(columns["system"]) == {told_system("linux", "ssh")}:
        del columns["system"]
    return columns


def fitting(columns: dict[str, list[str]], spares: Sequence[str], width: int | None) -> list[str]:
    """The table of these columns, in `width` terminal columns: those of `spares` go first, one after another."""
    columns = dict(columns)
    for spare in spares:
        lines = table(tuple(columns), zip(*columns.values(), strict=True))
        if width is None or max(map(len, lines)) <= width:
            return lines
        columns.pop(spare, None)
    return table(tuple(columns), zip(*columns.values(), strict=True))


def told_system(os: str, transport: str) -> str:
    """A host's operating system, and how it is reached where that is not the usual way."""
    if os == "windows":
        return "Windows" if transport == "winrm" else "Windows, SSH"
    return "Linux"


def _state(host: HostStatus, role: str) -> str:
    return host.services.get(role, "-").replace("_", " ")


def _expiry(host: HostStatus) -> str:
    return host.certificate.expires.date().isoformat() if host.certificate else "-"


def _tenants(host: HostStatus) -> str:
    """Whether the certificate on the host is the one that the tenant knows."""
    if host.certificate is None:
        return "-"
    return {True: "yes", False: "NO", None: "unknown"}[host.certificate.matches_tenant]


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
    StepState.RUNNING: "under way",
    StepState.DONE: "done",
    StepState.ALREADY: "nothing to do",
    StepState.FAILED: "FAILED",
    StepState.SKIPPED: "skipped",
    StepState.UNDONE: "undone",
    StepState.INCONSISTENT: "INCONSISTENT",
}


def step_lines(step: StepView) -> list[str]:
    """One line of progress, with the error's lines below it when it failed."""
    where = step.planned.host or "jump box"
    over = step.state is not StepState.RUNNING
    seconds = (step.ended - step.started).total_seconds() if step.started and step.ended and over else 0.0
    took = f" in {seconds:.0f} s" if seconds >= 1 else ""
    detail = f": {step.detail}" if step.detail and over else ""
    lines = [f"{where}: {step.planned.title}: {_STEP_WORD[step.state]}{took}{detail}"]
    return lines + [f"    {line}" for line in step.error]


def run_lines(view: RunView) -> list[str]:
    """How a run ended."""
    took = f" in {(view.ended - view.started).total_seconds():.0f} s" if view.ended else ""
    lines = [f"run {view.id} on {view.cluster}: {view.state.value.replace('_', ' ')}{took}", *view.error]
    if view.verdict:
        lines.append(f"verdict: {view.verdict}")
    lines += [f"  {host.name}: {host.verdict}" + (f" ({host.detail})" if host.detail else "") for host in view.hosts]
    if view.state is RunState.INTERRUPTED:
        lines.append(f"do: adldap-ha resume {view.cluster} finishes it, with --undo it puts every changed host back")
    if view.state is RunState.INCONSISTENT:
        lines.append(f"do: adldap-ha report {view.cluster} says which host needs a person, and what was kept of it")
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
        (
            file.path,
            str(file.size),
            told_mode(file.mode, file.acl),
            file.owner + (f":{file.group}" if file.group else ""),
            file.sha256 or "(not listed)",
        )
        for file in backup.files
    ]
    access = "ACL" if backup.os == "windows" else "mode"
    return lines + table(("file", "bytes", access, "owner", "SHA-256"), rows)


def verification_lines(verification: Verification) -> list[str]:
    """What verifying a backup proved."""
    unknown = any(finding.id == "backup-unknown-origin" for finding in verification.findings)
    good = "the backup opens and is whole, but nobody knows who made it" if unknown else _GOOD
    lines = [good if verification.ok else "the backup is NOT good"]
    for finding in verification.findings:
        lines += finding_lines(finding)
    return lines


def restored_lines(backup: Backup, directory: Path, verification: Verification) -> list[str]:
    """What lies in the directory that a backup was decrypted into, and how it is put on a host."""
    lines = [f"backup {backup.id} of {backup.host} lies decrypted in {directory}"]
    if not verification.ok:
        lines.append("its bytes are those that were written, but it is NOT fit for use as it is:")
    for finding in verification.findings:
        lines += finding_lines(finding)
    lines += [
        "",
        "Whoever reads it has the directory password: keep it private, and remove it when you are done.",
        f"    rm -r {shlex.quote(str(directory))}",
        "",
    ]
    if backup.kind == "before" and backup.run:
        lines += [
            f"This is what {backup.host} had before run {backup.run}. The run itself puts it back, to the byte:",
            f"    adldap-ha resume {backup.cluster} --undo --run {backup.run}",
            "",
        ]
    access = "owners and ACLs (SDDL)" if backup.os == "windows" else "owners and modes"
    if not backup.files:
        return [*lines, f"It holds no file: {backup.host} was not configured when it was made."]
    return [
        *lines,
        f"To put it on {backup.host} by hand:",
        "  1. stop both services, the connector and the admin console;",
        "  2. move the config.json that is there out of the install directory;",
        f"  3. copy certs/, then lib/profileMapper.js, with the {access} that manifest.json names;",
        "  4. copy config.json last: a connector that has it with another key and certificate publishes a wrong pair;",
        "  5. start the admin console, then the connector;",
        f"  6. adldap-ha status {backup.cluster} says whether it is connected.",
    ]


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
            evidence = test["evidence"]
            lines += [f"    seen: {_cut(line)}" for line in evidence[:_EVIDENCE_SHOWN]]
            lines += _more(len(evidence) - _EVIDENCE_SHOWN, "", "    ")
            if test.get("remedy"):
                lines.append(f"    do: {test['remedy']}")
    return lines + _document_findings(document)


def _log_lines(document: dict[str, Any]) -> list[str]:
    starts = document["starts"]
    lines = [
        f"connector log: {str(document['state']).replace('_', ' ')}, {starts} start{'' if starts == 1 else 's'} in it",
        "",
    ]
    spells = [list(same) for _, same in groupby(document["events"], key=lambda event: event["kind"])]
    lines += _more(len(spells) - _EVENTS_SHOWN, " before", "  ")
    for spell in spells[-_EVENTS_SHOWN:]:
        last = spell[-1]
        at = f"{last['at']}  " if last.get("at") else ""
        lines.append(f"  {at}{_cut(last['text'])}" + (f" ({len(spell)} times)" if len(spell) > 1 else ""))
        lines.append(f"    means: {last['meaning']}")
        if last.get("remedy"):
            lines.append(f"    do: {last['remedy']}")
    return lines + _document_findings(document)


def _document_findings(document: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for finding in document.get("findings", []):
        lines += finding_lines(Finding.model_validate(finding), indent="")
    return lines
