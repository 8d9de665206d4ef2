"""How sizes, times and states are worded on every screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from textual.content import Content

from tui.findings import Finding, Severity
from tui.runbook.model import RunState, StepState
from tui.sizes import told_size

NOTHING: Final = "–"

MARKS: Final[dict[str, tuple[str, str]]] = {
    "good": ("✓", "$good"),
    "care": ("!", "$care"),
    "bad": ("✗", "$bad"),
    "now": ("●", "$go"),
    "todo": ("○", "$faint"),
    "none": ("–", "$quiet"),
}
"""Tone → the mark in front of a word and its colour; the word itself always says the same."""

STEP_WORDS: Final[dict[StepState, tuple[str, str]]] = {
    StepState.PENDING: ("todo", "waiting"),
    StepState.RUNNING: ("now", "running"),
    StepState.DONE: ("good", "done"),
    StepState.ALREADY: ("good", "already done"),
    StepState.FAILED: ("bad", "failed"),
    StepState.SKIPPED: ("none", "skipped"),
    StepState.UNDONE: ("care", "put back"),
    StepState.INCONSISTENT: ("bad", "inconsistent"),
}

RUN_WORDS: Final[dict[RunState, tuple[str, str]]] = {
    RunState.RUNNING: ("now", "running"),
    RunState.WAITING: ("care", "waiting for you"),
    RunState.PAUSED: ("care", "paused"),
    RunState.INTERRUPTED: ("care", "interrupted"),
    RunState.DONE: ("good", "done"),
    RunState.ROLLED_BACK: ("care", "rolled back"),
    RunState.FAILED: ("bad", "failed"),
    RunState.INCONSISTENT: ("bad", "inconsistent"),
}

_SERVICE_TONES: Final = {"running": "good", "starting": "now", "stopped": "none", "unknown": "none"}
_HUB_TONES: Final = {"connected": "good", "connecting": "now", "unconfigured": "none", "unknown": "none"}
_VERDICT_TONES: Final = {"healthy": "good", "degraded": "care", "down": "bad", "unknown": "none"}
_OUTCOME_TONES: Final = {
    "passed": "good",
    "failed": "bad",
    "not_run": "care",
    "not_applicable": "none",
    "not_compared": "none",
}
_SEVERITIES: Final = {
    Severity.BLOCKER: ("bad", "Problem"),
    Severity.WARNING: ("care", "Warning"),
    Severity.NOTE: ("none", "Note"),
}


def marked(tone: str, word: str) -> Content:
    """A word with its mark, both in the tone's colour."""
    mark, colour = MARKS[tone]
    return Content.assemble((f"{mark} {word}", colour))


def step_word(state: StepState, *, over: bool = False) -> tuple[str, str]:
    """A step's tone and word. In a run that is over nothing waits any more: such a step was not begun."""
    return ("none", "not begun") if over and state is StepState.PENDING else STEP_WORDS[state]


def step_state(state: StepState, *, over: bool = False) -> Content:
    """A step's state as a marked word; `over`: the run has ended."""
    return marked(*step_word(state, over=over))


def run_state(state: RunState) -> Content:
    """A run's state as a marked word."""
    return marked(*RUN_WORDS[state])


def service_state(state: str) -> Content:
    """A service's state as a marked word."""
    return marked(_SERVICE_TONES.get(state, "bad"), plain(state))


def hub_state(state: str) -> Content:
    """What the log says of the hub connection, as a marked word."""
    return marked(_HUB_TONES.get(state, "bad"), plain(state))


def verdict(word: str, told: str = "") -> Content:
    """A verdict as a marked word, or as the sentence `told`."""
    return marked(_VERDICT_TONES.get(word, "none"), told or word)


def outcome(word: str) -> Content:
    """A troubleshooter test's outcome as a marked word."""
    return marked(_OUTCOME_TONES.get(word, "none"), plain(word))


def severity(level: Severity) -> Content:
    """A finding's severity as a marked word."""
    return marked(*_SEVERITIES[level])


def plain(identifier: str) -> str:
    """`not_applicable` → `not applicable`."""
    return identifier.replace("_", " ")


def size(count: int | None) -> str:
    """A number of bytes in the largest unit that keeps it above one; a dash for None."""
    return NOTHING if count is None else told_size(count)


def span(seconds: float) -> str:
    """A duration: `7 s`, `2 min 05 s`, `1 h 03 min`, `12 days`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 2 * 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} days"


def age(seconds: float) -> str:
    """How long ago, in steps so coarse that it seldom changes: `now`, `4 min`, `20 min`, `5 h`, `12 d`."""
    minutes = max(0, int(seconds)) // 60
    if minutes < 1:
        return "now"
    if minutes < 10:
        return f"{minutes} min"
    if minutes < 60:
        return f"{minutes // 10 * 10} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def stale_age(seconds: float) -> str:
    """How long something has been silent: seconds within the first minute, then minutes, hours, days."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h" if whole < 2 * 86400 else f"{whole // 86400} d"


def clock(seconds: float) -> str:
    """A duration for a column that is watched: `0:07`, `12:05`, `1:03:20`."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def date(moment: datetime | None) -> str:
    """A day in UTC, ISO form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d") if moment else NOTHING


def moment(when: datetime | None) -> str:
    """A minute in UTC, ISO form."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when else NOTHING


def until(when: datetime, now: datetime) -> tuple[str, str]:
    """How long until `when`, and the tone of that: care below 30 days, bad when past."""
    days = (when - now).days
    if days < 0:
        return "bad", f"expired {-days} days ago"
    return ("care" if days < 30 else "good"), f"{days} days left"


def skew(seconds: float | None) -> Content:
    """A clock's offset from the jump box with its tone: the connector's limit is 5 s."""
    if seconds is None:
        return marked("none", "not known")
    tone = "bad" if abs(seconds) > 5 else "care" if abs(seconds) > 2 else "good"
    tenths = round(seconds, 1)
    return marked(tone, f"{tenths:+.1f} s" if tenths else "0.0 s")


def digest(value: str | None, length: int = 12) -> str:
    """The start of a hash, enough to compare by eye."""
    if not value:
        return NOTHING
    return value if len(value) <= length else f"{value[:length]}…"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 host`, `3 hosts`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: list[str] | tuple[str, ...], limit: int = 4) -> str:
    """`fir, oak and elm`; beyond `limit` names, `fir, oak, elm and 5 more`."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def joined(findings: Sequence[Finding], hosts: Sequence[str]) -> list[Finding]:
    """Findings that several hosts share become one: `oak: x` and `elm: x` are told as `oak, elm: x`, where the first stood."""
    found: dict[tuple[object, ...], tuple[list[str], Finding]] = {}
    for finding in findings:
        name, colon, said = finding.summary.partition(": ")
        host = name if colon and name in hosts else ""
        summary = said if host else finding.summary
        same = (bool(host), finding.id, finding.severity, summary, finding.evidence, finding.remedy)
        found.setdefault(same, ([], finding.model_copy(update={"summary": summary})))[0].append(host)
    return [
        finding.model_copy(update={"summary": f"{', '.join(names)}: {finding.summary}"}) if names[0] else finding
        for names, finding in found.values()
    ]
