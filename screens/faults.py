"""The demo's faults: what can go wrong, to be switched on and looked at."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.dialog import Dialog
from tui.app import DemoControls
from tui.errors import OperatorError
from tui.widgets import words
from tui.widgets.pick import Pick
from tui.widgets.remark import Remark
from tui.widgets.rows import Column, RowData, Rows


class Switched(Message, bubble=False):
    """A fault has been switched, or not."""

    def __init__(self, fault: str, host: str | None, on: bool, problem: str | None) -> None:
        super().__init__()
        self.fault = fault
        self.host = host
        self.on = on
        self.problem = problem


class FaultsDialog(Dialog[None]):
    """A fault a row; space or enter switches it for the host that is named above."""

    heading = "What should go wrong?"
    explain = "Faults exist in the demo only. Switch one on, go on with the wizard, and see what it says."
    wide = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "act", "On or off", show=False),
        Binding("h", "host", "Another host"),
    ]

    def __init__(self, demo: DemoControls, hosts: tuple[str, ...], active: set[tuple[str, str | None]]) -> None:
        super().__init__()
        self._demo = demo
        self._hosts = hosts
        self._active = active

    def compose_body(self) -> Iterable[Widget]:
        """The host, then the faults."""
        options = [("", "everywhere"), *((host, f"on {host}") for host in self._hosts)]
        yield Pick(options, "", explain="Where the fault is switched.", id="where")
        yield Rows(
            Column("Fault", 20, style="$ink"),
            Column("State", 8),
            Column("What it does", style="$quiet"),
            explain=self.explain,
            acts=True,
            act_name="On or off",
            id="faults",
        )
        yield Static("", id="means", classes="quiet", markup=False)
        yield Remark(id="problem")

    def on_mount(self) -> None:
        """Show the faults."""
        self._show()
        self.query_one("#faults").focus()

    @property
    def _where(self) -> str | None:
        return self.query_one(Pick).value or None

    def _show(self) -> None:
        rows = []
        for name, sentence in self._demo.faults():
            on = (name, self._where) in self._active
            state = words.marked("care", "on") if on else words.marked("todo", "off")
            rows.append(RowData(name, (words.plain(name), state, sentence)))
        self.query_one("#faults", Rows).show(rows)

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        self.query_one("#means", Static).update(dict(self._demo.faults()).get(event.key, ""))

    def action_host(self) -> None:
        """Switch on another host."""
        self.query_one(Pick).action_turn(1)
        self._show()

    def action_act(self) -> None:
        """Switch the chosen fault."""
        self.query_one("#faults", Rows).action_act()

    @on(Rows.Acted)
    def _acted(self, event: Rows.Acted) -> None:
        on = (event.key, self._where) not in self._active
        work = partial(self._switch, event.key, self._where, on)
        self.run_worker(work, thread=True, exit_on_error=False, group="fault")

    def _switch(self, fault: str, host: str | None, on: bool) -> None:
        try:
            self._demo.set(fault, host, on)
        except OperatorError as error:
            self.post_message(Switched(fault, host, on, error.summary))
        else:
            self.post_message(Switched(fault, host, on, None))

    def on_switched(self, message: Switched) -> None:
        """Show what came of it."""
        self.query_one("#problem", Remark).say(message.problem or "")
        if message.problem is None:
            (self._active.add if message.on else self._active.discard)((message.fault, message.host))
        self._show()
