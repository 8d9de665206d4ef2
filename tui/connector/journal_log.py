"""The connector's log on Linux: the journal of its unit, read on from a cursor."""

from __future__ import annotations

from tui.connector.errors import LogError
from tui.connector.instance import LogMark
from tui.connector.model import Install
from tui.connector.scripts import load
from tui.remote.session import ROOT, Session

_CURSOR = "-- cursor: "
_FAILED = "-- failed"
_REMARKS = ("-- No entries --", "-- Journal begins at ", "-- Logs begin at ")
"""What journalctl itself says among the messages to an account that is not root."""


def log_mark(session: Session, install: Install) -> LogMark:
    """The end of the unit's log now. The token is `SECONDS|CURSOR`: the time serves when the cursor was rotated away."""
    if not install.connector_unit:
        return LogMark("")
    lines = _run(session, ["mark", install.connector_unit]).splitlines()
    return LogMark(f"{lines[0]}|{lines[1] if len(lines) > 1 else ''}")


def log_since(session: Session, install: Install, mark: LogMark | None, lines: int) -> tuple[str, LogMark]:
    """What was logged after `mark`, at most `lines` lines (None: the last `lines` lines), and the new end."""
    if not install.connector_unit:
        return "", LogMark("")
    if mark and mark.token:
        taken, _, cursor = mark.token.partition("|")
        output = _run(session, ["since", install.connector_unit, str(lines), cursor, taken])
    else:
        taken, cursor = "", ""
        output = _run(session, ["last", install.connector_unit, str(lines)])
    now, _, text = output.partition("\n")
    found = [line for line in text.split("\n") if not line.startswith(_REMARKS)]
    while found and (found[-1].startswith(_CURSOR) or not found[-1]):
        line = found.pop()
        if line:
            cursor, taken = line[len(_CURSOR) :].strip(), now
    return "".join(f"{line}\n" for line in found), LogMark(f"{taken or now}|{cursor}")


def _run(session: Session, arguments: list[str]) -> str:
    answer = session.run(load("log.sh"), arguments, user=ROOT, expect=None)
    said = " ".join(answer.error_text.split())
    denied = "insufficient permissions" in said or "not seeing messages" in said
    failed = answer.exit_status != 0 or answer.text.rstrip("\n").endswith(_FAILED)
    if not denied and not failed:
        return answer.text
    raise LogError(
        f"the journal of {arguments[1]} cannot be read" + (f": {said[:300]}" if said else ""),
        host=session.host,
        tried=f"journalctl -u {arguments[1]} as {session.login_user if denied else ROOT}",
        meaning="without the log nobody can tell whether the tenant accepts this instance",
        remedy='let the account use sudo (become = "sudo"), or add it to the group systemd-journal'
        if denied
        else "check that systemd-journald runs and that its disk is not full",
    )
