"""Old backups go when a new one has been proven, but none that a run may still need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.vault.conftest import make_pair, make_set, overwrite
from tui.connector.model import ConfigurationSet
from tui.runbook.journal_sqlite import SqliteJournal
from tui.runbook.locks import own_identity
from tui.runbook.model import Plan, RunState
from tui.runbook.safekeeping import KEPT, Kind, Safekeeping
from tui.vault.identity import Identity
from tui.vault.model import Backup
from tui.vault.vault import Vault


@pytest.fixture(scope="module")
def configuration() -> ConfigurationSet:
    return make_set(make_pair())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(tmp_path / "journal.sqlite3")
    yield made
    made.close()


@pytest.fixture
def safe(tmp_path: Path, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> Safekeeping:
    monkeypatch.setattr("tui.runbook.safekeeping.KEPT", 2)
    identity = Identity.generate()
    vault = Vault(tmp_path / "vault", "lab")
    return Safekeeping(
        vault, recipients=[identity.recipient], operator="alice", unlock=lambda: identity, journal=journal
    )


def proven(safe: Safekeeping, files: ConfigurationSet, run: str | None = None, kind: Kind = "set") -> Backup:
    backup = safe.keep(files, host="oak", kind=kind, run=run)
    safe.prove(backup, files)
    return backup


def begin(journal: SqliteJournal, run: str) -> None:
    journal.begin_run(run, operator="alice", mode="run", hosts=(), runner=own_identity(""))
    journal.record_plan(run, Plan(cluster="lab", stages=()))


def kept(safe: Safekeeping) -> set[str]:
    return {backup.id for backup in safe.vault.list()}


def test_the_newest_of_each_kind_stay(safe: Safekeeping, configuration: ConfigurationSet) -> None:
    assert KEPT == 30
    other = proven(safe, configuration, kind="before")
    made = [proven(safe, configuration) for _ in range(4)]
    newest = {backup.id for backup in safe.vault.list() if backup.kind == "set"}
    assert len(newest) == 2
    assert made[-1].id in newest
    assert other.id in kept(safe)


def test_what_an_unfinished_or_the_newest_run_made_stays(
    safe: Safekeeping, configuration: ConfigurationSet, journal: SqliteJournal
) -> None:
    made = {}
    for run in ("r-interrupted", "r-done", "r-newest"):
        begin(journal, run)
        made[run] = proven(safe, configuration, run, "before").id
        if run != "r-interrupted":
            journal.end_run(run, RunState.DONE, "healthy")
    for _ in range(3):
        proven(safe, configuration, kind="before")
    assert made["r-interrupted"] in kept(safe)
    assert made["r-newest"] in kept(safe)
    assert made["r-done"] not in kept(safe)


def test_the_last_verified_one_stays_when_newer_ones_are_not_verified(
    safe: Safekeeping, configuration: ConfigurationSet
) -> None:
    good = proven(safe, configuration)
    for _ in range(3):
        damaged = safe.keep(configuration, host="oak", kind="set", run=None)
        overwrite(damaged.path, b"\x00" * damaged.size)
    proven(safe, configuration, kind="before")
    assert good.id in kept(safe)
