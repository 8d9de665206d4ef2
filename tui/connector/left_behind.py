"""What runs have left in an install directory: a lock that is still held, and files that were moved aside."""

from __future__ import annotations

from tui.connector.host_state import LOCK_FILE, PARKING, read_lock_text
from tui.connector.model import HostFacts, Install
from tui.findings import Finding, Severity


def left_findings(facts: HostFacts | None, install: Install | None, *, lock: Severity) -> list[Finding]:
    """A finding for the lock on the host, as severe as `lock`, and one for files of runs that hold no lock."""
    if facts is None or install is None:
        return []
    held = read_lock_text(facts.lock) if facts.lock is not None else {}
    found = []
    if facts.lock is not None:
        who, since = held.get("holder") or "somebody", held.get("since") or "an unknown time"
        found.append(
            Finding(
                id="host-held",
                severity=lock,
                summary=f"{who} has been working on this host since {since}",
                evidence=(f"run {held.get('run') or 'unknown'} holds {install.directory}/{LOCK_FILE}",),
                remedy="let that run end, or resume or undo it; if nobody is at work any more, remove that file",
            )
        )
    left = [run for run in facts.parked_runs if run != held.get("run")]
    if left:
        found.append(
            Finding(
                id="parked-files",
                severity=Severity.WARNING,
                summary=f"files of this host that run {', '.join(left)} moved aside are still there, and no run looks after them",
                evidence=(f"{install.directory}/{PARKING}: a private key may be among them",),
                remedy="undo that run where it was begun; if that is not possible any more, compare them with what is in "
                "place and remove them",
            )
        )
    return found
