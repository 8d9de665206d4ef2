"""How a front follows and steers a run that another process performs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tui.runbook.control import Reply, Request, RunnerGone, ask_runner
from tui.runbook.journal_sqlite import SqliteJournal, journal_path, open_journal
from tui.runbook.locks import is_alive
from tui.runbook.model import RunState, RunView
from tui.runbook.run_view import NoSuchRun, RunHistory

OVER = frozenset({RunState.DONE, RunState.ROLLED_BACK, RunState.FAILED, RunState.INCONSISTENT, RunState.INTERRUPTED})
"""The states in which nobody performs the run any more."""

_LOOK_SECONDS = 0.05


class RunClient:
    """One cluster's runs, read from its journal; any number of fronts may look on, each with its own client.

    Methods raise NoSuchRun, JournalDamaged and JournalUnavailable; several threads may use one client.
    """

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self._lock = threading.RLock()
        self._journal: SqliteJournal | None = None
        self._file: tuple[int, int] | None = None
        self._histories: dict[str, RunHistory] = {}

    def runs(self) -> list[RunView]:
        """Every run, newest first; empty when nothing was ever recorded."""
        with self._lock:
            journal = self._open()
            return [self.view(run) for run in journal.runs()] if journal else []

    def view(self, run: str) -> RunView:
        """A run as the journal tells it now."""
        with self._lock:
            return self._history(run).view()

    def unfinished(self) -> RunView | None:
        """The newest run that has not come to its end: to be re-attached to, or, when `interrupted`, resumed or undone."""
        ended = OVER - {RunState.INTERRUPTED}
        return next((view for view in self.runs() if view.state not in ended), None)

    def alive(self, run: str) -> bool:
        """Whether a runner performs this run now."""
        with self._lock:
            history = self._history(run)
            return history.runner is not None and history.end is None and is_alive(history.runner)

    def changed(self) -> int:
        """A number that differs from the one before when somebody has recorded something since."""
        with self._lock:
            journal = self._open()
            return journal.change_token() if journal else 0

    def follow(self, run: str, *, timeout: float | None = None) -> Iterator[RunView]:
        """The run's view now and after every change, until it is over; ends silently after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        shown: RunView | None = None
        token = -1
        while until is None or time.monotonic() < until:
            now = self.changed()
            if now != token or not self.alive(run):
                token = now
                view = self.view(run)
                if view != shown:
                    yield view
                if view.state in OVER:
                    return
                shown = view
            time.sleep(_LOOK_SECONDS)

    def answer(self, run: str, question: str, choice: str) -> None:
        """Answer the open question; when somebody else was faster, an OperatorError says so."""
        self._ask(run, {"op": "answer", "question": question, "choice": choice})

    def control(self, run: str, word: str) -> None:
        """Say `pause`, `continue`, `abort` or `roll_back`; it takes effect at the next step boundary."""
        self._ask(run, {"op": word})

    def supply(self, run: str, host: str, kind: str, value: str) -> None:
        """Hand the runner a host's secret, over its private socket only; then answer its question with `retry`."""
        self._ask(run, {"op": "supply", "host": host, "kind": kind, "value": value})

    def status(self, run: str) -> Reply:
        """What the runner itself says: `pid`, `run`, `paused`, `directive`, `question` (its id or null)."""
        return self._ask(run, {"op": "status"})

    def close(self) -> None:
        """Let go of the journal; never raises."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()
            self._journal, self._file = None, None
            self._histories.clear()

    def _ask(self, run: str, request: Request) -> Reply:
        with self._lock:
            runner = self._history(run).runner
        if runner is None or not is_alive(runner):
            raise RunnerGone(
                "this run has no runner any more",
                tried=f"send {request['op']} to run {run}",
                meaning="it has ended or was interrupted",
                remedy="look at the run again; when it is interrupted, resume it",
            )
        return ask_runner(Path(runner.socket), request)

    def _history(self, run: str) -> RunHistory:
        journal = self._open()
        if journal is not None:
            history = self._histories.setdefault(run, RunHistory(run, self.cluster))
            history.feed(journal.records(run, after=history.last_seq))
            if history.known:
                return history
            del self._histories[run]
        raise NoSuchRun(run)

    def _open(self) -> SqliteJournal | None:
        """The journal, opened again when it was begun or set aside since; None when there is none."""
        try:
            found = os.stat(journal_path(self.cluster))
        except FileNotFoundError:
            self.close()
            return None
        file = (found.st_dev, found.st_ino)
        if self._journal is None or file != self._file:
            self.close()
            try:
                self._journal, self._file = open_journal(self.cluster, read_only=True), file
            except FileNotFoundError:
                return None
        return self._journal
