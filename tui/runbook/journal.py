"""The journal: what a run meant to do and what came of it, recorded before and after every side effect.

`Journal` is the interface; a record, once appended, is durable and never changes. Everything that fronts show of a
run is derived from its records.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tui.errors import OperatorError
from tui.remote.redaction import Redactor
from tui.runbook.model import (
    Evidence,
    HostVerdict,
    Operation,
    Plan,
    Question,
    RunState,
    StepState,
)

INTENT = "intent"
OUTCOME = "outcome"

Json = dict[str, object]


class JournalError(OperatorError):
    """The journal could not be read or written."""


class JournalDamaged(JournalError):
    """The journal's contents are not what was written. `intact` is the number of the last record that can be trusted."""

    def __init__(self, summary: str, *, intact: int = 0, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.intact = intact


class JournalUnavailable(JournalError):
    """A record could not be made durable (disk full, no permission, file system gone): no side effect may follow."""


class RecordKind(StrEnum):
    """What a record tells."""

    RUN = "run"
    RUNNER = "runner"
    PLAN = "plan"
    OPERATION = "operation"
    QUESTION = "question"
    ANSWER = "answer"
    CONTROL = "control"
    VERDICT = "verdict"
    BACKUP = "backup"
    EVENT = "event"
    ERROR = "error"
    LEFT = "left"
    END = "end"


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded. `step` is the planned step's id; `data` is JSON; nothing in it may be secret."""

    kind: RecordKind
    run: str | None = None
    host: str | None = None
    step: str | None = None
    operation: str | None = None
    phase: str | None = None
    state: str | None = None
    detail: str = ""
    data: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it was recorded: its number in the journal and the moment (UTC)."""

    seq: int
    at: datetime
    entry: Entry


@dataclass(frozen=True, slots=True)
class RunnerIdentity:
    """Which process performs a run. `started` tells it from a later process with the same pid; `boot` from one before a reboot."""

    pid: int
    started: str
    boot: str
    socket: str


def intent(run: str, step: str, host: str | None, operation: Operation) -> Entry:
    """An operation is about to begin."""
    return Entry(RecordKind.OPERATION, run, host, step, operation.value, INTENT, StepState.RUNNING.value)


def outcome(
    run: str, step: str, host: str | None, operation: Operation, state: StepState, evidence: Evidence | None = None
) -> Entry:
    """An operation ended with `state`; `evidence` is what it saw."""
    seen = evidence or Evidence(detail="")
    data: Json = {"lines": list(seen.lines), "done": seen.done}
    return Entry(
        RecordKind.OPERATION, run, host, step, operation.value, OUTCOME, state.value, detail=seen.detail, data=data
    )


def failure(
    run: str, step: str, host: str | None, operation: Operation, state: StepState, error: Sequence[str]
) -> Entry:
    """An operation failed; `error` is what the operator is told (`OperatorError.lines()`)."""
    data: Json = {"error": list(error)}
    detail = error[0] if error else ""
    return Entry(RecordKind.OPERATION, run, host, step, operation.value, OUTCOME, state.value, detail=detail, data=data)


class Journal(ABC):
    """One cluster's journal. Safe for use by several threads; several processes may have it open.

    All text but identifiers passes through `redactor` before it is recorded: whoever reads a further secret (the
    configuration's, say) adds it there first. Every method may raise JournalDamaged and JournalUnavailable.
    """

    def __init__(self, redactor: Redactor | None = None) -> None:
        self.redactor = redactor or Redactor()

    @abstractmethod
    def append(self, *entries: Entry) -> list[Record]:
        """Record all `entries` or none, durably: when this returns they survive a power cut."""

    @abstractmethod
    def records(self, run: str | None = None, *, kind: RecordKind | None = None, after: int = 0) -> list[Record]:
        """The records with a number above `after`, oldest first; of one run, of one kind, or all."""

    @abstractmethod
    def change_token(self) -> int:
        """A number that differs from the one before when anybody else has recorded something since."""

    @abstractmethod
    def verify(self) -> int:
        """Read everything and return the last record's number; raises JournalDamaged when a byte is not what was written."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the journal; never raises."""

    def runs(self) -> list[str]:
        """The ids of all runs, newest first."""
        seen = [record.entry.run for record in self.records(kind=RecordKind.RUN)]
        return [run for run in reversed(list(dict.fromkeys(seen))) if run]

    def begin_run(
        self, run: str, *, operator: str, mode: str, hosts: Sequence[str], runner: RunnerIdentity, act: str = "add"
    ) -> None:
        """A runner takes up a run: the first time, to resume it, or to undo it."""
        process: Json = {
            "pid": runner.pid,
            "started": runner.started,
            "boot": runner.boot,
            "socket": runner.socket,
        }
        self.append(
            Entry(RecordKind.RUN, run, state=mode, data={"operator": operator, "hosts": list(hosts), "act": act}),
            Entry(RecordKind.RUNNER, run, data=process),
        )

    def record_plan(self, run: str, plan: Plan) -> None:
        """What the run is going to do."""
        self.append(Entry(RecordKind.PLAN, run, data=plan.model_dump(mode="json")))

    def end_run(self, run: str, state: RunState, verdict: str | None) -> None:
        """The run has come to its end."""
        self.append(Entry(RecordKind.END, run, state=state.value, data={"verdict": verdict}))

    def leave_run(self, run: str) -> None:
        """The runner goes away at a step boundary; the run can be resumed."""
        self.append(Entry(RecordKind.LEFT, run))

    def ask(self, run: str, question: Question) -> None:
        """A question is open."""
        self.append(
            Entry(
                RecordKind.QUESTION,
                run,
                question.host,
                question.step,
                detail=question.id,
                data=question.model_dump(mode="json"),
            )
        )

    def answered(self, run: str, question: Question, choice: str, *, by: str) -> None:
        """A question has its answer. `by`: `operator`, `nobody` (time ran out), `unattended`, or a control word."""
        data: Json = {"kind": question.kind, "choice": choice, "by": by}
        self.append(Entry(RecordKind.ANSWER, run, question.host, question.step, detail=question.id, data=data))

    def answers(self, run: str, kind: str) -> list[str]:
        """Every choice that was made in answer to questions of this kind, oldest first."""
        found = self.records(run, kind=RecordKind.ANSWER)
        return [str(record.entry.data["choice"]) for record in found if record.entry.data.get("kind") == kind]

    def control(self, run: str, word: str) -> None:
        """The operator said `pause`, `continue`, `abort` or `roll_back`."""
        self.append(Entry(RecordKind.CONTROL, run, state=word))

    def record_verdict(self, run: str, verdict: HostVerdict) -> None:
        """How a host came out; the last one recorded for a host counts."""
        data: Json = verdict.model_dump(mode="json")
        self.append(Entry(RecordKind.VERDICT, run, verdict.name, state=verdict.verdict, data=data))

    def remember_backup(self, backup: str, sha256: str, *, run: str | None = None) -> None:
        """Keep the hash of a backup's ciphertext: age does not tell a forged backup from a true one."""
        self.append(Entry(RecordKind.BACKUP, run, detail=backup, data={"backup": backup, "sha256": sha256}))

    def backup_hash(self, backup: str) -> str | None:
        """The remembered hash of a backup's ciphertext, or None when this journal never saw it made."""
        for record in reversed(self.records(kind=RecordKind.BACKUP)):
            if record.entry.data.get("backup", record.entry.detail) == backup:
                return str(record.entry.data["sha256"])
        return None

    def event(self, run: str | None, text: str, *, host: str | None = None) -> None:
        """Something worth knowing later that belongs to no step."""
        self.append(Entry(RecordKind.EVENT, run, host, detail=text))

    def stopped(self, run: str, error: Sequence[str]) -> None:
        """Something went wrong outside any step."""
        self.append(Entry(RecordKind.ERROR, run, detail=error[0] if error else "", data={"error": list(error)}))
