"""The journal in SQLite: one file per cluster, durable at every record, each record tied to the one before by a hash."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tui.paths import state_dir
from tui.remote.redaction import Redactor
from tui.runbook import journal_schema as schema
from tui.runbook.journal import Entry, Journal, JournalDamaged, JournalError, Json, Record, RecordKind
from tui.runbook.locks import RunLock

FILE_NAME = "journal.sqlite3"
_SIDE_FILES = ("", "-wal", "-shm", ".head")

_IDENTIFIERS = frozenset(
    [
        "id",
        "name",
        "host",
        "cluster",
        "step",
        "kind",
        "choice",
        "choices",
        "by",
        "operator",
        "hosts",
        "verdict",
        "action",
        "severity",
        "sha256",
        "socket",
        "boot",
        "started",
        "note",
        "backup",
    ]
)
"""Keys whose values the program itself compares: masked, a password that happens to be a step's name would break a run.

For the same reason the `value` of a note (RunContext.note) stays as it is: it is read back, and holds the program's words.
"""

_Row = tuple[int, str | None, str, str, str | None, str | None, str | None, str | None, str | None, str, str, bytes]


class SqliteJournal(Journal):
    """A journal file. A reader (`read_only`) needs it to exist already and never blocks the writer."""

    def __init__(self, path: Path, *, redactor: Redactor | None = None, read_only: bool = False) -> None:
        super().__init__(redactor)
        self.path = path
        self._anchor = path.with_name(path.name + ".head")
        self._lock = threading.RLock()
        self._connection = schema.open_database(path, read_only=read_only)

    def append(self, *entries: Entry) -> list[Record]:
        """Record all `entries` or none, durably."""
        with self._lock, schema.translated(self.path):
            with self._transaction("BEGIN IMMEDIATE"):
                seq, digest = self._head()
                written = []
                for entry in entries:
                    seq += 1
                    record, digest = self._insert(seq, digest, entry)
                    written.append(record)
                self._connection.execute("UPDATE head SET seq = ?, hash = ?", (seq, digest))
            schema.write_anchor(self._anchor, seq, digest)
        return written

    def records(self, run: str | None = None, *, kind: RecordKind | None = None, after: int = 0) -> list[Record]:
        """The records with a number above `after`, oldest first."""
        clauses, values = ["seq > ?"], [after]
        wanted: list[object] = [*values]
        for column, value in (("run", run), ("kind", kind.value if kind else None)):
            if value is not None:
                clauses.append(f"{column} = ?")
                wanted.append(value)
        query = f"SELECT {schema.COLUMNS}, hash FROM record WHERE {' AND '.join(clauses)} ORDER BY seq"
        with self._lock, schema.translated(self.path):
            rows = self._connection.execute(query, wanted).fetchall()
        try:
            return [_record(row) for row in rows]
        except (ValueError, TypeError) as error:
            raise schema.damaged(self.path, "a record cannot be read") from error

    def change_token(self) -> int:
        """SQLite's data version: it moves when another connection has committed."""
        with self._lock, schema.translated(self.path):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def verify(self) -> int:
        """Check SQLite's own structures, the hash of every record, and that the tail is there."""
        anchor = schema.read_anchor(self._anchor)
        with self._lock, schema.translated(self.path):
            report = [str(row[0]) for row in self._connection.execute("PRAGMA integrity_check(5)")]
            with self._transaction("BEGIN"):
                seq = self._walk(anchor)
        if report != ["ok"]:
            raise schema.damaged(self.path, "; ".join(report), intact=seq)
        return seq

    def intact_backup_hashes(self, last: int) -> list[tuple[str, str]]:
        """Backup ids and hashes from the records up to number `last`, whatever the state of those after it."""
        query = "SELECT detail, data FROM record WHERE kind = 'backup' AND seq <= ? ORDER BY seq"
        with self._lock, schema.translated(self.path):
            rows = self._connection.execute(query, (last,)).fetchall()
        return [
            (str(known.get("backup", detail)), str(known["sha256"]))
            for detail, known in ((detail, json.loads(data)) for detail, data in rows)
        ]

    def close(self) -> None:
        """Let go of the file; never raises."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _walk(self, anchor: tuple[int, bytes] | None) -> int:
        """Follow the chain from the first record to the head; returns the last number, raises JournalDamaged."""
        seq, digest = 0, schema.GENESIS
        anchored = anchor is None or anchor[0] == 0
        rows = self._connection.execute(f"SELECT {schema.COLUMNS}, hash FROM record ORDER BY seq")
        try:
            for row in rows:
                expected = schema.link(digest, row[:-1])
                if row[0] != seq + 1 or row[-1] != expected:
                    raise schema.damaged(self.path, f"record {seq + 1} is not what was written", intact=seq)
                seq, digest = seq + 1, expected
                if anchor and anchor[0] == seq:
                    anchored = anchor[1] == digest
        except (sqlite3.DatabaseError, UnicodeDecodeError, TypeError) as error:
            raise schema.damaged(self.path, str(error), intact=seq) from error
        if self._head() != (seq, digest) or not anchored:
            raise schema.damaged(self.path, f"records after number {seq} are missing", intact=seq)
        return seq

    def _head(self) -> tuple[int, bytes]:
        row = self._connection.execute("SELECT seq, hash FROM head").fetchone()
        if row is None:
            raise schema.damaged(self.path, "its end is not recorded")
        return int(row[0]), bytes(row[1])

    def _insert(self, seq: int, previous: bytes, entry: Entry) -> tuple[Record, bytes]:
        at = datetime.now(UTC)
        masked = _masked(entry.data, self.redactor.mask)
        if "note" in entry.data and isinstance(masked, dict):
            masked["value"] = entry.data.get("value")
        columns = (
            seq,
            entry.run,
            at.isoformat(timespec="microseconds"),
            entry.kind.value,
            entry.host,
            entry.step,
            entry.operation,
            entry.phase,
            entry.state,
            self.redactor.mask(entry.detail),
            json.dumps(masked, ensure_ascii=True, separators=(",", ":"), sort_keys=True),
        )
        digest = schema.link(previous, columns)
        marks = ", ".join("?" * (len(columns) + 1))
        self._connection.execute(f"INSERT INTO record ({schema.COLUMNS}, hash) VALUES ({marks})", (*columns, digest))
        return _record((*columns, digest)), digest

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def _record(row: _Row) -> Record:
    seq, run, at, kind, host, step, operation, phase, state, detail, data, _hash = row
    entry = Entry(RecordKind(kind), run, host, step, operation, phase, state, detail, json.loads(data))
    return Record(seq, datetime.fromisoformat(at), entry)


def _masked(value: object, mask: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {
            key: item if key in _IDENTIFIERS and _flat(item) else _masked(item, mask) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_masked(item, mask) for item in value]
    return value


def _flat(value: object) -> bool:
    """Whether a value is a word or a list of words, and not a table with text further down."""
    return not isinstance(value, dict) and not (
        isinstance(value, list) and any(isinstance(item, dict) for item in value)
    )


def journal_path(cluster: str) -> Path:
    """Where a cluster's journal lies; the file need not exist."""
    return state_dir(cluster) / FILE_NAME


