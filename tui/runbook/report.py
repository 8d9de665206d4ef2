"""The report of a run: what was done, when, by whom, on which host, with which evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from tui.paths import state_dir
from tui.private_files import write_private
from tui.runbook.act_words import act_words
from tui.runbook.drill import drill_rounds, drill_verdict
from tui.runbook.journal import Journal, Record, RecordKind
from tui.runbook.model import HostVerdict, RunState, RunView, StepState, StepView
from tui.runbook.run_view import RunHistory

_SAID = {
    "done": "Every step ended well.",
    "rolled_back": "The run was stopped and what it had changed was put back.",
    "inconsistent": "Putting a host back failed: it needs a person.",
    "interrupted": "The run was interrupted. It can be resumed or undone.",
}


def write_report(journal: Journal, cluster: str, run: str) -> Path:
    """Write the run's report as Markdown and JSON into `state_dir/reports`, 0600; returns the Markdown file's path.

    Raises NoSuchRun, JournalError, OSError.
    """
    view = RunHistory.read(journal, run, cluster).view()
    directory = state_dir(cluster) / "reports"
    directory.mkdir(mode=0o700, exist_ok=True)
    write_private(directory / f"{run}.json", render_json(view, journal).encode())
    path = directory / f"{run}.md"
    write_private(path, render_markdown(view, journal).encode())
    return path


def render_json(view: RunView, journal: Journal) -> str:
    """The report as one JSON document: the run's view and its chronicle."""
    document = view.model_dump(mode="json")
    document["chronicle"] = [{"at": at.isoformat(), "what": text} for at, text in _chronicle(journal.records(view.id))]
    document["backups"] = _backups(journal.records(view.id))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def render_markdown(view: RunView, journal: Journal) -> str:
    """The report as Markdown."""
    records = journal.records(view.id)
    parts = [
        _head(view),
        _hosts(view),
        _drill(view),
        _steps(view),
        _listed("Backups", (f"`{b['id']}` ciphertext SHA-256 `{b['sha256']}`" for b in _backups(records))),
        _listed("Chronicle", (f"{_clock(at)} {_text(what)}" for at, what in _chronicle(records))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _said(view: RunView) -> str:
    if view.state is RunState.FAILED:
        left = ", ".join(view.changed)
        return f"The run stopped; still changed: {left}." if left else "The run stopped; no host is changed by it."
    return _SAID.get(view.state.value, "The run is under way.")


def _head(view: RunView) -> str:
    lines = [
        f"# {view.cluster}: run {view.id}",
        "",
        f"**{view.state.value}** · verdict **{view.verdict or 'none'}**. {_text(_said(view))}",
        "",
        f"- What: {act_words(view.act).name}",
        f"- Operator: {_text(view.operator)}",
        f"- Began: {_clock(view.started)}",
    ]
    if view.ended:
        lines.append(f"- Ended: {_clock(view.ended)} ({_span(view.started, view.ended)})")
    lines += [f"- {_text(line)}" for line in view.error]
    return "\n".join(lines)


def _hosts(view: RunView) -> str:
    if not view.hosts:
        return ""
    rows = [f"| {host.name} |{_system(host)} | {host.verdict} | {_cell(host.detail)} |" for host in view.hosts]
    return "\n".join(["## Hosts", "", "| host | system | verdict | detail |", "|---|---|---|---|", *rows])


def _drill(view: RunView) -> str:
    """What a failover drill has proven, round by round; empty for any other run."""
    if view.act != "drill":
        return ""
    rows = []
    for each in drill_rounds(view):
        out = each["out_of_service_s"]
        seen = _cell("; ".join(each["evidence"]))
        rows.append(
            f"| {each['host']} | {each['verdict'].replace('_', ' ')} | {'' if out is None else f'{out:.0f} s'} | {seen} |"
        )
    head = ["| without | verdict | out for | meanwhile |", "|---|---|---|---|"]
    return "\n".join([f"## Failover drill: {drill_verdict(view)}", "", *head, *rows])


def _system(host: HostVerdict) -> str:
    """` linux (ssh)`; empty in a journal of an earlier version."""
    return f" {host.os} ({host.transport})" if host.os else ""


def _steps(view: RunView) -> str:
    hosts = list(dict.fromkeys(step.planned.host for step in view.steps))
    return "\n\n".join(_host_steps(host, [s for s in view.steps if s.planned.host == host]) for host in hosts)


def _host_steps(host: str | None, steps: Sequence[StepView]) -> str:
    lines = [
        f"## Steps on {host or 'the jump box'}",
        "",
        "| step | state | took | what was seen |",
        "|---|---|---|---|",
    ]
    for step in steps:
        took = _span(step.started, step.ended) if step.started and step.ended else ""
        lines.append(f"| {_cell(step.planned.title)} | {step.state.value} | {took} | {_cell(step.detail)} |")
    for step in steps:
        lines += _details(step)
    return "\n".join(lines)


def _details(step: StepView) -> list[str]:
    """Why, the evidence and the failure of one step that did something."""
    if step.state is StepState.PENDING or not (step.evidence or step.error):
        return []
    lines = ["", f"### {_text(step.planned.title)}", "", _text(step.planned.why)]
    block = [*step.evidence, *step.error]
    fence = "`" * max(3, 1 + max((_longest_ticks(line) for line in block), default=0))
    return [*lines, "", fence, *block, fence]


def _listed(title: str, items: Iterable[str]) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _backups(records: Sequence[Record]) -> list[dict[str, str]]:
    return [
        {"id": record.entry.detail, "sha256": str(record.entry.data["sha256"])}
        for record in records
        if record.entry.kind is RecordKind.BACKUP
    ]


def _chronicle(records: Sequence[Record]) -> list[tuple[datetime, str]]:
    """What people and runners did, beside the steps: beginnings, questions, answers, words, failures, the end."""
    told = ((record.at, _told(record)) for record in records)
    return [(at, text) for at, text in told if text]


def _told(record: Record) -> str:
    entry = record.entry
    where = f"{entry.step or entry.host}: " if entry.step or entry.host else ""
    match entry.kind:
        case RecordKind.RUN:
            return f"{entry.data.get('operator')} began to {entry.state} it"
        case RecordKind.QUESTION:
            text = entry.data.get("text")
            asked = text[0] if isinstance(text, list) and text else entry.data.get("kind")
            return f"{where}asked: {asked}"
        case RecordKind.ANSWER:
            return f"{where}answered {entry.data.get('choice')} (by {entry.data.get('by')})"
        case RecordKind.CONTROL:
            return f"the operator said {entry.state}"
        case RecordKind.OPERATION if entry.state in (StepState.FAILED.value, StepState.INCONSISTENT.value):
            return f"{where}{entry.operation} failed: {entry.detail}"
        case RecordKind.OPERATION if entry.state == StepState.UNDONE.value:
            return f"{where}put back. {entry.detail}".rstrip()
        case RecordKind.ERROR | RecordKind.EVENT:
            return entry.detail
        case RecordKind.LEFT:
            return "the runner left at a step boundary"
        case RecordKind.END:
            return f"the run ended: {entry.state}"
        case _:
            return ""


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _span(begin: datetime, end: datetime) -> str:
    seconds = max(0.0, (end - begin).total_seconds())
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def _text(text: str) -> str:
    """Text that stays text in Markdown, on one line."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#" else char for char in flat)


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def _longest_ticks(line: str) -> int:
    longest = run = 0
    for char in line:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
