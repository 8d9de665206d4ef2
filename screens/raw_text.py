"""A text as it came from a host, to read, and to write to a file."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.base import WizardScreen
from screens.dialog import Dialog
from tui.widgets.field import Field
from tui.widgets.remark import Remark


class Written(Message, bubble=False):
    """Writing has ended; `problem` says why it failed."""

    def __init__(self, path: Path, problem: str | None) -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class RawTextDialog(Dialog[None]):
    """Shows a text, newest lines in sight when it is a log. `w` asks for a path and writes it there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "ask_path", "Write to file"),
        Binding("enter", "write", "Write"),
    ]
    wide = True
    explain = (
        "The text as it came, secrets masked. Copying from a terminal is unreliable, so it can be written to a file."
    )

    def __init__(self, heading: str, text: str, *, from_end: bool = False, suggested: str = "") -> None:
        super().__init__()
        self.heading = heading
        self._text = text
        self._from_end = from_end
        self._suggested = suggested

    def compose_body(self) -> Iterable[Widget]:
        """The text, and a field for the path that shows when it is asked for."""
        yield VerticalScroll(Static(self._text or "It is empty.", markup=False), classes="text scrolls")
        field = Field("Write to", Input(self._suggested, id="path", compact=True), explain="A path on this jump box.")
        field.display = False
        yield field
        yield Remark(id="problem")

    def on_mount(self) -> None:
        """A log is read from its end."""
        if self._from_end:
            self.call_after_refresh(self.query_one(".scrolls", VerticalScroll).scroll_end, animate=False)

    def action_ask_path(self) -> None:
        """Ask where to write it."""
        field = self.query_one(Field)
        field.display = True
        field.query_one(Input).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is something to write once a path is asked for."""
        return action != "write" or any(field.display for field in self.query(Field))

    @on(Input.Submitted)
    def action_write(self) -> None:
        """Write it."""
        path = Path(self.query_one("#path", Input).value).expanduser()
        self.run_worker(partial(self._write, path), thread=True, exclusive=True, exit_on_error=False, group="write")

    def _write(self, path: Path) -> None:
        from tui.private_files import write_private

        try:
            write_private(path, self._text.encode(), replace=False)
        except FileExistsError:
            self.post_message(Written(path, "there is a file of that name already"))
        except OSError as error:
            self.post_message(Written(path, error.strerror or "it failed"))
        else:
            self.post_message(Written(path, None))

    def on_written(self, message: Written) -> None:
        """Say what came of it."""
        if message.problem:
            self.query_one("#problem", Remark).say(f"Not written to {message.path}: {message.problem}.")
            return
        self.query_one("#problem", Remark).say(f"Written to {message.path}, readable by you only.")
        self.query_one(Field).display = False
        self.query_one(".scrolls").focus()


def show_log(screen: WizardScreen, host: str) -> None:
    """Fetch the end of a host's connector log and show it."""
    screen.busy(f"Fetching the log of {host}")

    def fetched(text: str) -> None:
        screen.settle()
        screen.wizard.push_screen(
            RawTextDialog(f"Log of {host}", text, from_end=True, suggested=f"~/{host}-connector.log")
        )

    screen.ask("log", lambda: screen.operations.host_log(host), fetched)