def open_journal(cluster: str, *, redactor: Redactor | None = None, read_only: bool = False) -> SqliteJournal:
    """A cluster's journal, verified from end to end.

    Raises JournalDamaged (see `set_aside`), JournalUnavailable, and with `read_only` FileNotFoundError when nothing
    was ever recorded.
    """
    journal = SqliteJournal(journal_path(cluster), redactor=redactor, read_only=read_only)
    try:
        journal.verify()
    except JournalError:
        journal.close()
        raise
    return journal


def set_aside(cluster: str) -> Path:
    """Move a damaged journal with its side files into `journal.damaged-TIMESTAMP` and begin a new one.

    The hashes of backups in the part that is still intact are carried over. Returns the directory that keeps the
    damaged files. Raises RunBusy while a runner is at work, and JournalUnavailable.
    """
    lock = RunLock.acquire(cluster, run="none", operator="somebody who sets the damaged journal aside")
    try:
        return _set_aside(journal_path(cluster))
    finally:
        lock.release()


def _set_aside(path: Path) -> Path:
    hashes = _salvaged_hashes(path)
    kept = path.with_name(f"journal.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    with schema.translated(path):
        kept.mkdir(mode=0o700)
        for suffix in _SIDE_FILES:
            source = path.with_name(path.name + suffix)
            if source.exists():
                os.rename(source, kept / source.name)
    fresh = SqliteJournal(path)
    try:
        fresh.event(None, f"the journal before this one was damaged and is kept in {kept}")
        for backup, sha256 in hashes:
            fresh.remember_backup(backup, sha256)
    finally:
        fresh.close()
    return kept


def _salvaged_hashes(path: Path) -> list[tuple[str, str]]:
    try:
        journal = SqliteJournal(path, read_only=True)
    except (JournalError, FileNotFoundError):
        return []
    try:
        intact = journal.verify()
    except JournalDamaged as damage:
        intact = damage.intact
    try:
        return journal.intact_backup_hashes(intact)
    except JournalError:
        return []
    finally:
        journal.close()


def dump(journal: Journal) -> list[Json]:
    """Every record as JSON, oldest first, for the support bundle."""
    return [
        {
            "seq": record.seq,
            "at": record.at.isoformat(),
            "kind": record.entry.kind.value,
            "run": record.entry.run,
            "host": record.entry.host,
            "step": record.entry.step,
            "operation": record.entry.operation,
            "phase": record.entry.phase,
            "state": record.entry.state,
            "detail": record.entry.detail,
            "data": record.entry.data,
        }
        for record in journal.records()
    ]
