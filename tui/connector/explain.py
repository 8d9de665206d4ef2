"""Saying what a saved text is, a troubleshooter output or a connector log, and what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tui.connector.errors import ExplainError
from tui.connector.log import read_log
from tui.connector.log_messages import recognise
from tui.connector.text import decode, plain
from tui.connector.troubleshooter import read_troubleshooter
from tui.connector.troubleshooter_tests import TESTS

_TRYING = re.compile("|".join(re.escape(test.trying) for test in TESTS), re.IGNORECASE)
_NO_MODULE = re.compile(r"Cannot find module\b.*")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a connector's log; `meaning` is empty for one that is not known. `fatal`: no connection after it."""

    text: str
    meaning: str = ""
    fatal: bool = False


def explained_lines(text: str) -> list[LogLine]:
    """The lines of a log, oldest first, with what the known ones mean."""
    found = []
    for line in text.splitlines():
        message = recognise(line)
        found.append(LogLine(line, message.meaning, message.ends) if message else LogLine(line))
    return found


def explain(data: bytes) -> dict[str, Any]:
    """What a troubleshooter output or a connector log shows, ready for JSON.

    `kind` is `troubleshooter` (`complete`, `passed`, `tests`) or `log` (`state`, `starts`, `events`, …). UTF-8, UTF-16
    and CP1252 are read. Raises ExplainError when the text is neither.
    """
    text = decode(data)
    kind = kind_of(text)
    if kind == "troubleshooter":
        report = read_troubleshooter(text)
        return {
            "kind": kind,
            "complete": report.complete,
            "passed": report.passed,
            "tests": [test.model_dump(mode="json", exclude={"title"}) for test in report.tests],
        }
    if kind == "log":
        return {"kind": kind, **read_log(text).model_dump(mode="json")}
    raise ExplainError(
        "this is neither a troubleshooter output nor a connector log",
        tried=f"looked for the known lines of both in {len(data)} bytes",
        remedy="give it the output of `node troubleshoot.js`, the journal of the connector's unit, or its logs.log",
    )


def kind_of(text: str) -> str | None:
    """`troubleshooter`, `log`, or None for any other text."""
    lines = plain(text).split("\n")
    tests = sum(bool(_TRYING.search(line)) for line in lines)
    messages = sum(recognise(line) is not None for line in lines)
    if tests and (tests >= 2 or tests >= messages):
        return "troubleshooter"
    if messages and not (messages == 1 and tests):
        return "log"
    return "troubleshooter" if any(_NO_MODULE.search(line) for line in lines) else None
