"""Commands and terminals of one SSH login: the account's login shell runs what arrives, as a real process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import paramiko

_CHUNK = 1 << 15
_GRACE = 2.0


@dataclass(frozen=True)
class Terminal:
    """What a client asked for with its pty request."""

    name: str
    columns: int
    rows: int


def run_command(channel: paramiko.Channel, argv: Sequence[str], directory: str, environment: Mapping[str, str]) -> None:
    """Run `argv` on the channel until it ends; its process group is killed when the channel goes first."""
    try:
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        _end(channel, 127, f"{error}\n".encode())
        return
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.fileno(), process.stderr.fileno()
    feeding = threading.Thread(target=_feed, args=(channel, process), daemon=True)
    errors = threading.Thread(target=_drain, args=(err, channel.sendall_stderr), daemon=True)
    feeding.start()
    errors.start()
    _drain(out, channel.sendall)
    errors.join()
    status = process.wait()
    process.stdout.close()
    process.stderr.close()
    _end(channel, status if status >= 0 else 128 - status)
    feeding.join(_GRACE)


def _drain(descriptor: int, send: Callable[[bytes], object]) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := os.read(descriptor, _CHUNK):
            try:
                send(data)
            except (OSError, EOFError):
                break
        else:
            return
        while os.read(descriptor, _CHUNK):
            pass


def _feed(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError, EOFError), process.stdin:
        while data := channel.recv(_CHUNK):
            while data:
                data = data[process.stdin.write(data) or 0 :]
    watch_group(channel, process)


def watch_group(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    """Wait for the process; when its channel closes first, give its group a moment, then kill it."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
            return
        if channel.closed or not channel.get_transport().is_active():
            break
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(channel: paramiko.Channel, status: int, error: bytes = b"") -> None:
    with contextlib.suppress(OSError, EOFError):
        if error:
            channel.sendall_stderr(error)
        channel.send_exit_status(status)
        channel.shutdown_write()
        channel.close()


class TerminalSession:
    """A login shell, or one command, on a pseudo-terminal."""

    def __init__(self, channel: paramiko.Channel, terminal: Terminal) -> None:
        self._channel = channel
        self._terminal = terminal
        self._master = -1

    def run(self, argv: Sequence[str], directory: str, environment: Mapping[str, str]) -> None:
        """Run until the process ends or the channel closes."""
        self._master, slave = pty.openpty()
        self.resize(self._terminal.columns, self._terminal.rows)
        process = subprocess.Popen(
            [shutil.which("setsid") or "setsid", "-c", *argv],
            cwd=directory,
            env={**environment, "TERM": self._terminal.name},
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        threading.Thread(target=self._type, args=(process,), daemon=True).start()
        _drain(self._master, self._channel.sendall)
        status = process.wait()
        os.close(self._master)
        _end(self._channel, status if status >= 0 else 128 - status)

    def resize(self, columns: int, rows: int) -> None:
        """Tell the terminal its size."""
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _type(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(OSError, EOFError):
            while data := self._channel.recv(_CHUNK):
                os.write(self._master, data)
        watch_group(self._channel, process)
