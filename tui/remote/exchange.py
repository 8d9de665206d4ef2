"""One command over one SSH channel: the password only after sudo asked, the payload only after the script is ready."""

from __future__ import annotations

import select
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.remote.shell import Markers

if TYPE_CHECKING:
    import paramiko

_CHUNK = 1 << 16
_INLINE_PAYLOAD = 1 << 14


class OutOfTime(Exception):
    """The command did not end in time."""


class ChannelBroke(Exception):
    """The channel ended before the command did."""


class SecondPrompt(Exception):
    """sudo asked again: the password was wrong."""


@dataclass(slots=True)
class Exchange:
    """What has gone over the channel of one command so far.

    `waits` counts the answers waited for. `begun` says that the script started, so that what follows is its own doing.
    """

    channel: paramiko.Channel
    markers: Markers
    payload: bytes
    password: bytes | None
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    begun: bool = False
    password_sent: bool = False
    waits: int = 0
    exit_status: int | None = None
    begin_by: float | None = None
    """Until when (monotonic) the script must have begun, where it has to get past sudo first."""
    _out_seen: int = 0
    _out_ended: bool = False

    def perform(self, timeout: float) -> None:
        """Talk until the end markers have arrived or the channel is closed.

        Raises OutOfTime, ChannelBroke or SecondPrompt; what was received until then stays readable.
        """
        deadline = time.monotonic() + timeout
        self.waits += 1
        if not self.payload and self.password is None:
            self.channel.shutdown_write()
        poll = select.poll()
        poll.register(self.channel.fileno(), select.POLLIN)
        while True:
            closed = self.channel.closed or self.channel.eof_received
            progressed = self._receive()
            if progressed:
                self._react()
                if self._complete():
                    return
                continue
            if closed:
                self._finish(deadline)
                return
            limit = deadline if self.begun or self.begin_by is None else min(deadline, self.begin_by)
            left = limit - time.monotonic()
            if left <= 0:
                raise OutOfTime
            poll.poll(min(left, 5.0) * 1000)

    def _receive(self) -> bool:
        progressed = False
        while self.channel.recv_ready():
            self.out += self.channel.recv(_CHUNK)
            progressed = True
        while self.channel.recv_stderr_ready():
            self.err += self.channel.recv_stderr(_CHUNK)
            progressed = True
        return progressed

    def _react(self) -> None:
        if self.begun:
            return
        if self.markers.begin in self.out:
            self.begun = True
            if self.payload:
                self.waits += 1
                self._send_payload()
            elif self.password is not None:
                self.channel.shutdown_write()
            return
        prompts = self.err.count(self.markers.prompt)
        if prompts > 1:
            raise SecondPrompt
        if prompts == 1 and not self.password_sent and self.password is not None:
            self.password_sent = True
            self.waits += 1
            self.channel.sendall(self.password + b"\n")

    def _send_payload(self) -> None:
        if len(self.payload) <= _INLINE_PAYLOAD:
            self._pump()
        else:
            # In a thread: a command that answers while it still reads would otherwise fill both directions and stop.
            threading.Thread(target=self._pump, name="ssh-stdin", daemon=True).start()

    def _pump(self) -> None:
        try:
            self.channel.sendall(self.payload)
            self.channel.shutdown_write()
        except (OSError, EOFError):
            # The command ended without reading everything; its own status says whether that was right.
            return

    def _complete(self) -> bool:
        if not self._out_ended:
            start = max(0, self._out_seen - len(self.markers.end))
            found = self.out.find(self.markers.end, start)
            self._out_seen = len(self.out)
            if found < 0 or b"\n" not in self.out[found:]:
                if found >= 0:
                    self._out_seen = found
                return False
            self._out_ended = True
        return self.markers.end in self.err

    def _finish(self, deadline: float) -> None:
        self._receive()
        self._react_at_end()
        if self._complete():
            return
        if self.channel.status_event.wait(max(0.0, min(2.0, deadline - time.monotonic()))):
            self.exit_status = self.channel.exit_status
        if self.exit_status is None or self.exit_status < 0:
            raise ChannelBroke

    def _react_at_end(self) -> None:
        if self.markers.begin in self.out:
            self.begun = True
