"""One /bin/sh kept open on a host, for one account: the password only after sudo asked, each command answered in one round trip."""

from __future__ import annotations

import contextlib
import select
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tui.remote.shell import Markers, request, unframed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import paramiko

_CHUNK = 1 << 16
_INLINE = 1 << 14
_POLL_SECONDS = 5.0
_LAST_WORDS_SECONDS = 0.5


class OutOfTime(Exception):
    """What was waited for did not come in time."""


class ShellEnded(Exception):
    """The channel ended before the answer was whole."""


class SecondPrompt(Exception):
    """sudo asked again: the password was wrong."""


@dataclass(slots=True)
class Wire:
    """Both outputs of a channel, as far as they have arrived."""

    channel: paramiko.Channel
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return bool(self.channel.closed or self.channel.eof_received)

    def receive(self, deadline: float) -> None:
        """Wait until something has arrived. Raises OutOfTime at `deadline` (monotonic), ShellEnded."""
        poll = select.poll()
        poll.register(self.channel.fileno(), select.POLLIN)
        while True:
            ended = self.ended
            if self._take():
                return
            if ended:
                raise ShellEnded
            left = deadline - time.monotonic()
            if left <= 0:
                raise OutOfTime
            if not self.channel.exit_status_ready():
                poll.poll(min(left, _POLL_SECONDS) * 1000)
            elif not poll.poll(_LAST_WORDS_SECONDS * 1000):
                # The shell is gone; something that it started keeps its outputs open.
                raise ShellEnded

    def _take(self) -> bool:
        progressed = False
        while self.channel.recv_ready():
            self.out += self.channel.recv(_CHUNK)
            progressed = True
        while self.channel.recv_stderr_ready():
            self.err += self.channel.recv_stderr(_CHUNK)
            progressed = True
        return progressed


@dataclass(slots=True)
class Opening:
    """Getting from the login shell, perhaps past sudo, to a /bin/sh that takes requests."""

    wire: Wire
    markers: Markers
    password: str | None
    password_sent: bool = False

    def perform(self, seconds: float) -> None:
        """Return when the shell is ready. Raises OutOfTime, ShellEnded, and SecondPrompt for a wrong password."""
        deadline = time.monotonic() + seconds
        while not (self.markers.begin in self.wire.out and self.markers.begin in self.wire.err):
            self.wire.receive(deadline)
            if self.markers.begin not in self.wire.out:
                self._answer_prompt()

    def _answer_prompt(self) -> None:
        prompts = self.wire.err.count(self.markers.prompt)
        if prompts > 1:
            raise SecondPrompt
        if prompts == 1 and not self.password_sent and self.password is not None:
            self.password_sent = True
            self.wire.channel.sendall(self.password.encode() + b"\n")


class RemoteShell:
    """A /bin/sh that is ready for requests."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    @property
    def alive(self) -> bool:
        """Whether it can take a request."""
        return not (self._channel.closed or self._channel.eof_received or self._channel.exit_status_ready())

    def perform(
        self, script: str, arguments: Sequence[str], payload: bytes, timeout: float
    ) -> tuple[bytes, bytes, int]:
        """Run `script`; its standard output, standard error and exit status.

        Raises OutOfTime, ShellEnded, OSError; the shell is of no use afterwards and has to be closed.
        """
        deadline = time.monotonic() + timeout
        markers = Markers.fresh()
        wire = Wire(self._channel)
        self._send(request(script, arguments, markers, len(payload)) + payload)
        seen = 0
        while True:
            wire.receive(deadline)
            found = wire.out.find(markers.end, max(0, seen - len(markers.end)))
            seen = len(wire.out) if found < 0 else found
            if found >= 0 and b"\n" in wire.out[found:] and markers.end in wire.err:
                return unframed(bytes(wire.out), bytes(wire.err), markers)

    def _send(self, data: bytes) -> None:
        if len(data) <= _INLINE:
            self._channel.sendall(data)
        else:
            # In a thread: a command that answers while it still reads would otherwise fill both directions and stop.
            threading.Thread(target=self._pump, args=(data,), name="ssh-stdin", daemon=True).start()

    def _pump(self, data: bytes) -> None:
        # When the channel ends, whoever waits for the answer is told.
        with contextlib.suppress(OSError, EOFError):
            self._channel.sendall(data)

    def close(self) -> None:
        """End it; never raises."""
        with contextlib.suppress(Exception):
            self._channel.close()
