"""From records to a RunView: the one place that decides what the journal says of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tui.errors import OperatorError
from tui.runbook.journal import INTENT, Entry, Journal, Json, Record, RecordKind, RunnerIdentity
from tui.runbook.locks import is_alive
from tui.runbook.model import (
    HostVerdict,
    Operation,
    Plan,
    PlannedStep,
    Question,
    RunState,
    RunView,
    StepState,
    StepView,
)


class NoSuchRun(OperatorError):
    """The journal has no such run."""

    def __init__(self, run: str) -> None:
        super().__init__(f"the journal has no run {run}", remedy="choose one of the runs that the journal lists")


@dataclass(slots=True)
class _Step:
    host: str | None = None
    state: StepState = StepState.PENDING
    started: datetime | None = None
    ended: datetime | None = None
    detail: str = ""
    evidence: list[str] = field(default_factory=list)
    error: tuple[str, ...] = ()


class RunHistory:
    """What the records of one run, fed in their order, amount to.

    `applied`: ids of the steps whose apply was begun in this run and that have not been undone since, in order, with their
    host; these are what an undo has to put back. `verified`: those of them whose verification is on record.
    """

    def __init__(self, run: str, cluster: str) -> None:
        self.run = run
        self.cluster = cluster
        self.applied: dict[str, str | None] = {}
        self.verified: set[str] = set()
        self.last_seq = 0
        self.runner: RunnerIdentity | None = None
        self.end: RunState | None = None
        self.left = False
        self.act = "add"
        self._operator = ""
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._planned: dict[str, PlannedStep] = {}
        self._steps: dict[str, _Step] = {}
        self._paused = False
        self._question: Question | None = None
        self._hosts: dict[str, HostVerdict] = {}
        self._verdict: str | None = None
        self._error: tuple[str, ...] = ()

    @classmethod
    def read(cls, journal: Journal, run: str, cluster: str = "") -> RunHistory:
        """The history of a run so far; raises NoSuchRun when the journal has none."""
        history = cls(run, cluster)
        history.feed(journal.records(run))
        if not history.known:
            raise NoSuchRun(run)
        return history

    @property
    def known(self) -> bool:
        """Whether the run was ever begun."""
        return self._started is not None

    @property
    def interrupted(self) -> bool:
        """Whether the run has not come to its end and nobody performs it any more."""
        return self.known and self.end is None and (self.left or self.runner is None or not is_alive(self.runner))

    def feed(self, records: list[Record]) -> None:
        """Take in further records of this run."""
        for record in records:
            self.last_seq = record.seq
            self._take(record.entry, record.at)

    def view(self) -> RunView:
        """The run as it is now; whether its runner lives is looked up in the process table."""
        if self._started is None:
            raise NoSuchRun(self.run)
        state = self._state()
        gone = state is RunState.INTERRUPTED
        return RunView(
            id=self.run,
            cluster=self.cluster,
            operator=self._operator,
            started=self._started,
            ended=self._ended,
            state=state,
            steps=tuple(self._step_view(step, gone=gone) for step in self._all_planned()),
            question=None if gone else self._question,
            hosts=tuple(self._hosts.values()),
            verdict=self._verdict,
            error=self._error,
            changed=self.changed,
            act=self.act,
        )

    @property
    def changed(self) -> tuple[str, ...]:
        """The hosts with an applied step that belongs to a stage that changes hosts, first changed first."""
        return tuple(
            dict.fromkeys(
                host
                for name, host in self.applied.items()
                if host and (name not in self._planned or self._planned[name].changes_host)
            )
        )

    def _state(self) -> RunState:
        if self.end is not None:
            return self.end
        if self.interrupted:
            return RunState.INTERRUPTED
        if self._question is not None:
            return RunState.WAITING
        return RunState.PAUSED if self._paused else RunState.RUNNING

    def _all_planned(self) -> list[PlannedStep]:
        """The plan's steps, then those that an earlier plan of this run had and that have a history."""
        unplanned = [
            PlannedStep(id=name, name=name.rpartition("/")[2], host=step.host, title=name, why="")
            for name, step in self._steps.items()
            if name not in self._planned
        ]
        return [*self._planned.values(), *unplanned]

    def _step_view(self, planned: PlannedStep, *, gone: bool) -> StepView:
        step = self._steps.get(planned.id, _Step())
        cut_off = gone and step.state is StepState.RUNNING
        return StepView(
            planned=planned,
            state=step.state,
            started=step.started,
            ended=step.ended,
            detail="interrupted; a resume looks at the host to see how far it came" if cut_off else step.detail,
            evidence=tuple(step.evidence),
            error=step.error,
        )

    def _take(self, entry: Entry, at: datetime) -> None:
        match entry.kind:
            case RecordKind.RUN:
                self._begin(entry, at)
            case RecordKind.RUNNER:
                self.runner = _runner(entry.data)
            case RecordKind.PLAN:
                plan = Plan.model_validate(entry.data)
                self.cluster = plan.cluster
                self._planned = {step.id: step for step in plan.steps}
            case RecordKind.OPERATION:
                self._operation(entry, at)
            case RecordKind.QUESTION:
                self._question = Question.model_validate(entry.data)
            case RecordKind.ANSWER:
                self._question = None
            case RecordKind.CONTROL:
                self._paused = entry.state == "pause"
            case RecordKind.VERDICT:
                verdict = HostVerdict.model_validate(entry.data)
                self._hosts[verdict.name] = verdict
            case RecordKind.ERROR:
                self._error = _lines(entry.data, "error")
            case RecordKind.LEFT:
                self.left = True
            case RecordKind.END:
                self._finish(entry, at)
            case RecordKind.BACKUP | RecordKind.EVENT:
                pass

    def _begin(self, entry: Entry, at: datetime) -> None:
        """A runner takes the run up: what was open when the last one went is open no more."""
        self._started = self._started or at
        self._operator = self._operator or str(entry.data.get("operator", ""))
        self.act = str(entry.data.get("act", self.act))
        self._ended, self.end, self.left, self._paused, self._question = None, None, False, False, None
        self._error = ()

    def _finish(self, entry: Entry, at: datetime) -> None:
        verdict = entry.data.get("verdict")
        self.end, self._ended, self._question = RunState(str(entry.state)), at, None
        self._verdict = None if verdict is None else str(verdict)

    def _operation(self, entry: Entry, at: datetime) -> None:
        name = entry.step or ""
        step = self._steps.setdefault(name, _Step(host=entry.host))
        operation, state = Operation(str(entry.operation)), StepState(str(entry.state))
        step.state = state
        if entry.phase == INTENT:
            self._intend(step, name, operation, entry.host, at)
            return
        step.ended = None if state is StepState.RUNNING else at
        step.detail = entry.detail or step.detail
        step.error = _lines(entry.data, "error") or step.error
        step.evidence += _lines(entry.data, "lines")
        if state is StepState.DONE and operation is Operation.VERIFY:
            self.verified.add(name)
        if state is StepState.UNDONE:
            self.applied.pop(name, None)
            self.verified.discard(name)

    def _intend(self, step: _Step, name: str, operation: Operation, host: str | None, at: datetime) -> None:
        step.ended = None
        if operation is Operation.CHECK:
            step.started, step.evidence, step.error, step.detail = at, [], (), ""
        elif operation is Operation.APPLY:
            step.evidence = []
            self.applied[name] = host
            self.verified.discard(name)


def _lines(data: Json, key: str) -> tuple[str, ...]:
    found = data.get(key)
    return tuple(str(line) for line in found) if isinstance(found, list) else ()


def _runner(data: Json) -> RunnerIdentity:
    return RunnerIdentity(
        pid=int(str(data["pid"])), started=str(data["started"]), boot=str(data["boot"]), socket=str(data["socket"])
    )
