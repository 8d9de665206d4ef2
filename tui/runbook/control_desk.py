"""Where a run meets its operator: questions and their answers, and the words pause, continue, abort, roll back."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tui.errors import OperatorError
from tui.runbook.journal import Journal
from tui.runbook.model import Question, SecretWanted

WORDS = ("pause", "continue", "abort", "roll_back")


class Directive(StrEnum):
    """What a track does at its next step boundary."""

    GO = "go"
    ABORT = "abort"
    ROLL_BACK = "roll_back"
    LEAVE = "leave"


class Leaving(Exception):
    """The runner is going away: stop where you are, change nothing, the run is resumed later."""


class ControlRefused(OperatorError):
    """An answer or a word that the run cannot take now."""


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who answers. `seconds` is how long an open question waits before its last choice is taken.

    `unattended`: every question is answered at once, by `answers[kind]` where given and possible, else by its last choice.
    """

    unattended: bool = False
    answers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 900.0


class Desk:
    """One run's desk, used by the engine's threads and by the control socket's. One question is open at a time."""

    def __init__(self, journal: Journal, run: str, attendance: Attendance | None = None) -> None:
        self._journal = journal
        self._run = run
        self._attendance = attendance or Attendance()
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._directive = Directive.GO
        self._paused = False
        self._open: Question | None = None
        self._choice: str | None = None
        self._closed: set[str] = set()
        self._asking = 0

    @property
    def unattended(self) -> bool:
        """Whether nobody is there to answer."""
        return self._attendance.unattended

    @property
    def directive(self) -> Directive:
        """The word that stands now, without waiting for a pause to end."""
        with self._changed:
            return self._directive

    @property
    def paused(self) -> bool:
        """Whether tracks wait at their next step boundary."""
        with self._changed:
            return self._paused

    @property
    def question(self) -> Question | None:
        """The open question."""
        with self._changed:
            return self._open

    def boundary(self, *, new_host: bool = False, may_pause: bool = True) -> Directive:
        """Called before every step: waits while the run is paused, then says how to go on.

        `new_host`: also waits while a question is undecided, since its answer may be that no further host is touched.
        `may_pause` False: a pause does not hold here, because the host must not be left as it is now.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._directive is not Directive.GO
                    or not ((self._paused and may_pause) or (new_host and self._asking))
                )
            )
            return self._directive

    def ask(
        self,
        kind: str,
        text: tuple[str, ...],
        choices: tuple[str, ...],
        *,
        host: str | None = None,
        step: str | None = None,
        undoing: bool = False,
        settle: Callable[[str], None] | None = None,
        secret: SecretWanted | None = None,
    ) -> str:
        """Ask, wait for the answer, record both. Blocks; other tracks' questions wait for their turn.

        `abort` and `roll_back` answer every open question with `roll_back` (or its last choice), except for those that come
        up while undoing. `settle` is called with the choice before any new host may begin. `secret`: what the answer
        `retry` needs first. Raises Leaving when the runner goes away first.
        """
        question = Question(
            id=secrets.token_hex(4), kind=kind, host=host, step=step, text=text, choices=choices, secret=secret
        )
        with self._changed:
            self._asking += 1
        try:
            choice = self._ask(question, undoing=undoing)
            if settle is not None:
                settle(choice)
            return choice
        finally:
            with self._changed:
                self._asking -= 1
                self._changed.notify_all()

    def _ask(self, question: Question, *, undoing: bool) -> str:
        with self._turn:
            if self.directive is Directive.LEAVE:
                raise Leaving
            question = self._dated(question)
            self._journal.ask(self._run, question)
            with self._changed:
                self._open, self._choice = question, None
            try:
                choice, by = self._await(question, undoing=undoing)
            finally:
                with self._changed:
                    self._open = None
                    self._closed.add(question.id)
            self._journal.answered(self._run, question, choice, by=by)
            return choice

    def _dated(self, question: Question) -> Question:
        """With the time from which it waits: another question may have kept it waiting before."""
        asked = datetime.now(UTC)
        expires = asked + timedelta(seconds=self._attendance.seconds)
        return question.model_copy(update={"asked": asked, "expires": expires})

    def answer(self, question: str, choice: str) -> None:
        """The operator's answer; the first one counts. Raises ControlRefused."""
        with self._changed:
            if self._open is None or self._open.id != question or self._choice is not None:
                told = question in self._closed or (self._open is not None and self._open.id == question)
                raise ControlRefused(
                    "the question has been answered already" if told else "there is no such question open",
                    meaning="somebody else, or the time limit, was faster" if told else None,
                    remedy="look at the run again",
                )
            if choice not in self._open.choices:
                raise ControlRefused(
                    f"{choice!r} is not one of the answers", remedy=f"answer {' or '.join(self._open.choices)}"
                )
            self._choice = choice
            self._changed.notify_all()

    def word(self, word: str) -> None:
        """The operator's word; it takes effect at the next step boundary where the host can be left. Raises ControlRefused."""
        if word not in WORDS:
            raise ControlRefused(f"{word!r} is not a word that a run knows", remedy=f"say one of {', '.join(WORDS)}")
        with self._changed:
            stopping = self._directive is not Directive.GO
            if stopping and not (self._directive is Directive.ABORT and word == Directive.ROLL_BACK):
                raise ControlRefused(
                    f"the run is stopping already ({self._directive.value})", remedy="wait for its end"
                )
        self._journal.control(self._run, word)
        with self._changed:
            if word in ("pause", "continue"):
                self._paused = word == "pause"
            else:
                self._directive, self._paused = Directive(word), False
            self._changed.notify_all()

    def leave(self) -> None:
        """The runner has to go: every track stops at its next step boundary and can be resumed."""
        with self._changed:
            self._directive = Directive.LEAVE
            self._changed.notify_all()

    def _await(self, question: Question, *, undoing: bool) -> tuple[str, str]:
        last = question.choices[-1]
        if self._attendance.unattended:
            wanted = self._attendance.answers.get(question.kind)
            return (wanted if wanted in question.choices else last), "unattended"
        until = time.monotonic() + self._attendance.seconds
        with self._changed:
            while self._choice is None:
                if self._directive is Directive.LEAVE:
                    raise Leaving
                if self._directive is not Directive.GO and not undoing:
                    return ("roll_back" if "roll_back" in question.choices else last), self._directive.value
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    return last, "nobody"
            return self._choice, "operator"
