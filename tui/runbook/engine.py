"""The engine: performs a procedure stage by stage, host by host, and puts hosts back when that is what remains.

A run ends `done` when every step ended well or was skipped by the operator; `rolled_back` when every host that it had
changed was put back; `inconsistent` when putting one back failed; `failed` when it stopped and nothing was put back, or
hosts stay as it has changed them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto

from tui.errors import OperatorError
from tui.runbook.control_desk import Desk, Directive, Leaving
from tui.runbook.engine_step import Progress, StepRunner
from tui.runbook.journal import Journal, JournalError
from tui.runbook.model import RunState
from tui.runbook.run_view import RunHistory
from tui.runbook.stages import Procedure, Stage, Track


class ProcedureMismatch(OperatorError):
    """A procedure's plan does not list its own steps."""


class _End(Enum):
    """How a track ended."""

    DONE = auto()
    GIVEN_UP = auto()
    PUT_BACK = auto()
    INCONSISTENT = auto()
    NOT_BEGUN = auto()


@dataclass(frozen=True, slots=True)
class _Track:
    steps: tuple[StepRunner, ...]
    unbroken: range = range(0)
    """Places of the steps before which no pause holds."""


@dataclass(frozen=True, slots=True)
class _Stage:
    stage: Stage
    tracks: tuple[_Track, ...]


