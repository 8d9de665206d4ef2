"""Steps, plans and the state of a run: what the journal records and every front shows."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from tui.findings import Finding
from tui.remote.errors import SecretKind

_UNFINISHABLE = ("restart", "drill")
"""Acts that leave nothing behind to be finished."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Change(_Record):
    """One thing that a step would change, or has changed, for display. No secrets: sizes, hashes and masked values only.

    `action`: `create`, `replace`, `remove`, `keep`, `stop`, `start`, `ask`, `read`.
    """

    action: str
    subject: str
    before: str | None = None
    after: str | None = None


class PlannedStep(_Record):
    """A step before it runs. `id` is unique in the plan (`oak/place-certificates`); `host` None means the jump box or the tenant.

    `changes_host`: whether it belongs to a stage that changes hosts: applied and not undone, it keeps a run undoable.
    """

    id: str
    name: str
    host: str | None
    title: str
    why: str
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    changes_host: bool = True


class Plan(_Record):
    """What a run would do, in order. A stage begins when the one before it has ended; the hosts of a stage run in parallel."""

    cluster: str
    stages: tuple[tuple[PlannedStep, ...], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """All steps, stage by stage."""
        return tuple(step for stage in self.stages for step in stage)


class Operation(StrEnum):
    """The operations of a step that the journal records."""

    CHECK = "check"
    APPLY = "apply"
    VERIFY = "verify"
    UNDO = "undo"


class StepState(StrEnum):
    """Where a step stands. `inconsistent`: its undo failed, so the host needs a person."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    ALREADY = "already_done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"
    INCONSISTENT = "inconsistent"


class RunState(StrEnum):
    """Where a run stands. `interrupted`: its runner is gone and it can be resumed."""

    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    INCONSISTENT = "inconsistent"


class SecretWanted(_Record):
    """A secret that the run lacks, or that its host refused: which, and the host's own words for it."""

    host: str
    kind: SecretKind
    prompt: str = ""


class Question(_Record):
    """Something that the run needs a person for. `kind`: `failure` (a step failed), `tenant` (is the light green?), `secret`, `approve`.

    `choices` are words that the operator may answer with (`retry`, `skip`, `roll_back`); the last one is what a front without an
    operator answers, and what the runner does when nobody has answered in time.
    `asked` and `expires`: since when it is open, and when the runner answers by itself; None in journals of old.
    `secret`: what to hand over before answering `retry`.
    """

    id: str
    kind: str
    host: str | None
    step: str | None
    text: tuple[str, ...]
    choices: tuple[str, ...]
    asked: datetime | None = None
    expires: datetime | None = None
    secret: SecretWanted | None = None


class StepView(_Record):
    """One step of a run as the journal tells it. Times are UTC."""

    planned: PlannedStep
    state: StepState
    started: datetime | None = None
    ended: datetime | None = None
    detail: str = ""
    evidence: tuple[str, ...] = ()
    error: tuple[str, ...] = ()


class HostVerdict(_Record):
    """How one host came out of a run: `healthy`, `degraded`, `down`, `unknown`.

    `os` and `transport` as in HostStatus; None where an earlier version of this program recorded it.
    """

    name: str
    verdict: str
    detail: str = ""
    os: str | None = None
    transport: str | None = None


class RunView(_Record):
    """A whole run as the journal tells it: what the progress screen, `report` and `resume` read.

    `error` says why a run stopped outside any step (the procedure could not be built, a host left the cluster file).
    `changed`: the hosts that the run has begun to change and has not put back: what an undo would look after.
    """

    id: str
    cluster: str
    operator: str
    started: datetime
    ended: datetime | None
    state: RunState
    steps: tuple[StepView, ...]
    question: Question | None = None
    hosts: tuple[HostVerdict, ...] = ()
    verdict: str | None = None
    error: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    act: str = "add"
    """What the run performs: an `Act` of its order."""

    @property
    def can_be_finished(self) -> bool:
        """Whether a run that has come to its end failed half of the way, with hosts that stay as it has changed them."""
        return self.state is RunState.FAILED and self.act not in _UNFINISHABLE and bool(self.changed)


class StepQuestion(_Record):
    """What a step asks a person before it is applied: as Question, without what the engine adds."""

    kind: str
    text: tuple[str, ...]
    choices: tuple[str, ...]


class Evidence(_Record):
    """What an operation of a step saw: shown beside the step and kept in the journal. Never a secret."""

    detail: str
    lines: tuple[str, ...] = ()
    done: bool = True


class Step(Protocol):
    """One idempotent step. Blocking; each operation raises OperatorError when it fails.

    Steps of one host share one Session and run one after another in one thread. A step class may carry
    `may_skip = True`: the operator is then offered to go on without it when it fails.
    """

    @property
    def name(self) -> str:
        """A stable kebab-case word, the same on every host."""
        ...

    @property
    def host(self) -> str | None:
        """The host it acts on; None for the jump box or the tenant."""
        ...

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        ...

    @property
    def why(self) -> str:
        """The reason in the operator's words."""
        ...

    def check(self) -> Evidence:
        """Look at the host: `done` says whether there is nothing left to apply."""
        ...

    def plan(self) -> tuple[Change, ...]:
        """What `apply` would change; changes nothing."""
        ...

    def apply(self) -> Evidence:
        """Do it."""
        ...

    def verify(self) -> Evidence:
        """Prove that it was done."""
        ...

    def undo(self) -> Evidence:
        """Put back what was there, to the byte; harmless when nothing was applied."""
        ...


@runtime_checkable
class Asks(Protocol):
    """What a step has besides when it needs a person's word. Called after `check` said not done, before `apply`.

    The engine asks, records question and answer in the journal, and hands the chosen word over.
    """

    def question(self) -> StepQuestion | None:
        """What to ask; None when nothing needs asking. The last choice is what nobody's answer means."""
        ...

    def answered(self, choice: str) -> None:
        """The chosen word, one of the question's choices."""
        ...


def may_skip(step: Step) -> bool:
    """Whether the operator may go on without this step when it fails."""
    return bool(getattr(step, "may_skip", False))
