"""A connector's log on the whole screen, as it comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.app import SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from screens.dialog import Dialog
from tui.connector.explain import explained_lines
from tui.errors import OperatorError
from tui.runbook.watched import Watched
from tui.widgets.lines_view import LinesView, log_lines
from tui.widgets.remark import Remark

_EVERY_S = 1.0


class Read(Message, bubble=False):
    """The log as it is now."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class LogDialog(Dialog[None]):
    """Follows the log while its end is in sight. What a known line means follows it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "pager", "In $PAGER"),
        Binding("w", "write", "Write to file"),
        Binding("end", "follow", "Follow"),
    ]
    AUTO_FOCUS = "LinesView"
    explain = (
        "The end of the connector's log, secrets masked. It follows new lines while its end is in sight; scroll back to hold it "
        "still. v opens it in the pager that PAGER names, less or more otherwise; w writes it to a file that only you can read."
    )

    def __init__(self, host: str, watched: Watched) -> None:
        super().__init__(classes="full")
        self.heading = f"Log of {host}"
        self._host = host
        self._watched = watched
        self._text = ""

    def compose_body(self) -> Iterable[Widget]:
        """The log."""
        yield LinesView(explain=self.explain, follows=True, id="log-lines")
        yield Remark(id="problem")

    def on_mount(self) -> None:
        """Follow it."""
        self._read()
        self.set_interval(_EVERY_S, self._read)

    @work(thread=True, exclusive=True, exit_on_error=False, group="log")
    def _read(self) -> None:
        text = self._watched.log(self._host)
        if text != self._text or not text:
            self.post_message(Read(text))

    def on_read(self, message: Read) -> None:
        """Show what has come."""
        self._text = message.text
        self.query_one(LinesView).show(self._host, log_lines(explained_lines(message.text)))

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.query_one(LinesView).scroll_end(animate=False)

    def action_pager(self) -> None:
        """Leave the screen to the pager until it ends."""
        from tui.pager import pager_command, show_in_pager

        remark = self.query_one(Remark)
        remark.say("")
        try:
            command = pager_command()
            with self.app.suspend():
                show_in_pager(command, self._text)
        except SuspendNotSupported:
            remark.say("This terminal cannot be handed to a pager. Press w to write the log to a file.")
        except OperatorError as error:
            remark.say(
                f"{error.summary[:1].upper()}{error.summary[1:]}. Set PAGER, or press w to write the log to a file."
            )
        self.app.refresh(layout=True)

    def action_write(self) -> None:
        """Show it as it is now, with a field for the file's name."""
        from screens.raw_text import RawTextDialog

        suggested = f"~/{self._host}-connector.log"
        dialog = RawTextDialog(self.heading, self._text, from_end=True, suggested=suggested)
        self.app.push_screen(dialog)
        dialog.call_after_refresh(dialog.action_ask_path)