class Engine:
    """Performs or undoes one run of a procedure, once.

    `perform` and `undo` return how the run ended, or None when the runner was told to leave and the run can be resumed.
    Both raise JournalError when a record could not be made; nothing was changed after it.
    """

    def __init__(self, journal: Journal, run: str, procedure: Procedure, desk: Desk) -> None:
        history = RunHistory.read(journal, run)
        self._journal = journal
        self._run = run
        self._desk = desk
        self._progress = Progress(applied=set(history.applied), verified=set(history.verified))
        self._hosts = dict(history.applied)
        self._broken = threading.Event()
        self._stages = tuple(self._bind(procedure))

    def perform(self) -> RunState | None:
        """Go forward. Steps that are done already are recognised and passed over."""
        try:
            for stage in self._stages:
                if self._broken.is_set() and not stage.stage.always:
                    continue
                self._perform_stage(stage)
            if self._desk.directive is Directive.ROLL_BACK and not self._broken.is_set():
                self._stop(Directive.ROLL_BACK)
        except Leaving:
            return None
        return self._ended()

    def undo(self) -> RunState | None:
        """Put back every host that the run changed, last changed first, then perform the closing stages."""
        self._broken.set()
        try:
            self._undo_all()
            for stage in self._stages:
                if stage.stage.always:
                    self._perform_stage(stage)
        except Leaving:
            return None
        return self._ended()

    def _ended(self) -> RunState:
        if self._progress.inconsistent:
            return RunState.INCONSISTENT
        if not self._broken.is_set():
            return RunState.DONE
        if changed := self._still_changed():
            self._tell_changed(changed)
            return RunState.FAILED
        wanted = self._desk.directive in (Directive.ABORT, Directive.ROLL_BACK)
        return RunState.ROLLED_BACK if wanted or self._progress.undone else RunState.FAILED

    def _still_changed(self) -> tuple[str, ...]:
        """The hosts on which a step of a stage that changes hosts is applied."""
        return tuple(
            dict.fromkeys(
                step.planned.host
                for step in self._all_steps()
                if step.applied and step.planned.host and step.planned.changes_host
            )
        )

    def _tell_changed(self, hosts: tuple[str, ...]) -> None:
        concerned = {step.planned.host for step in self._all_steps() if step.planned.changes_host}
        rest = "; the other hosts of the run were put back or not begun" if concerned - {*hosts, None} else ""
        error = OperatorError(
            f"the run stopped; {', '.join(hosts)} {'stays' if len(hosts) == 1 else 'stay'} as it has changed them",
            host=", ".join(hosts),
            meaning=f"what was finished there keeps working{rest}",
            remedy=f"resume run {self._run} to finish it, or undo it to put these hosts back too",
        )
        self._journal.stopped(self._run, error.lines())

    def _perform_stage(self, stage: _Stage) -> None:
        """Perform a stage's tracks; when one did not end well, break off, and undo everything if that was the word."""
        closing = self._broken.is_set()
        stop = threading.Event()
        with ThreadPoolExecutor(stage.stage.parallel, thread_name_prefix=stage.stage.name) as pool:
            futures = [pool.submit(self._perform_track, track, stop, closing) for track in stage.tracks]
        ends, faults = [], []
        for future in futures:
            fault = future.exception()
            faults.append(fault) if fault else ends.append(future.result())
        faults.sort(key=lambda fault: not isinstance(fault, JournalError))
        if faults:
            raise faults[0]
        if not closing and any(end is not _End.DONE for end in ends):
            self._stop(self._meant(stage.stage))

    def _meant(self, stage: Stage) -> Directive:
        """The operator's word, or a roll-back where the stage must not be left half done."""
        word = self._desk.directive
        whole = stage.all_or_nothing or (stage.abort_undoes_all and word is Directive.ABORT)
        return Directive.ROLL_BACK if whole else word

    def _stop(self, directive: Directive) -> None:
        self._broken.set()
        if directive is Directive.ROLL_BACK:
            self._undo_all()

    def _perform_track(self, track: _Track, stop: threading.Event, closing: bool) -> _End:
        try:
            return self._walk(track, stop, closing)
        except JournalError:
            self._desk.leave()
            raise

    def _walk(self, track: _Track, stop: threading.Event, closing: bool) -> _End:
        if stop.is_set():
            return _End.NOT_BEGUN
        begun = False
        for place, step in enumerate(track.steps):
            directive = self._desk.boundary(new_host=not begun, may_pause=place not in track.unbroken)
            if directive is Directive.LEAVE:
                raise Leaving
            if directive is not Directive.GO and not closing:
                stop.set()
                return self._undo_track(track) if begun else _End.NOT_BEGUN
            if not begun and stop.is_set():
                return _End.NOT_BEGUN
            begun = True
            if not step.forward(stop.set):
                return self._undo_track(track) if step.planned.host else _End.GIVEN_UP
        return _End.DONE

    def _undo_track(self, track: _Track) -> _End:
        """Undo in reverse what this run has applied; the first failure ends it, since what comes before builds on it."""
        for step in reversed(track.steps):
            if not step.applied:
                continue
            if self._desk.directive is Directive.LEAVE:
                raise Leaving
            if not step.undo():
                return _End.INCONSISTENT
        return _End.PUT_BACK

    def _undo_all(self) -> None:
        for stage in reversed(self._stages):
            for track in reversed(stage.tracks):
                if not self._is_inconsistent(track):
                    self._undo_track(track)
        self._tell_orphans()

    def _is_inconsistent(self, track: _Track) -> bool:
        """Whether an undo on this track's host has failed: what was done there before stays as it is."""
        hosts = {step.planned.host for step in track.steps} - {None}
        found = self._progress.inconsistent
        return any(
            step.planned.id in found and (step in track.steps or step.planned.host in hosts)
            for step in self._all_steps()
        )

    def _tell_orphans(self) -> None:
        """Steps that were applied in this run and that nobody can undo any more, as their host left the cluster file."""
        known = {step.planned.id for step in self._all_steps()}
        orphans = sorted(self._progress.applied - known)
        if not orphans:
            return
        self._progress.inconsistent.update(orphans)
        hosts = sorted({host for name in orphans if (host := self._hosts.get(name))})
        error = OperatorError(
            "some steps of this run cannot be undone: the cluster file no longer has their host",
            host=", ".join(hosts) or None,
            tried=f"undo {', '.join(orphans)}",
            meaning="these hosts are as the run left them",
            remedy="put the hosts back into the cluster file and undo the run again",
        )
        self._journal.stopped(self._run, error.lines())

    def _all_steps(self) -> Iterator[StepRunner]:
        for stage in self._stages:
            for track in stage.tracks:
                yield from track.steps

    def _bind(self, procedure: Procedure) -> Iterator[_Stage]:
        """Tie every step to its place in the plan."""
        planned = iter(procedure.plan.steps)
        for stage in procedure.stages:
            tracks = []
            for track in stage.tracks:
                runners = []
                for step in track.steps:
                    entry = next(planned, None)
                    if entry is None or (entry.name, entry.host) != (step.name, step.host):
                        raise ProcedureMismatch(
                            f"the plan does not list step {step.name} of stage {stage.name} in its place"
                        )
                    runners.append(
                        StepRunner(
                            entry,
                            step,
                            run=self._run,
                            journal=self._journal,
                            desk=self._desk,
                            progress=self._progress,
                        )
                    )
                tracks.append(_Track(tuple(runners), _unbroken(track)))
            yield _Stage(stage, tuple(tracks))
        if next(planned, None) is not None:
            raise ProcedureMismatch("the plan lists more steps than the procedure has")


def _unbroken(track: Track) -> range:
    """The places of the steps after the first unbroken one, up to and with the last."""
    if track.unbroken is None:
        return range(0)
    names = [step.name for step in track.steps]
    first, last = track.unbroken
    return range(names.index(first) + 1 if first else 0, names.index(last) + 1)
