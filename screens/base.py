"""What every wizard screen shares: one grid, one way to ask the core, one way back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.state import WizardState
from tui.errors import OperatorError
from tui.remote.errors import HostQuestion, SecretNeeded
from tui.runbook.operations import Operations
from tui.widgets.key_bar import KeyBar
from tui.widgets.next_bar import NextBar, Primary
from tui.widgets.rail import Rail, TopBar
from tui.widgets.stage import Stage

if TYPE_CHECKING:
    from tui.app import AdldapHaApp

T = TypeVar("T")
Failed = Callable[[OperatorError], None]
_LOG = logging.getLogger("adldap_ha.screens")


class Answered(Message, bubble=False):
    """A task has ended: with a result, or with an error."""

    def __init__(self, name: str, turn: int, result: object, error: OperatorError | None) -> None:
        super().__init__()
        self.name = name
        self.turn = turn
        self.result = result
        self.error = error


class _Task:
    """A question to the core that is under way. `turn` tells its answer from that of an earlier one with the same name."""

    def __init__(self, turn: int, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed | None) -> None:
        self.turn = turn
        self.work = work
        self.done = done
        self.failed = failed


class WizardScreen(Screen[None]):
    """A stage of the wizard. Subclasses fill in the texts, the content, and what the primary action does."""

    STAGE: ClassVar[Stage]
    heading: ClassVar[str]
    why: ClassVar[str]
    explain: ClassVar[str]
    """What the whole screen is for, shown by `?` when what has the focus explains nothing itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("escape", "back", "Back"),
    ]
    AUTO_FOCUS = "Rows, Input"

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict[str, _Task] = {}
        self._turn = 0
        self._told = ("", "none", False)

    @property
    def wizard(self) -> AdldapHaApp:
        """The app, typed."""
        from tui.app import AdldapHaApp

        assert isinstance(self.app, AdldapHaApp)
        return self.app

    @property
    def operations(self) -> Operations:
        """The core."""
        return self.wizard.operations

    @property
    def state(self) -> WizardState:
        """What the wizard has learned so far."""
        return self.wizard.state

    def compose(self) -> ComposeResult:
        """The grid: top bar, rail, page, next bar, keys."""
        state = self.state
        yield TopBar(self.STAGE, state.done, state.name, demo=self.wizard.demo is not None)
        with Horizontal(id="middle"):
            yield Rail(self.STAGE, state.done, id="rail")
            with Vertical(id="page"):
                yield Static(self.heading, id="heading", markup=False)
                yield Static(self.why, id="why", markup=False)
                with VerticalScroll(id="content", can_focus=False):
                    yield from self.compose_content()
                yield from self.compose_notice()
                yield NextBar()
        yield KeyBar()

    def compose_content(self) -> Iterable[Widget]:
        """What is between the reason and the next bar."""
        return ()

    def compose_notice(self) -> Iterable[Widget]:
        """What stands above the next bar, outside of what scrolls."""
        return ()

    def tell(self, text: str, tone: str = "none", *, busy: bool = False) -> None:
        """Say in the next bar how things stand and what to do."""
        self._told = (text, tone, busy)
        self.settle()

    def busy(self, text: str) -> None:
        """Say that something short is under way; `settle` says again what was said before."""
        self.query_one(NextBar).show(text, "now", busy=True)

    def settle(self) -> None:
        """Say how things stand, as told last."""
        text, tone, busy = self._told
        self.query_one(NextBar).show(text, tone, busy=busy)

    def offer(self, label: str, *, enabled: bool = True, lit: bool = True) -> None:
        """Name the primary action. It is not `lit` where something else should be looked at first."""
        if self.query_one(NextBar).offer(label, enabled=enabled, lit=lit):
            self.refresh_bindings()

    def ask(self, name: str, work: Callable[[], T], done: Callable[[T], None], failed: Failed | None = None) -> None:
        """Call the core in a thread and come back with the answer.

        Questions (an unknown host key, a missing secret) are put to the operator, then `work` is called again. A second task
        of the same name replaces the first. Without `failed`, an error is shown in the next bar.
        """
        self._turn += 1
        self._tasks[name] = _Task(self._turn, work, done, failed)
        self._perform(name, self._tasks[name])

    def _perform(self, name: str, task: _Task, before: Callable[[], None] | None = None) -> None:
        work = partial(self._work, name, task.turn, task.work, before)
        self.run_worker(work, thread=True, exclusive=True, exit_on_error=False, group=name)

    def _work(self, name: str, turn: int, work: Callable[[], object], before: Callable[[], None] | None) -> None:
        try:
            if before is not None:
                before()
            self.post_message(Answered(name, turn, work(), None))
        except OperatorError as error:
            self.post_message(Answered(name, turn, None, error))
        except Exception as error:
            _LOG.exception("task %s failed", name)
            self.post_message(Answered(name, turn, None, _unexpected(name, error)))

    def on_answered(self, message: Answered) -> None:
        """Hand the answer to whoever asked, or put the question to the operator."""
        task = self._tasks.get(message.name)
        if task is None or task.turn != message.turn:
            return
        if message.error is None:
            task.done(message.result)
        elif isinstance(message.error, HostQuestion):
            self._put(message.name, task, message.error)
        else:
            self._fail(task, message.error)

    def _fail(self, task: _Task, error: OperatorError) -> None:
        if task.failed is not None:
            task.failed(error)
        else:
            self.tell(" ".join(error.lines()), "bad")

    def _put(self, name: str, task: _Task, question: HostQuestion) -> None:
        from screens.questions import put_question

        def answered(supply: Callable[[], None] | None) -> None:
            if supply is None:
                self._fail(task, question)
                return
            self._perform(name, task, before=supply)

        put_question(self.wizard, question, answered, remark=self.remark(question))

    def remark(self, question: HostQuestion) -> str:
        """What to say beside a host's question; empty when there is nothing to say."""
        another = isinstance(question, SecretNeeded) and question.refused is not None
        return "sudo takes another password here." if another else ""

    def key(self, letter: str) -> str:
        """What to press for this screen's most wanted letter: a field that has the focus takes letters as text."""
        return "F2" if isinstance(self.focused, Input) else letter

    def action_primary(self) -> None:
        """Do what the primary button says, when it can be pressed."""
        button = self.query_one(Primary)
        if button.display and not button.disabled:
            self.proceed()

    def on_primary_pressed(self, event: Primary.Pressed) -> None:
        """The button itself was pressed."""
        event.stop()
        self.proceed()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in a field does what enter does elsewhere."""
        event.stop()
        self.action_primary()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The primary action shows on the footer only while it can be taken."""
        if action == "primary":
            found = self.query(Primary)
            return bool(found) and found.first().display and not found.first().disabled
        return True

    def proceed(self) -> None:
        """Lead on. By default to the next stage."""
        self.finish_stage()

    def finish_stage(self) -> None:
        """Mark this stage as done and go to the next."""
        self.state.done.add(self.STAGE)
        following = self.STAGE.following
        if following is not None:
            self.wizard.go(following)

    def action_back(self) -> None:
        """Go back to where one came from."""
        self.wizard.back()


def _unexpected(name: str, error: Exception) -> OperatorError:
    return OperatorError(
        f"the program itself failed ({type(error).__name__})",
        step=name,
        meaning="this is a fault of adldap-ha, not of a host",
        remedy="save a support bundle and report it; the log has the details",
    )
