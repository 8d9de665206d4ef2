"""The journal: durable, private, tied together by hashes, and honest about damage."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.runbook.bench import fill
from tests.unit.runbook.jump_box import JumpBox
from tui.remote.redaction import Redactor
from tui.runbook.journal import Entry, JournalDamaged, JournalUnavailable, RecordKind
from tui.runbook.journal_sqlite import SqliteJournal, journal_path, open_journal, set_aside
from tui.runbook.locks import RunBusy, RunLock
from tui.runbook.model import HostVerdict

pytestmark = pytest.mark.usefixtures("jump_box")


def filled(count: int = 40) -> Path:
    """A closed journal with records of several kinds; returns its file."""
    journal = open_journal("lab")
    journal.remember_backup("b1", "11" * 32)
    for number in range(count):
        journal.event("r1", f"event number {number} of the first run", host="oak")
    journal.remember_backup("b2", "22" * 32)
    journal.close()
    return journal_path("lab")


def contents(journal: SqliteJournal) -> list[Entry]:
    return [record.entry for record in journal.records()]


def test_every_file_of_it_is_private_even_under_a_careless_umask() -> None:
    before = os.umask(0)
    try:
        journal = open_journal("lab")
        journal.event(None, "something")
    finally:
        os.umask(before)
    modes = [file.stat().st_mode & 0o777 for file in journal_path("lab").parent.glob("journal.sqlite3*")]
    journal.close()
    assert modes == [0o600] * 4


def test_records_are_numbered_and_read_back_by_run_kind_and_place() -> None:
    journal = open_journal("lab")
    journal.event("r1", "one")
    journal.event("r2", "two")
    journal.record_verdict("r2", HostVerdict(name="oak", verdict="healthy"))

    assert [record.seq for record in journal.records()] == [1, 2, 3]
    assert [record.entry.detail for record in journal.records("r2", kind=RecordKind.EVENT)] == ["two"]
    assert [record.seq for record in journal.records(after=2)] == [3]
    assert journal.records()[0].at.utcoffset() is not None
    journal.close()


def test_the_last_hash_of_a_backup_is_remembered() -> None:
    journal = open_journal("lab")
    journal.remember_backup("b1", "aa")
    journal.remember_backup("b1", "bb")
    assert journal.backup_hash("b1") == "bb"
    assert journal.backup_hash("b2") is None
    journal.close()


def test_secrets_are_masked_in_text_and_evidence_but_not_in_identifiers() -> None:
    redactor = Redactor()
    redactor.add("hunter22")
    journal = open_journal("lab", redactor=redactor)
    journal.append(
        Entry(
            RecordKind.EVENT,
            "r1",
            detail="said hunter22",
            data={"lines": ["a", "it is hunter22"], "id": "hunter22", "hosts": [{"detail": "hunter22"}]},
        )
    )
    entry = journal.records()[0].entry
    journal.close()
    assert entry.detail == "said •••"
    assert entry.data == {"lines": ["a", "it is •••"], "id": "hunter22", "hosts": [{"detail": "•••"}]}


def test_a_viewer_reads_beside_the_writer_and_notices_what_is_new() -> None:
    writer = open_journal("lab")
    writer.event("r1", "one")
    viewer = open_journal("lab", read_only=True)
    token = viewer.change_token()
    assert viewer.change_token() == token
    writer.event("r1", "two")
    assert viewer.change_token() != token
    assert [record.entry.detail for record in viewer.records()] == ["one", "two"]
    with pytest.raises(JournalUnavailable):
        viewer.event("r1", "three")
    viewer.close()
    writer.close()


def test_a_viewer_finds_nothing_where_nothing_was_recorded() -> None:
    with pytest.raises(FileNotFoundError):
        open_journal("lab", read_only=True)
    assert not journal_path("lab").exists()


def test_threads_and_processes_append_to_one_chain() -> None:
    journal = open_journal("lab")
    script = (
        "from tui.runbook.journal_sqlite import open_journal\n"
        "j = open_journal('lab')\n"
        "for n in range(30): j.event('other', str(n))\n"
    )
    other = subprocess.Popen([sys.executable, "-c", script])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: journal.event("r1", str(number)), range(60)))
    assert other.wait(60) == 0
    assert journal.verify() == 90
    assert [record.entry.detail for record in journal.records("other")] == [str(number) for number in range(30)]
    journal.close()


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_byte_is_found_or_changes_nothing_that_is_read(seed: int) -> None:
    file = filled()
    journal = open_journal("lab")
    sound = contents(journal)
    journal.close()
    whole = file.read_bytes()
    dice = random.Random(seed)
    found = 0
    for _ in range(25):
        bad = bytearray(whole)
        bad[dice.randrange(len(bad))] ^= 1 << dice.randrange(8)
        file.write_bytes(bad)
        try:
            journal = open_journal("lab")
        except (JournalDamaged, JournalUnavailable):
            found += 1
            continue
        assert contents(journal) == sound
        journal.close()
    assert found


def test_a_flipped_byte_in_a_record_is_told_with_the_last_good_record() -> None:
    file = filled()
    data = bytearray(file.read_bytes())
    data[data.find(b"event number 7 ") + 3] ^= 1
    file.write_bytes(data)
    with pytest.raises(JournalDamaged) as caught:
        open_journal("lab")
    assert caught.value.intact == 8
    assert "set aside" in str(caught.value)


def test_a_lost_tail_is_noticed() -> None:
    """A flipped byte in SQLite's write-ahead log makes it drop what follows without a word."""
    writer = open_journal("lab")
    for number in range(10):
        writer.event("r1", f"event {number}")
    file = journal_path("lab")
    wal = file.with_name(file.name + "-wal")
    saved = {path.name: path.read_bytes() for path in file.parent.glob("journal.sqlite3*")}
    writer.close()
    torn = bytearray(saved[wal.name])
    torn[len(torn) - 2000] ^= 1
    for name, data in {**saved, wal.name: bytes(torn)}.items():
        (file.parent / name).write_bytes(data)
    with pytest.raises(JournalDamaged):
        open_journal("lab")


