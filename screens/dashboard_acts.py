"""What can be done from the dashboard: the choice, the plan, the operator's word, and the start."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.confirmation import by_host
from screens.dialog import Choice, ChoiceDialog, Dialog
from tui.errors import OperatorError
from tui.findings import blockers
from tui.health.cluster import serving_besides
from tui.health.monitor import InstanceView
from tui.runbook.model import Plan, PlannedStep
from tui.runbook.order import Act
from tui.widgets import words
from tui.widgets.field import Field
from tui.widgets.remark import Remark
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen

TEST, TEST_ALL, CONSOLE = "test", "test_all", "console"


@dataclass(frozen=True, slots=True)
class Intent:
    """An act on some hosts, before anybody has confirmed it. `hosts` empty: all.

    `typed`: what must be typed before it begins, because nobody can log in meanwhile; empty where logins go on.
    """

    act: Act
    heading: str
    told: str
    hosts: tuple[str, ...] = ()
    typed: str = ""


def choose_act(screen: DashboardScreen) -> None:
    """Offer what can be done with the chosen instance and with the cluster."""
    chosen = screen.chosen
    if chosen is None:
        return

    def decided(word: str | None) -> None:
        if word == TEST:
            screen.troubleshoot([chosen.name])
        elif word == TEST_ALL:
            screen.troubleshoot([view.name for view in screen.views])
        elif word == CONSOLE:
            _open_console(screen, chosen.name)
        elif word is not None:
            _confirm(screen, intents(screen.state.name, screen.views, chosen.name)[word])

    lines = ("Every act shows what it will do before it does it.",)
    heading = f"What shall be done with {chosen.name}, or with all?"
    screen.wizard.put(ChoiceDialog(heading, lines, _choices(len(screen.views))), decided)


def _choices(count: int) -> list[Choice]:
    found = [
        Choice(TEST, "t", "Test it", "run its troubleshooter; changes nothing"),
        Choice(TEST_ALL, "a", "Test all", "run every troubleshooter side by side"),
        Choice("restart", "r", "Restart it", "and see that it comes back and stays connected"),
    ]
    if count > 1:
        found += [
            Choice("rolling", "o", "Rolling restart", "one at a time, stops at the first failure"),
            Choice("drill", "d", "Failover drill", "prove that the cluster survives the loss of any one"),
        ]
    return [*found, Choice(CONSOLE, "c", "Admin console", "open a tunnel to it and say where it ends")]


def intents(cluster: str, views: Sequence[InstanceView], host: str) -> dict[str, Intent]:
    """What each act on the chosen host or on the cluster means now."""
    statuses = [view.status for view in views if view.status is not None and view.failure is None]
    left = serving_besides(statuses, [host])
    serves = any(status.name == host and status.hub == "connected" for status in statuses)
    alone = serves and not left
    told = (
        f"Nobody can log in while {host} restarts: no other instance is connected."
        if alone
        else f"Logins go on: {words.listed(left)} {'serves' if len(left) == 1 else 'serve'} meanwhile."
        if left
        else f"{host} serves nobody now, so nothing is lost by restarting it."
    )
    one_by_one = "One instance at a time; the next only after the last is verified. Logins go on on the others."
    drill = "Each instance leaves service in turn, while the others must stay accepted and the connection online."
    return {
        "restart": Intent("restart", f"Restart {host}?", told, (host,), host if alone else ""),
        "rolling": Intent("restart", f"Restart every instance of {cluster}?", one_by_one),
        "drill": Intent("drill", f"Drill the loss of each instance of {cluster}?", drill),
    }


def _confirm(screen: DashboardScreen, intent: Intent) -> None:
    def decided(yes: bool | None) -> None:
        if yes:
            _start(screen, intent)

    work = partial(screen.operations.acts.preview, intent.act, intent.hosts, interrupts=bool(intent.typed))
    dialog = ActDialog(intent)
    screen.wizard.put(dialog, decided)

    def failed(error: OperatorError) -> None:
        dialog.refuse(error)

    screen.ask("preview", work, dialog.show_plan, failed)


def _start(screen: DashboardScreen, intent: Intent) -> None:
    def started(run: str) -> None:
        screen.lock_again()
        screen.state.run, screen.state.view = run, None
        screen.wizard.go(Stage.PROGRESS)

    screen.tell("Starting it in a process of its own", busy=True)
    work: Callable[[], str] = partial(
        screen.operations.acts.start, intent.act, intent.hosts, interrupts=bool(intent.typed)
    )
    screen.ask("start", work, started)


class ActDialog(Dialog[bool]):
    """Every step that the act will take, and the one word that begins it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "begin", "Begin"), Binding("enter", "typed", "Begin")]
    AUTO_FOCUS = ""
    wide = True
    explain = (
        "What the act will do, host by host, in this order. Nothing is done before you say so. It runs in a process of its own, "
        "which goes on when this terminal is gone, and can be resumed."
    )

    def __init__(self, intent: Intent) -> None:
        super().__init__()
        self.heading = intent.heading
        self._intent = intent
        self._plan: Plan | None = None
        self._refused = ""

    def compose_body(self) -> Iterable[Widget]:
        """What it means for logins, the steps, and the field where one must be typed in."""
        yield Static(self._intent.told, id="told", classes="care" if self._intent.typed else "quiet", markup=False)
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Step", 44, style="$ink"),
            Column("Changes", style="$quiet"),
            explain=self.explain,
            id="act-steps",
        )
        if self._intent.typed:
            yield Field(
                "Type its name",
                Input(placeholder=self._intent.typed, id="typed", compact=True),
                explain="Typing the name says that you know who cannot log in meanwhile.",
            )
        yield Remark(id="problem")

    def on_mount(self) -> None:
        """The plan may be there already."""
        self._show()

    def show_plan(self, plan: Plan) -> None:
        """Show the steps, and let it begin when nothing stands against it."""
        self._plan = plan
        stopping = blockers(plan.findings)
        self._refused = f"It cannot be done: {stopping[0].summary}" if stopping else ""
        self._show()

    def refuse(self, error: OperatorError) -> None:
        """Say why there is no plan."""
        self._refused = ". ".join(part for part in (error.summary, error.remedy) if part)
        self._show()

    @property
    def _ready(self) -> bool:
        return self._plan is not None and not self._refused

    def _show(self) -> None:
        if not self.is_attached:
            return
        steps = by_host(self._plan.steps) if self._plan is not None else {}
        rows = self.query_one("#act-steps", Rows)
        rows.display = bool(steps)
        rows.show([_step_row(host, step) for host, each in steps.items() for step in each])
        if self._plan is None and not self._refused:
            self.query_one(Remark).say("Looking at what it would do; nothing is changed.")
        else:
            self.query_one(Remark).say(self._refused)
        field = next(iter(self.query(Input)), None)
        if field is not None:
            field.focus()
        elif steps:
            rows.focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """It begins with y, or with enter once the name is typed."""
        if action == "begin":
            return self._ready and not self._intent.typed
        if action == "typed":
            return self._ready and bool(self._intent.typed) and self._right()
        return True

    def _right(self) -> bool:
        return any(field.value == self._intent.typed for field in self.query(Input))

    @on(Input.Changed)
    def _changed(self) -> None:
        self.refresh_bindings()

    @on(Input.Submitted)
    def action_typed(self) -> None:
        """The name was typed."""
        if self._ready and self._right():
            self.dismiss(True)
        elif self._ready:
            self.query_one(Remark).say(f"That is not the name. It is {self._intent.typed}.")

    def action_begin(self) -> None:
        """Begin."""
        self.dismiss(True)


def _step_row(host: str, step: PlannedStep) -> RowData:
    changes = ", ".join(f"{change.action} {change.subject}" for change in step.changes)
    return RowData(step.id, (host, step.title, changes or words.NOTHING))


def _open_console(screen: DashboardScreen, host: str) -> None:
    from screens.raw_text import RawTextDialog

    watched = screen.watched
    if watched is None:
        return

    def opened(address: str) -> None:
        port = address.rstrip("/").rpartition(":")[2]
        text = (
            f"{address}\n\nIt answers on this jump box, to your own account only, until the dashboard is closed.\n\n"
            f"From your own machine:\n  ssh -L 8357:127.0.0.1:{port} {socket.gethostname()}\n"
            "then open http://127.0.0.1:8357/ in its browser."
        )
        screen.show_known()
        screen.wizard.push_screen(RawTextDialog(f"Admin console of {host}", text, suggested=f"~/{host}-console.txt"))

    screen.tell(f"Opening a tunnel to the admin console of {host}", busy=True)
    screen.ask("console", partial(watched.open_console, host), opened)
