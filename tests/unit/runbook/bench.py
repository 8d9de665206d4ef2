"""An engine in this process, over real files and a real journal, for tests that look at its decisions."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.unit.runbook.scripted import Ground, StageSpec, procedure
from tui.runbook.control_desk import Attendance, Desk
from tui.runbook.engine import Engine
from tui.runbook.journal import INTENT, JournalUnavailable, RecordKind
from tui.runbook.journal_sqlite import SqliteJournal
from tui.runbook.locks import own_identity
from tui.runbook.model import Question, RunState, RunView
from tui.runbook.run_view import RunHistory

_PATIENCE = 20.0


class Bench:
    """One run `r1` after another over the same ground."""

    def __init__(self, root: Path, *stages: StageSpec, attendance: Attendance | None = None) -> None:
        self.root = root
        self.stages = stages
        self.ground = Ground(root)
        self.journal = SqliteJournal(root / "journal.sqlite3")
        self._attendance = attendance or Attendance(seconds=_PATIENCE)
        self._pool = ThreadPoolExecutor(1)
        self.desk = Desk(self.journal, "r1", self._attendance)

    def begin(self, *, undo: bool = False) -> Future[RunState | None]:
        """Let an engine work in a thread of its own."""
        self.journal.begin_run("r1", operator="mara", mode="run", hosts=(), runner=own_identity(""))
        self.desk = Desk(self.journal, "r1", self._attendance)
        built = procedure(self.root, self.stages)
        self.journal.record_plan("r1", built.plan)
        engine = Engine(self.journal, "r1", built, self.desk)
        return self._pool.submit(engine.undo if undo else engine.perform)

    def run(self, *, undo: bool = False) -> RunState | None:
        """Perform to the end."""
        return self.begin(undo=undo).result(_PATIENCE)

    def question(self, about: str | None = None) -> Question:
        """The next open question (about the step of that id), waited for."""
        found = eventually(
            lambda: (q := self.desk.question) is not None and (about is None or q.step == about) and q,
        )
        assert isinstance(found, Question)
        return found

    def answer(self, choice: str, about: str | None = None) -> None:
        """Answer the next open question."""
        self.desk.answer(self.question(about).id, choice)

    def view(self) -> RunView:
        """The run as the journal tells it."""
        return RunHistory.read(self.journal, "r1").view()

    def states(self) -> dict[str, str]:
        """Step id → state."""
        return {step.planned.id: step.state.value for step in self.view().steps}

    def chain(self) -> list[str]:
        """The operations on record."""
        entries = [record.entry for record in self.journal.records(kind=RecordKind.OPERATION)]
        return [f"{e.step} {e.operation} {'...' if e.phase == INTENT else e.state}" for e in entries]

    def close(self) -> None:
        """Stop whatever still goes on."""
        self.desk.leave()
        self._pool.shutdown()
        self.journal.close()


NewBench = Callable[..., Bench]


def eventually(look: Callable[[], object]) -> object:
    """What `look` returns once it is true; fails after a while."""
    until = time.monotonic() + _PATIENCE
    pause = threading.Event()
    while time.monotonic() < until:
        if found := look():
            return found
        pause.wait(0.005)
    raise AssertionError("it never came to that")


def release(gate: Path) -> None:
    """Let the step go on that waits at this FIFO, once it has come there."""

    def opened() -> bool:
        try:
            os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return False
        return True

    eventually(opened)


def fill(journal: SqliteJournal) -> JournalUnavailable:
    """Let the disk be full for this journal, by SQLite's own limit, and return how it said so."""
    connection = journal._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    try:
        for _ in range(1000):
            journal.event(None, "x" * 200)
    except JournalUnavailable as full:
        return full
    raise AssertionError("the disk never became full")
