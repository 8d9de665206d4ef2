"""Tenant: is the connection online, seen from the other side."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.base import WizardScreen
from screens.decisions import Decisions, open_decision
from screens.failure import choices, until_then, waits
from tui.app import UNDER_WAY
from tui.errors import OperatorError
from tui.runbook.model import Question, RunView, StepView
from tui.widgets import words
from tui.widgets.facts import Facts
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

_EVERY_S = 0.5
_LETTERS = [(each.word, each.letter, each.name) for each in choices(("green", "not_green", "not_checked"))]


class TenantScreen(WizardScreen):
    """Asks the Management API, or the operator where there is no access to it."""

    STAGE = Stage.TENANT
    heading = "Does the tenant call the connection online?"
    why = "This is what logins depend on, seen from the other side."
    explain = (
        "With a [tenant] in the cluster file the Management API is asked. Without it, look at the connection in the Auth0 "
        "dashboard: Authentication, Enterprise, Active Directory / LDAP. Your answer goes into the report."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("r", "look", "Ask again"),
        Binding("t", "secret", "Client secret"),
        *(Binding(letter, f"answer('{word}')", name, show=False) for word, letter, name in _LETTERS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._online: bool | None = None
        self._answered = ""
        self._decisions = Decisions(self)

    def compose_content(self) -> Iterable[Widget]:
        """What is known, and the question of the run when it is open."""
        yield Facts(id="facts")
        yield Static("", id="question", classes="block", markup=False)
        answers = Rows(
            Column("", 1, style="$go"),
            Column("", 18, style="$ink"),
            Column("", style="$quiet"),
            explain="Your answer is recorded in the report.",
            acts=True,
            titles=False,
            id="answers",
        )
        answers.display = False
        yield answers

    def on_mount(self) -> None:
        """Show what the run knows, and ask the API where there is access."""
        self._show()
        if self._has_api:
            self.action_look()
        self._poll()

    @property
    def _has_api(self) -> bool:
        return self.state.cluster is not None and self.state.cluster.tenant is not None

    def action_look(self) -> None:
        """Ask the Management API."""
        self.busy("Asking the tenant")
        self.ask("online", self.operations.tenant_online, self._api_told)

    def _api_told(self, online: bool | None) -> None:
        self._online = online
        self._show()

    def _poll(self) -> None:
        run = self.state.run
        if run is not None and self.is_attached:
            self.ask("view", partial(self.operations.run_view, run), self._seen, lambda _error: None)

    def _seen(self, view: RunView) -> None:
        self.state.view = view
        self._show()
        self._decisions.follow(view)
        if view.state in UNDER_WAY:
            self.set_timer(_EVERY_S, self._poll)

    def _show(self) -> None:
        view = self.state.view
        question = view.question if view and view.question and view.question.kind == "tenant" else None
        if question is not None and question.id == self._answered:
            question = None
        self.query_one("#facts", Facts).show(self._facts(view))
        self.query_one("#question", Static).update(self._asked(question) if question else "")
        self.query_one("#question").display = question is not None
        answers = self.query_one("#answers", Rows)
        answers.show(
            [RowData(each.word, (each.letter, each.name, each.does)) for each in choices(question.choices)]
            if question
            else []
        )
        answers.display = question is not None
        if question is not None:
            if self.focused is None:
                answers.focus()
            self.tell("Look at the dashboard, choose what you saw, and press enter.", "now")
            self.offer("")
        else:
            if self.focused is answers:
                self.set_focus(None)
            self._judge(view)

    def _asked(self, question: Question) -> Content:
        left = until_then(question, self.wizard.now())
        return Content("\n").join([*map(Content, question.text), Content(), Content.styled(left, "$care")])

    def _judge(self, view: RunView | None) -> None:
        decision = open_decision(view)
        self.offer("Decide" if decision else "See the summary")
        if decision is not None:
            self.tell(waits(decision, self.wizard.now()), "care")
        elif view is not None and view.state in UNDER_WAY:
            self.tell("Recorded. The run is closing." if self._answered else "The run is closing.", busy=True)
        elif self._online is True:
            self.tell("The tenant says that the connection is online.", "good")
        elif self._online is False:
            self.tell("The tenant says that the connection is offline. Look at the services again with esc.", "bad")
        else:
            self.tell("What is known stands above and goes into the report.", "none")

    def _facts(self, view: RunView | None) -> list[tuple[str, str | Content]]:
        facts: list[tuple[str, str | Content]] = []
        cluster = self.state.cluster
        if cluster is not None and cluster.tenant is not None:
            facts.append(("Tenant", cluster.tenant.domain))
            known = {True: ("good", "online"), False: ("bad", "offline"), None: ("none", "could not tell")}
            facts.append(("Connection", words.marked(*known[self._online])))
        else:
            facts.append(
                (
                    "Tenant",
                    Content.styled("the cluster file has no access to it, so you look", "$quiet"),
                )
            )
        step = _tenant_step(view)
        if step is not None and step.ended is not None:
            facts.append(("In this run", step.detail or words.STEP_WORDS[step.state][1]))
        return facts

    def proceed(self) -> None:
        """Decide what the run asks, or go on."""
        decision = open_decision(self.state.view)
        if decision is not None:
            self._decisions.ask(decision)
        else:
            self.finish_stage()

    @on(Rows.Acted, "#answers")
    def _acted(self, event: Rows.Acted) -> None:
        self.action_answer(event.key)

    def action_answer(self, word: str) -> None:
        """Answer the run's question."""
        view, run = self.state.view, self.state.run
        if view is None or view.question is None or run is None:
            return
        question = view.question.id

        def recorded(_none: None) -> None:
            self._answered = question
            self._show()

        self.busy("Recording your answer")
        self.ask("answer", partial(self.operations.answer, run, question, word), recorded)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Asking the API needs access to it; an answer needs an open question."""
        if action == "answer":
            return bool(self.query("#answers")) and self.query_one("#answers").display
        if action in ("look", "secret"):
            return self._has_api
        return super().check_action(action, parameters)

    def action_secret(self) -> None:
        """Type the client secret."""
        from screens.questions import ClientSecretDialog

        cluster = self.state.cluster
        if cluster is None or cluster.tenant is None:
            return

        def typed(value: str | None) -> None:
            if value is not None:
                self.ask(
                    "secret",
                    lambda: self.operations.supply_client_secret(value),
                    lambda _none: self.action_look(),
                    self._no,
                )

        hint = self.wizard.demo.client_secret if self.wizard.demo else None
        self.wizard.put(ClientSecretDialog(cluster.tenant.domain, hint), typed)

    def _no(self, error: OperatorError) -> None:
        self.tell(error.summary, "bad")


def _tenant_step(view: RunView | None) -> StepView | None:
    steps = view.steps if view else ()
    return next((step for step in steps if step.planned.name.startswith("tenant")), None)
