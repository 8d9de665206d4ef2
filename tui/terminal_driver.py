"""The terminal's keys for the full-screen program, whatever bytes it sends, and for as long as it is there."""

from __future__ import annotations

import errno
import os
import selectors
from codecs import getincrementaldecoder

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

_POLL_SECONDS = 0.1
_CHUNK = 4096
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class TerminalDriver(LinuxDriver):
    """Textual's own, but for reading: a key that is not UTF-8 is left out and told, and a lost terminal ends the app."""

    def _run_input_thread(self) -> None:
        try:
            self.run_input_thread()
        except OSError:
            self._app.call_later(self._app.exit)
        except Exception as error:
            self._app.call_later(self._app._handle_exception, error)

    def run_input_thread(self) -> None:
        """Turn what the terminal sends into events until the app ends. Raises OSError when the terminal is gone."""
        parser = XTermParser(self._debug)
        decoder = getincrementaldecoder("utf-8")("replace")
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_POLL_SECONDS):
                    text = self._readable(decoder.decode(self._read()))
                    for event in parser.feed(text) if text else ():
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _read(self) -> bytes:
        try:
            data = os.read(self.fileno, _CHUNK)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data

    def _readable(self, text: str) -> str:
        if _UNREADABLE in text:
            self._app.call_later(_tell_unreadable, self._app)
        return text.replace(_UNREADABLE, "")


def _tell_unreadable(app: App[object]) -> None:
    app.notify(
        "It is not in UTF-8, so it was left out. Set the terminal to UTF-8, then type it again.",
        title="What was typed could not be read",
        severity="warning",
        markup=False,
    )