@pytest.mark.parametrize("rest", [0, 100, 5000])
def test_a_truncated_journal_is_damaged_not_empty(rest: int) -> None:
    file = filled()
    with file.open("r+b") as opened:
        opened.truncate(rest)
    with pytest.raises(JournalDamaged):
        open_journal("lab")


def test_setting_a_damaged_journal_aside_loses_nothing() -> None:
    file = filled()
    data = bytearray(file.read_bytes())
    data[data.find(b"event number 30 ") + 3] ^= 1
    file.write_bytes(data)

    kept = set_aside("lab")

    assert (kept / file.name).read_bytes() == bytes(data)
    assert kept.name.startswith("journal.damaged-")
    assert kept.stat().st_mode & 0o777 == 0o700
    fresh = open_journal("lab")
    assert fresh.backup_hash("b1") == "11" * 32
    assert fresh.backup_hash("b2") is None
    assert str(kept) in fresh.records()[0].entry.detail
    fresh.close()


def test_a_journal_that_is_no_database_any_more_can_be_set_aside() -> None:
    file = filled()
    file.write_bytes(b"x" * 4096)
    with pytest.raises(JournalDamaged):
        open_journal("lab")
    kept = set_aside("lab")
    assert (kept / file.name).read_bytes() == b"x" * 4096
    open_journal("lab").close()


def test_a_journal_in_use_by_a_run_is_not_set_aside() -> None:
    filled()
    lock = RunLock.acquire("lab", run="r1", operator="mara")
    with pytest.raises(RunBusy, match="mara"):
        set_aside("lab")
    lock.release()
    set_aside("lab")


def test_a_full_disk_is_told_and_what_was_recorded_stays() -> None:
    journal = open_journal("lab")
    journal.event("r1", "one")
    told = str(fill(journal))
    assert "full" in told
    assert "nothing may be changed" in told
    count = journal.verify()
    journal.close()
    again = open_journal("lab")
    assert again.verify() == count
    assert again.records()[0].entry.detail == "one"
    again.close()


def test_a_newer_format_is_left_alone() -> None:
    file = filled(1)
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(JournalUnavailable, match="format 99"):
        open_journal("lab")


def test_the_run_lock_names_its_holder(jump_box: JumpBox) -> None:
    lock = RunLock.acquire("lab", run="r1", operator="mara")
    with pytest.raises(RunBusy, match=r"mara \(run r1"):
        RunLock.acquire("lab", run="r2", operator="jonas")
    lock.release()
    RunLock.acquire("lab", run="r2", operator="jonas").release()
    assert (jump_box.root / "state" / "adldap-ha" / "lab" / "run.lock").stat().st_mode & 0o777 == 0o600


def test_what_the_program_reads_back_is_not_masked(jump_box: JumpBox) -> None:
    """A password that is a word of the program's own, or part of a backup's id, must not change what a resume does."""
    redactor = Redactor()
    redactor.add("stopped", "20261123")
    journal = open_journal("lab", redactor=redactor)
    note: dict[str, object] = {"note": "services-before", "value": {"connector": "stopped", "admin": "running"}}
    journal.append(Entry(RecordKind.EVENT, "r1", "oak", detail="it was stopped", data=note))
    journal.remember_backup("20261123T061107Z-oak-before-b4f81b", "aa" * 32, run="r1")
    recorded = journal.records("r1")[0].entry
    assert recorded.data == note
    assert "stopped" not in recorded.detail
    assert journal.backup_hash("20261123T061107Z-oak-before-b4f81b") == "aa" * 32
    assert journal.intact_backup_hashes(2) == [("20261123T061107Z-oak-before-b4f81b", "aa" * 32)]
    journal.close()
