"""The SQLite file behind a journal: how it is created, opened, and protected against damage."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.runbook.journal import JournalDamaged, JournalError, JournalUnavailable

VERSION = 1
GENESIS = bytes(32)
"""The hash before the first record."""

COLUMNS = "seq, run, at, kind, host, step, operation, phase, state, detail, data"

_SCHEMA = """
CREATE TABLE record (
  seq INTEGER PRIMARY KEY, run TEXT, at TEXT NOT NULL, kind TEXT NOT NULL, host TEXT, step TEXT, operation TEXT,
  phase TEXT, state TEXT, detail TEXT NOT NULL, data TEXT NOT NULL, hash BLOB NOT NULL);
CREATE INDEX record_of_run ON record (run, seq);
CREATE INDEX record_of_kind ON record (kind, seq);
CREATE TABLE head (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL);
INSERT INTO head VALUES (1, 0, zeroblob(32));
PRAGMA user_version = 1;
"""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def link(previous: bytes, columns: Sequence[object]) -> bytes:
    """The hash that ties a record (its columns in the order of COLUMNS) to the one before it."""
    text = json.dumps(list(columns), ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode("ascii")).digest()


@contextlib.contextmanager
def translated(path: Path, *, intact: int = 0) -> Iterator[None]:
    """Turn what SQLite and the file system raise into JournalDamaged or JournalUnavailable."""
    try:
        yield
    except (JournalError, FileNotFoundError):
        raise
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGE or not isinstance(error, sqlite3.OperationalError):
            raise damaged(path, str(error), intact=intact) from error
        raise _unavailable(path, str(error)) from error
    except OSError as error:
        raise _unavailable(path, error.strerror or str(error)) from error


def damaged(path: Path, evidence: str, *, intact: int = 0) -> JournalDamaged:
    """The error for a journal whose contents are not what was written."""
    return JournalDamaged(
        "the journal of this cluster is damaged",
        intact=intact,
        tried=f"read {path}: {evidence}",
        meaning="what earlier runs did can no longer be told for sure; nothing was changed on a host just now",
        remedy=f"check the disk, then have it set aside: adldap-ha journal set-aside {path.parent.name} (it is kept, and a new one is begun)",
    )


def _unavailable(path: Path, evidence: str) -> JournalUnavailable:
    return JournalUnavailable(
        "the journal could not be written or read",
        tried=f"use {path}: {evidence}",
        meaning="nothing may be changed on a host that is not recorded first, so the run stops here",
        remedy="free space and check the permissions of that directory, then resume",
    )


def create_private(path: Path) -> None:
    """Make an empty file 0600 unless it exists. SQLite gives its side files the same mode."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def open_database(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection to the journal file, created with its tables when absent (never with `read_only`).

    Raises FileNotFoundError for a missing file with `read_only`, JournalDamaged, JournalUnavailable.
    """
    if read_only and not path.exists():
        raise FileNotFoundError(path)
    with translated(path):
        if not read_only:
            create_private(path)
        connection = sqlite3.connect(
            path.absolute().as_uri() + f"?mode={'ro' if read_only else 'rw'}",
            uri=True,
            timeout=20.0,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            _prepare(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == 0 and not read_only:
        version = _create_tables(connection)
    if version == 0:
        raise FileNotFoundError(path)
    if version > VERSION:
        raise JournalUnavailable(
            f"the journal has format {version}, this program knows format {VERSION}",
            tried=f"open {path}",
            meaning="a newer adldap-ha has written it",
            remedy="use that newer version on this jump box",
        )


def _create_tables(connection: sqlite3.Connection) -> int:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if int(connection.execute("PRAGMA user_version").fetchone()[0]) == 0:
            if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
                raise sqlite3.DatabaseError("tables without a format number")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return VERSION


def write_anchor(path: Path, seq: int, digest: bytes) -> None:
    """Note the journal's end outside it, so that a lost tail is noticed. It may lag behind the journal, never lead."""
    line = f"{seq:020d} {digest.hex()}"
    check = hashlib.sha256(line.encode("ascii")).hexdigest()[:8]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, f"{line} {check}\n".encode("ascii"), 0)
    finally:
        os.close(descriptor)


def read_anchor(path: Path) -> tuple[int, bytes] | None:
    """The noted end; None when there is none or it is unreadable, which says nothing about the journal."""
    try:
        seq, digest, check = path.read_text("ascii").split()
        if hashlib.sha256(f"{seq} {digest}".encode("ascii")).hexdigest()[:8] != check:
            return None
        return int(seq), bytes.fromhex(digest)
    except (OSError, ValueError):
        return None
