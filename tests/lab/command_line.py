"""The real command in processes of its own, with pipes or on a terminal, in a home directory of the test's own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab.cheap_identity import write_cheap_identity
from tui.lab.lab import Lab
from tui.remote.secrets_input import dump_secrets

PROGRAM = (sys.executable, "-m", "tui")
SECONDS = 120.0
_HOMES = {
    "HOME": "",
    "XDG_CONFIG_HOME": "config",
    "XDG_STATE_HOME": "state",
    "XDG_DATA_HOME": "data",
    "XDG_CACHE_HOME": "cache",
    "XDG_RUNTIME_DIR": "run",
    "TMPDIR": "tmp",
}
_ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out)


class Terminal:
    """A command on a terminal of 80 columns: what it shows, and what is typed."""

    def __init__(self, argv: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL, *argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd="/",
            start_new_session=True,
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown = ""
        self._seen = 0

    def expect(self, text: str, *, seconds: float = SECONDS) -> str:
        """Wait until `text` is shown after what was expected before; returns what was shown up to it."""
        until = time.monotonic() + seconds
        while (found := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < until, f"{text!r} was not shown in time:\n{self.shown}"
            assert self._read(until), f"{text!r} was not shown before the end:\n{self.shown}"
        before, self._seen = self.shown[self._seen : found], found + len(text)
        return before

    def enter(self, text: str) -> None:
        """Type a line and Enter."""
        os.write(self._master, f"{text}\n".encode())

    def press(self, keys: bytes) -> None:
        """Press keys as a terminal sends them."""
        os.write(self._master, keys)

    def ended(self, *, seconds: float = SECONDS) -> int:
        """Wait for the end; returns the exit code, negative for a signal."""
        until = time.monotonic() + seconds
        while self._read(until):
            assert time.monotonic() < until, f"it did not end in time:\n{self.shown}"
        return self.process.wait(max(0.1, until - time.monotonic()))

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self._master)
        self._master = -1

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError:
            return False
        self.shown += _ESCAPE.sub("", data.decode("utf-8", "replace")).replace("\r", "")
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)


class CommandLine:
    """An operator's account on a jump box that knows nothing yet."""

    def __init__(self, home: Path, temporary: Path | None = None) -> None:
        """`temporary`: a folder with a short path, for what makes sockets there."""
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }
        for name, part in _HOMES.items():
            folder = home / part
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.environment[name] = str(folder)
        self.temporary = temporary or home / "tmp"
        self.environment["TMPDIR"] = str(self.temporary)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Begin a command with pipes."""
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **(env or {})},
            cwd="/",
            start_new_session=True,
        )

    def run(
        self, *arguments: str, stdin: bytes = b"", seconds: float = SECONDS, env: Mapping[str, str] | None = None
    ) -> Result:
        """Run a command to its end, without a terminal. No traceback may be part of what it says."""
        return result_of(self.start(*arguments, env=env), stdin, seconds=seconds)

    def terminal(self, *arguments: str, env: Mapping[str, str] | None = None) -> Terminal:
        """Begin a command on a terminal."""
        return Terminal((*PROGRAM, *arguments), {**self.environment, **(env or {})})


def result_of(process: subprocess.Popen[bytes], stdin: bytes = b"", *, seconds: float = SECONDS) -> Result:
    """The end of a command that was begun."""
    try:
        out, err = process.communicate(stdin, timeout=seconds)
    except BaseException:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        raise
    result = Result(process.returncode, out.decode("utf-8"), err.decode("utf-8"))
    assert "Traceback" not in result.out + result.err, result.err
    return result


class Operator(CommandLine):
    """An operator of a lab: its cluster file, the hosts' keys, an identity, and every secret at hand."""

    def __init__(self, home: Path, lab: Lab, *, settle: float = 1.0, known: bool = True, tenant: bool = True) -> None:
        super().__init__(home)
        self.lab = lab
        self.secrets = dump_secrets(lab.secrets())
        self.known_hosts = home / ".ssh" / "known_hosts"
        self.known_hosts.parent.mkdir(mode=0o700)
        if known:
            self.known_hosts.write_text(lab.known_hosts_text())
        self.identity = home / "data" / "adldap-ha" / "vault" / "identity.age"
        self.recipient = write_cheap_identity(self.identity, lab.vault_passphrase)
        text = lab.cluster_document(settle_seconds=settle)
        if not tenant:
            head, _, rest = text.partition("[tenant]")
            text = head + rest[rest.index("[run]") :]
        self.cluster_file = home / "config" / "adldap-ha" / "lab.toml"
        self.cluster_file.parent.mkdir(mode=0o700, parents=True)
        self.cluster_file.write_text(f'{text}\n[vault]\nrecipients = ["{self.recipient}"]\n')

    def ask(self, *arguments: str, seconds: float = SECONDS) -> Result:
        """Run a command with `--secrets -` and the lab's secrets."""
        return self.run(*arguments, "--secrets", "-", stdin=self.secrets, seconds=seconds)
