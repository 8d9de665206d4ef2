"""Where a host's shims ask: a Unix socket that answers for systemctl, journalctl and sudo."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Sequence

from tui.lab.journal import Journal
from tui.lab.journalctl import journalctl
from tui.lab.services import ServiceManager
from tui.lab.systemctl import systemctl

Answer = tuple[int, bytes, bytes]


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
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

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
