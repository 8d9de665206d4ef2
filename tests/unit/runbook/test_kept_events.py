"""Events in the journal: of each host the latest, whatever the others had to tell, and each read once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tui.health.events import HealthEvent
from tui.runbook.journal import Record
from tui.runbook.journal_sqlite import open_journal
from tui.runbook.kept_events import KeptEvents, keep_events


def event(host: str | None, text: str) -> HealthEvent:
    return HealthEvent(at=datetime.now(UTC), host=host, kind="hub", text=text)


def test_a_host_that_tells_much_pushes_no_other_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    journal = open_journal("corp")
    try:
        kept = KeptEvents()
        keep_events(journal, [event("oak", "lost: again"), *(event("fir", f"line {number}") for number in range(5))])
        journal.event(None, "another thing: altogether: of no host's health")
        told = kept.read(journal, limit=3)
        assert [(each.host, each.text) for each in told] == [
            ("oak", "lost: again"),
            *(("fir", f"line {number}") for number in (2, 3, 4)),
        ]
        keep_events(journal, [event(None, "the tenant")])
        asked_for, read = [], journal.records

        def records(**asked: Any) -> list[Record]:
            asked_for.append(asked["after"])
            return read(**asked)

        monkeypatch.setattr(journal, "records", records)
        assert kept.read(journal, limit=3)[-1].text == "the tenant"
        assert asked_for == [7], "what was read already is not read again"
    finally:
        journal.close()
