"""A run lacks a secret, or its host refused one: type another, and the run tries again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from screens.dialog import Dialog
from screens.failure import OFFERED, Countdown, choices, told
from screens.questions import secret_words
from tui.runbook.model import Question, SecretWanted
from tui.widgets.field import Field
from tui.widgets.rows import Column, RowData, Rows


@dataclass(frozen=True, slots=True)
class Decision:
    """The chosen word and, with `retry`, what was typed. It shows nothing of that."""

    word: str
    value: str | None = None

    def __repr__(self) -> str:
        return f"Decision({self.word!r})"


class SecretQuestionDialog(Dialog[Decision]):
    """A masked field, and below it what else can be answered. Esc puts the decision off."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Use it and retry"),
        Binding("tab", "app.focus_next", "Other answers"),
        Binding("escape", "close", "Later"),
    ]
    wide = True

    def __init__(self, question: Question, wanted: SecretWanted, hint: str | None, *, remark: str = "") -> None:
        super().__init__()
        self.question = question
        self._label, use = secret_words(wanted.kind)
        self.heading = f"{self._label} for {wanted.host}"
        self.explain = f"{use} It goes to the run in memory only: not to disk, to a log or to a command line."
        self._hint = hint or ""
        self._remark = remark
        self._others = [each for each in choices(question.choices) if each.word != "retry"] + [OFFERED]
        for each in self._others:
            self._bindings.bind(each.letter, f"choose('{each.word}')", each.name, show=False)

    def compose_body(self) -> Iterable[Widget]:
        """What the host said, the field, the other answers."""
        yield VerticalScroll(*told(self.question, remark=self._remark), classes="text", can_focus=False)
        typed = Input(self._hint, password=True, id="secret", compact=True, select_on_focus=False)
        yield Field(self._label, typed, explain=self.explain)
        yield Countdown(self.question)
        yield Rows(
            Column("", 1, style="$go"),
            Column("", max(len(each.name) for each in self._others)),
            Column("", 0, style="$quiet"),
            explain=self.explain,
            acts=True,
            titles=False,
        )

    def on_mount(self) -> None:
        """Offer the other answers."""
        self.query_one(Rows).show([RowData(each.word, (each.letter, each.name, each.does)) for each in self._others])

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand the secret on."""
        value = self.query_one("#secret", Input).value
        if value:
            self.dismiss(Decision("retry", value))

    def action_choose(self, word: str) -> None:
        """Answer something else with a letter."""
        self.dismiss(Decision(word))

    @on(Rows.Acted)
    def _acted(self, event: Rows.Acted) -> None:
        self.dismiss(Decision(event.key))
