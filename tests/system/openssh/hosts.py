"""sshd, accounts, a proxy that fails on purpose, and waiting."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.connect import open_posix_session


@dataclass(slots=True)
class Account:
    """A local account of this machine, made for the tests."""

    name: str
    password: str
    home: Path
    sudo_log: Path | None = None


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    """A key pair at `path` and `path`.pub."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)], check=True)
    return path


def eventually(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return once `condition` is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Sshd:
    """An OpenSSH server on 127.0.0.1 that accepts `key` for every account, with `settings` added to its configuration."""

    def __init__(self, directory: Path, key: Path, *settings: str, host_key_type: str = "ed25519") -> None:
        self.directory = directory
        self.key = key
        self.settings = settings
        self.host_key = make_key(directory / "host_key", kind=host_key_type)
        self.log = directory / "log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def known_line(self, marker: str = "", key: Path | None = None) -> str:
        """The line of a known_hosts file for this server."""
        kind, blob = Path(f"{key or self.host_key}.pub").read_text().split()[:2]
        return f"{marker} [127.0.0.1]:{self.port} {kind} {blob}".strip() + "\n"

    def __enter__(self) -> Self:
        keys = self.directory / "authorized_keys"
        keys.write_text(Path(f"{self.key}.pub").read_text())
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        for _ in range(5):
            self._start(keys)
            if self._listening():
                return self
        raise AssertionError(self.log.read_text())

    def _start(self, keys: Path) -> None:
        self.port = free_port()
        config = self.directory / "sshd_config"
        lines = [
            *self.settings,
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.host_key}",
            # Read as root: the login account cannot look into pytest's directories.
            "AuthorizedKeysFile none",
            f"AuthorizedKeysCommand /usr/bin/cat {keys}",
            "AuthorizedKeysCommandUser root",
            "StrictModes no",
            "UsePAM yes",
            "PasswordAuthentication yes",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            "PrintMotd no",
            "LogLevel VERBOSE",
            "PidFile none",
        ]
        config.write_text("\n".join(lines) + "\n")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _listening(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
            time.sleep(0.02)
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def logged(self, text: str) -> int:
        """How many lines of the server's log hold `text`."""
        return sum(text in line for line in self.log.read_text("utf-8", "replace").splitlines())


class FailingProxy:
    """Passes one connection at a time on to `port`; can cut it after some bytes, or fall silent while it stays open."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._left: int | None = None
        self._silent = threading.Event()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def cut_after(self, upstream_bytes: int) -> None:
        """Reset the connection once this much more has gone to the server."""
        self._left = upstream_bytes

    def fall_silent(self) -> None:
        """Pass nothing on any more, and keep everything open."""
        self._silent.set()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upstream: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                if self._silent.is_set():
                    continue
                if upstream and self._left is not None:
                    self._left -= len(data)
                    if self._left <= 0:
                        break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        for end in self._sockets:
            end.close()


def who(host: Host, access: Access) -> str:
    """The account that a login ends up as."""
    session = open_posix_session(host, access)
    try:
        return session.run("id -un").text.strip()
    finally:
        session.close()
