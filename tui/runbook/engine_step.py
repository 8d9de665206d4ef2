"""One step in the engine's hands: every operation recorded before and after, every failure put to the operator."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from tui.errors import OperatorError
from tui.remote.errors import ConnectionLost, HostUnreachable, RemoteError, SecretNeeded
from tui.runbook.control_desk import Desk, Leaving
from tui.runbook.journal import Journal, JournalError, failure, intent, outcome
from tui.runbook.model import Asks, Evidence, Operation, PlannedStep, SecretWanted, Step, StepState, may_skip

_LOG = logging.getLogger(__name__)

_ATTEMPTS_ATTENDED = 20
_ATTEMPTS_UNATTENDED = 3
_RECONNECTED = (ConnectionLost, HostUnreachable)
"""Failures of the line, not of the host: tried once more without asking. Refused credentials are not among them."""

RETRY, SKIP, ROLL_BACK, GIVE_UP = "retry", "skip", "roll_back", "give_up"


@dataclass(slots=True)
class Progress:
    """What a run has done so far, shared by its tracks. Both begin with what the journal says of earlier runners."""

    applied: set[str] = field(default_factory=set)
    verified: set[str] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)
    inconsistent: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begun(self, step: str) -> None:
        """An apply is on record: from now on an undo has to look after this step."""
        with self.lock:
            self.applied.add(step)
            self.verified.discard(step)

    def put_back(self, step: str) -> None:
        """An undo succeeded."""
        with self.lock:
            self.applied.discard(step)
            self.verified.discard(step)
            self.inconsistent.discard(step)
            self.undone.add(step)


class StepRunner:
    """Performs and undoes one step. Raises JournalError and Leaving; the step's own failures become questions."""

    def __init__(
        self, planned: PlannedStep, step: Step, *, run: str, journal: Journal, desk: Desk, progress: Progress
    ) -> None:
        self.planned = planned
        self._step = step
        self._run = run
        self._journal = journal
        self._desk = desk
        self._progress = progress
        self._operation = Operation.CHECK

    @property
    def applied(self) -> bool:
        """Whether an apply of this step was begun in this run and not undone since."""
        return self.planned.id in self._progress.applied

    def forward(self, on_roll_back: Callable[[], None]) -> bool:
        """Check, apply, verify; False when the operator wants the host put back, or gives a step up that is on no host.

        `on_roll_back` is called as soon as that is decided, before any other host may begin.
        """
        limit = _ATTEMPTS_UNATTENDED if self._desk.unattended else _ATTEMPTS_ATTENDED
        for attempt in count(1):
            try:
                self._attempt()
                return True
            except (JournalError, Leaving):
                raise
            except Exception as error:
                lines = self._tell(error)
                self._fail(StepState.FAILED, lines)
                if attempt == 1 and isinstance(error, _RECONNECTED):
                    continue
                choice = self._ask_about(error, lines, on_roll_back, may_retry=attempt < limit)
            if choice == SKIP:
                self._record(StepState.SKIPPED, Evidence(detail="the operator goes on without it"))
                return True
            if choice != RETRY:
                break
        return False

    def undo(self) -> bool:
        """Put back what the step changed; False when that failed, which leaves the host inconsistent."""
        self._operation = Operation.UNDO
        limit = _ATTEMPTS_UNATTENDED if self._desk.unattended else _ATTEMPTS_ATTENDED
        for attempt in count(1):
            self._intend(Operation.UNDO)
            try:
                evidence = self._step.undo()
            except (JournalError, Leaving):
                raise
            except Exception as error:
                lines = self._tell(error)
                self._fail(StepState.INCONSISTENT, lines)
                with self._progress.lock:
                    self._progress.inconsistent.add(self.planned.id)
                reconnects = attempt == 1 and isinstance(error, _RECONNECTED)
                if not reconnects and (attempt >= limit or self._ask_about_undo(lines) != RETRY):
                    return False
            else:
                self._record(StepState.UNDONE, evidence)
                self._progress.put_back(self.planned.id)
                return True
        return False

    def _attempt(self) -> None:
        self._intend(Operation.CHECK)
        seen = self._step.check()
        ours = self.applied
        if seen.done and (not ours or self.planned.id in self._progress.verified):
            self._record(StepState.DONE if ours else StepState.ALREADY, seen)
            return
        if seen.done:
            self._pass_on(seen, Operation.VERIFY)
        else:
            self._ask_first()
            self._pass_on(seen, Operation.APPLY)
            self._progress.begun(self.planned.id)
            self._pass_on(self._step.apply(), Operation.VERIFY)
        proof = self._step.verify()
        if not proof.done:
            raise OperatorError(
                "it was applied, but could not be proven",
                tried=proof.detail,
                meaning="what was found differs from what was meant",
                remedy="read the evidence, then retry or put the host back",
            )
        self._record(StepState.DONE, proof)
        with self._progress.lock:
            self._progress.verified.add(self.planned.id)

    def _ask_first(self) -> None:
        if not isinstance(self._step, Asks):
            return
        question = self._step.question()
        if question is None:
            return
        choice = self._desk.ask(
            question.kind, question.text, question.choices, host=self.planned.host, step=self.planned.id
        )
        self._step.answered(choice)

    def _ask_about(
        self, error: Exception, lines: tuple[str, ...], on_roll_back: Callable[[], None], *, may_retry: bool
    ) -> str:
        choices = [RETRY] if may_retry else []
        if may_skip(self._step):
            choices.append(SKIP)
        choices.append(ROLL_BACK if self.planned.host else GIVE_UP)
        secret = _secret_wanted(error)
        kind = "failure" if secret is None else "secret"

        def settle(choice: str) -> None:
            if choice == ROLL_BACK:
                on_roll_back()

        return self._desk.ask(
            kind,
            lines,
            tuple(choices),
            host=self.planned.host,
            step=self.planned.id,
            settle=settle,
            secret=secret,
        )

    def _ask_about_undo(self, lines: tuple[str, ...]) -> str:
        return self._desk.ask(
            "failure", lines, (RETRY, GIVE_UP), host=self.planned.host, step=self.planned.id, undoing=True
        )

    def _intend(self, operation: Operation) -> None:
        self._operation = operation
        self._journal.append(intent(self._run, self.planned.id, self.planned.host, operation))

    def _pass_on(self, evidence: Evidence, following: Operation) -> None:
        """Record how the present operation ended together with the intent of the one that follows."""
        name, host = self.planned.id, self.planned.host
        self._journal.append(
            outcome(self._run, name, host, self._operation, StepState.RUNNING, evidence),
            intent(self._run, name, host, following),
        )
        self._operation = following

    def _record(self, state: StepState, evidence: Evidence) -> None:
        self._journal.append(outcome(self._run, self.planned.id, self.planned.host, self._operation, state, evidence))

    def _fail(self, state: StepState, lines: tuple[str, ...]) -> None:
        self._journal.append(failure(self._run, self.planned.id, self.planned.host, self._operation, state, lines))

    def _tell(self, error: Exception) -> tuple[str, ...]:
        """What the operator is told; everything else goes to the log."""
        where = f"{self.planned.id} ({self._operation.value})"
        if isinstance(error, OperatorError):
            _LOG.warning("%s failed: %s", where, error, exc_info=error)
            error.host = error.host or self.planned.host
            error.step = error.step or self.planned.title
            return tuple(error.lines())
        _LOG.error("%s failed unexpectedly", where, exc_info=error)
        return tuple(unexpected(error, host=self.planned.host, step=self.planned.title).lines())


def _secret_wanted(error: Exception) -> SecretWanted | None:
    """The secret that this failure is about; None when another one would not help."""
    if isinstance(error, SecretNeeded):
        return SecretWanted(host=error.secret_host, kind=error.kind, prompt=error.prompt)
    if isinstance(error, RemoteError) and error.refused_secret is not None and error.host is not None:
        return SecretWanted(host=error.host, kind=error.refused_secret)
    return None


def unexpected(error: Exception, *, host: str | None = None, step: str | None = None) -> OperatorError:
    """The words for a fault of this program, whose traceback is in the runner's log."""
    return OperatorError(
        f"this program failed in a way that nobody foresaw ({type(error).__name__})",
        host=host,
        step=step,
        meaning="the fault is in adldap-ha; what was recorded so far is safe",
        remedy="retry once, else put the host back and send the support bundle",
    )
