"""Reading what the connector's troubleshooter said. Its exit status is 0 whatever it finds, so only its text counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tui.connector.model import Outcome, TestResult, TroubleshooterReport
from tui.connector.text import plain, without_tickets
from tui.connector.troubleshooter_tests import TESTS, Test
from tui.findings import Finding, Severity

_LINE = re.compile(r"^\s*\d\d?:\d\d:\d\d(?:\s+-)?\s+(?:(?P<level>[a-z]{3,8}):\s)?(?P<rest>.*)$")
_BARE = re.compile(r"^\s*(?:[*✭✔√✖×]\s+\w|> (?:Found user|Error)\b|end\s*$|Done!\s*$)")
"""A message that lost its time and level on the way, as in a line that somebody copied."""
_MARK = re.compile(r"^\s*(?P<mark>[^A-Za-z0-9>(\[{\s'\"]*)\s*(?P<text>.*)$")
_PASSED_MARKS = ("✔", "√", "âœ”", "âˆš", "Γ£ö", "Ô£ö", "ΓêÜ", "ÔêÜ")
_FAILED_MARKS = ("✖", "×", "âœ–", "Ã—", "Γ£û", "Ô£û", "├ù")
_EVIDENCE_LINES = 12
_EVIDENCE_WIDTH = 300
_STACK = re.compile(
    r"^\s+at \S|^\s*(?:Uncaught )?\w*(?:Error|Exception)\b|^\s*throw \w|node:internal|ECONN|ENOTFOUND|ETIMEDOUT"
)


@dataclass(slots=True)
class _Seen:
    """What one test has said so far."""

    tried: bool = False
    outcome: Outcome | None = None
    lines: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    users: int = 0
    ended: bool = False


@dataclass(slots=True)
class _Run:
    """A run as it is read, line by line."""

    tests: dict[str, _Seen] = field(default_factory=lambda: {test.id: _Seen() for test in TESTS})
    current: str | None = None
    done: bool = False
    levels: int = 0
    told: int = 0
    bind_error: str | None = None
    no_module: str | None = None


def read_troubleshooter(text: str) -> TroubleshooterReport:
    """What a troubleshooter output shows; any text is accepted. Of several runs in one text the last one counts."""
    run = _Run()
    for line in without_tickets(plain(text)).split("\n"):
        if line.strip():
            run = _read_line(run, line)
    tests = tuple(_result(test, run) for test in TESTS)
    bad = (Outcome.FAILED, Outcome.NOT_RUN)
    passed = run.done and not run.bind_error and not any(test.outcome in bad for test in tests)
    return TroubleshooterReport(complete=run.done, passed=passed, tests=tests, findings=tuple(_findings(run, tests)))


def _read_line(run: _Run, line: str) -> _Run:
    if "Error binding to LDAP" in line:
        run.bind_error = line.strip()[:_EVIDENCE_WIDTH]
    if "Cannot find module" in line and not any(seen.tried for seen in run.tests.values()):
        run.no_module = line.strip()[:_EVIDENCE_WIDTH]
    found = _LINE.match(line)
    if not found and _BARE.match(line):
        return _read_message(run, line)
    if not found:
        if run.current and not run.done:
            run.tests[run.current].noise.append(line.rstrip()[:_EVIDENCE_WIDTH])
        return run
    run.levels += found.group("level") is not None
    run.told += 1
    return _read_message(run, found.group("rest"))


def _read_message(run: _Run, rest: str) -> _Run:
    parts = _MARK.match(rest)
    mark, text = (parts.group("mark"), parts.group("text").strip()) if parts else ("", rest.strip())
    for test in TESTS:
        if text.lower().startswith(test.trying.lower()):
            if test is TESTS[0] and run.told > 1:
                run = _Run(told=1, levels=min(run.levels, 1))
            run.current = test.id
            run.tests[test.id].tried = True
            return run
    if re.match(r"done!?\s*$", text, re.IGNORECASE):
        run.done = True
        return run
    if text:
        _judge(run, mark, text)
    return run


def _judge(run: _Run, mark: str, text: str) -> None:
    """Give a message to the test that it belongs to, with what it means there."""
    for test in TESTS:
        outcome = test.says(text)
        if outcome and (not test.shared or run.current == test.id):
            _keep(run.tests[test.id], text, outcome)
            return
    if run.current is None:
        return
    seen = run.tests[run.current]
    if text == "end":
        seen.ended = True
    elif re.match(r">\s*Found user", text):
        seen.users += 1
        seen.lines.append(text[:_EVIDENCE_WIDTH])
    elif re.match(r">\s*Error", text) or any(sign in mark for sign in _FAILED_MARKS):
        _keep(seen, text, Outcome.FAILED)
    elif any(sign in mark for sign in _PASSED_MARKS):
        _keep(seen, text, Outcome.PASSED)
    else:
        seen.lines.append(text[:_EVIDENCE_WIDTH])


def _keep(seen: _Seen, text: str, outcome: Outcome) -> None:
    """The worst that a test said of itself stays."""
    if seen.outcome is not Outcome.FAILED:
        seen.outcome = outcome
    seen.lines.append(text[:_EVIDENCE_WIDTH])


def _later_tried(test: Test, run: _Run) -> bool:
    """Whether the run got beyond a test."""
    later = TESTS[TESTS.index(test) + 1 :]
    return run.done or any(run.tests[other.id].tried for other in later)


def _crashed(seen: _Seen) -> bool:
    return any(_STACK.search(line) for line in seen.noise)


def _ldap_outcome(seen: _Seen, run: _Run) -> Outcome:
    if run.bind_error or seen.outcome is Outcome.FAILED:
        return Outcome.FAILED
    if seen.outcome is Outcome.PASSED or (seen.users and seen.ended):
        return Outcome.PASSED
    if seen.ended or (seen.tried and not run.done and _crashed(seen)):
        return Outcome.FAILED
    return Outcome.NOT_RUN


def _nltest_outcome(seen: _Seen, run: _Run) -> Outcome:
    if seen.outcome:
        return seen.outcome
    said = "\n".join([*seen.lines, *seen.noise])
    if not said:
        return Outcome.NOT_RUN
    bad = re.search(r"\bfailed\b|ERROR_\w+|Status = (?!0 )\d+ 0x", said)
    return Outcome.FAILED if bad else Outcome.PASSED


def _other_outcome(test: Test) -> Callable[[_Seen, _Run], Outcome]:
    def outcome(seen: _Seen, run: _Run) -> Outcome:
        if seen.outcome:
            return seen.outcome
        if seen.tried and not _later_tried(test, run) and _crashed(seen):
            return Outcome.FAILED
        if not _later_tried(test, run):
            return Outcome.NOT_RUN
        if test.id == "ldaps":
            return Outcome.NOT_APPLICABLE
        return Outcome.NOT_COMPARED if seen.tried and test.id == "certificates" else Outcome.NOT_RUN

    return outcome


def _result(test: Test, run: _Run) -> TestResult:
    seen = run.tests[test.id]
    judge = {"ldap": _ldap_outcome, "nltest": _nltest_outcome}.get(test.id) or _other_outcome(test)
    outcome = judge(seen, run)
    evidence = list(seen.lines)
    if outcome is not Outcome.PASSED or test.id == "nltest":
        evidence += seen.noise
    if test.id == "ldap" and run.bind_error and run.bind_error not in evidence:
        evidence.insert(0, run.bind_error)
    remedy = test.remedies.get(outcome)
    if outcome is Outcome.NOT_RUN and run.no_module:
        evidence, remedy = [run.no_module], _NO_MODULE_REMEDY
    return TestResult(
        id=test.id, title=test.title, outcome=outcome, evidence=tuple(evidence[:_EVIDENCE_LINES]), remedy=remedy
    )


_NO_MODULE_REMEDY = "run `node troubleshoot.js` in the install directory instead of through the console"


def _findings(run: _Run, tests: tuple[TestResult, ...]) -> list[Finding]:
    found = []
    if run.no_module:
        found.append(
            Finding(
                id="troubleshooter-not-started",
                severity=Severity.WARNING,
                summary="the troubleshooter was not started: its file was not found",
                evidence=(run.no_module, "the v6 console cannot start it from a path with spaces"),
                remedy=_NO_MODULE_REMEDY,
            )
        )
    elif not run.done:
        last = next((test.title for test in reversed(tests) if run.tests[test.id].tried), None)
        found.append(
            Finding(
                id="troubleshooter-incomplete",
                severity=Severity.WARNING,
                summary=f"the troubleshooter ended during: {last}" if last else "the troubleshooter reported no test",
                evidence=("a complete run ends with Done!",),
                remedy="correct what the last test shows, then run it again",
            )
        )
    if run.bind_error:
        found.append(
            Finding(
                id="bind-error-hidden",
                severity=Severity.BLOCKER,
                summary="the directory refused the bind account"
                + (
                    ", and users were found only because anonymous search is allowed" if run.tests["ldap"].users else ""
                ),
                evidence=(run.bind_error,),
                remedy="correct LDAP_BIND_USER and its password on the first host",
            )
        )
    if run.told and not run.levels:
        found.append(
            Finding(
                id="troubleshooter-v7",
                severity=Severity.NOTE,
                summary="this is the output of a v7 troubleshooter, which proves less",
                evidence=("it binds with no password and compares no certificates",),
            )
        )
    return found
