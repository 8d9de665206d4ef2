"""Where a host's shims ask: a Unix socket that answers for systemctl, journalctl and sudo, and a pipe that costs less.

On the pipe a question is the path of another pipe, the number of words, and the words, each ended by NUL, in one write. The
answer is a program for sh that prints and ends as the real one would: so a shim needs no interpreter but sh.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence

from tui.lab.journal import Journal
from tui.lab.journalctl import journalctl
from tui.lab.services import ServiceManager
from tui.lab.systemctl import systemctl

Answer = tuple[int, bytes, bytes]

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 =_-+.,:/@[]()<>")
_PRINTED = {byte: chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in range(256)}


def question_pipe(path: str) -> str:
    """Where questions are written for the desk whose socket is `path`."""
    return f"{path}.ask"


def _as_program(answer: Answer) -> bytes:
    status, out, err = answer
    said = [
        f"printf -- '{''.join(map(_PRINTED.__getitem__, text))}'{to}" for text, to in ((out, ""), (err, " >&2")) if text
    ]
    return "\n".join([*said, f"exit {status}", ""]).encode("ascii")


class Desk:
    """Answers one host's shims until closed. `sudo_rule`: 0 no password needed, 1 password, 2 not allowed."""

    def __init__(
        self,
        path: str,
        hostname: str,
        services: ServiceManager,
        journal: Journal,
        sudo_rule: Callable[[str], int],
        sudo_password: Callable[[str], bool],
    ) -> None:
        self._hostname = hostname
        self._services = services
        self._journal = journal
        self._sudo_rule = sudo_rule
        self._sudo_password = sudo_password
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(64)
        self._questions = question_pipe(path)
        os.mkfifo(self._questions, 0o600)
        self._reading = os.open(self._questions, os.O_RDWR)
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._read, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with contextlib.suppress(OSError):
            os.write(self._reading, b"\0")

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _read(self) -> None:
        with open(self._reading, "rb", buffering=0) as pipe:
            data = b""
            while True:
                data += pipe.read(65536)
                while (found := _next_question(data)) is not None:
                    to, words, data = found
                    if not to:
                        return
                    threading.Thread(target=self._reply, args=(to, words), daemon=True).start()

    def _reply(self, to: bytes, words: list[str]) -> None:
        """Answer on the asker's own pipe. It opens that at once, unless somebody has ended it: then nobody waits for this."""
        program, account, *arguments = words
        text = _as_program(self.answer(program, account, arguments))
        with contextlib.suppress(OSError), open(to, "wb") as pipe:
            os.unlink(to)
            pipe.write(text)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            data = b""
            while part := connection.recv(65536):
                data += part
            program, account, *arguments = data.decode("utf-8", "surrogateescape").split("\0")
            status, out, err = self.answer(program, account, arguments)
            connection.sendall(b"%d %d\n" % (status, len(out)) + out + err)

    def answer(self, program: str, account: str, arguments: Sequence[str]) -> Answer:
        """What `program` says to `account`."""
        if program == "systemctl":
            reply = systemctl(self._services, arguments, account)
            return reply.status, reply.stdout.encode(), reply.stderr.encode()
        if program == "journalctl":
            reply, out = journalctl(self._journal, self._hostname, arguments, account)
            return reply.status, out, reply.stderr.encode()
        if program == "sudo-rule":
            return self._sudo_rule(account), b"", b""
        if program == "sudo-password":
            return (0 if self._sudo_password("\0".join(arguments)) else 1), b"", b""
        return 127, b"", b"the lab does not know this program\n"


def _next_question(data: bytes) -> tuple[bytes, list[str], bytes] | None:
    """Where to answer, the words, and what follows; None while it is not whole. No place to answer: the end."""
    to, _, rest = data.partition(b"\0")
    if not to and data:
        return b"", [], rest
    count, _, rest = rest.partition(b"\0")
    fields = rest.split(b"\0")
    if not count or len(fields) <= int(count):
        return None
    words = [field.decode("utf-8", "surrogateescape") for field in fields[: int(count)]]
    return to, words, b"\0".join(fields[int(count) :])
