"""The SSH server of one lab host: paramiko's server side, on the host's own loopback address."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_CONNECT_FAILED,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery

from tui.lab.link import Link, LinkState
from tui.lab.login import Terminal, TerminalSession, run_command
from tui.lab.sftp import Tree

_LOG = "tui.lab.ssh"
# Clients that come and go are no news; without a handler of its own the logger would print them.
logging.getLogger(_LOG).addHandler(logging.NullHandler())

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def new_key_text(passphrase: str | None = None) -> str:
    """A fresh Ed25519 private key in OpenSSH's format."""
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, protection
    )
    return pem.decode("ascii")


def new_host_key() -> paramiko.Ed25519Key:
    """A fresh Ed25519 key."""
    return paramiko.Ed25519Key(file_obj=io.StringIO(new_key_text()))


@dataclass
class LoginSettings:
    """Who may log in, how, and what the server allows. May be changed while the server runs; it holds for new logins."""

    user: str
    password: str = field(repr=False)
    keys: list[paramiko.PKey] = field(default_factory=list)
    methods: set[str] = field(default_factory=lambda: {"password", "publickey", "keyboard-interactive"})
    prompts: tuple[str, ...] = ("Password: ",)
    """What keyboard-interactive asks: none, the password, or the password and then the code."""
    code: str = field(default="", repr=False)
    sftp: bool = True
    forwarding: bool = True
    max_sessions: int = 10
    """How many channels one connection may have open, as sshd's MaxSessions."""
    max_tries: int = 6
    """After how many failures the connection is dropped, as sshd's MaxAuthTries."""
    attempts: list[tuple[str, bool]] = field(default_factory=list)
    """Every attempt to log in: method and whether it was let in."""


Command = tuple[Sequence[str], str, dict[str, str]]
"""A process: argv, directory, environment."""


class Machine(Protocol):
    """What the server needs of its host."""

    @property
    def address(self) -> str:
        """The host's own address."""
        ...

    @property
    def tree(self) -> type[Tree]:
        """Its SFTP tree."""
        ...

    def command(self, text: str | None) -> Command | Callable[[paramiko.Channel], None]:
        """How the login shell runs `text` (None: an interactive shell): a process, or what answers on the channel itself."""
        ...

    def may_forward(self, address: str) -> bool:
        """Whether this address belongs to the lab."""
        ...


class SshServer:
    """Accepts connections until closed. `link` is what all of them suffer."""

    def __init__(self, machine: Machine, login: LoginSettings, port: int) -> None:
        """Listen at once; raises OSError when the address is taken."""
        self.machine = machine
        self.login = login
        self.port = port
        self.key = new_host_key()
        self.link = LinkState()
        self._transports: set[paramiko.Transport] = set()
        self._listener: socket.socket | None = None
        self.open()

    def open(self) -> None:
        """Listen, unless it does already."""
        if self._listener is None:
            self._listener = socket.create_server((self.machine.address, self.port), backlog=128)
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return sum(transport.is_active() for transport in list(self._transports))

    def cut(self) -> None:
        """Drop every connection; new ones are let in."""
        for transport in list(self._transports):
            transport.close()

    def close(self) -> None:
        """Stop listening and drop every connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            transport = paramiko.Transport(Link(connection, self.link))  # type: ignore[arg-type]
            transport.set_log_channel(_LOG)
            self._transports.add(transport)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, self.machine.tree)
            login = _Login(self, transport)
            try:
                transport.start_server(server=login)
                while transport.is_active():
                    channel = transport.accept(5)
                    if channel is not None:
                        login.opened(channel)
            finally:
                transport.close()
                self._transports.discard(transport)


def known_host_line(address: str, server: SshServer) -> str:
    """A server's line in a known_hosts file."""
    return f"[{address}]:{server.port} {server.key.get_name()} {server.key.get_base64()}\n"


class _Login(paramiko.ServerInterface):
    """One connection."""

    def __init__(self, server: SshServer, transport: paramiko.Transport) -> None:
        self._machine = server.machine
        self._settings = server.login
        self._transport = transport
        self._failures = 0
        self._channels: dict[int, paramiko.Channel | None] = {}
        self._forwards: dict[int, socket.socket] = {}
        self._terminals: dict[int, Terminal] = {}
        self._sessions: dict[int, TerminalSession] = {}

    def get_allowed_auths(self, username: str) -> str:
        return ",".join(sorted(self._settings.methods))

    def _judge(self, method: str, username: str, good: bool) -> int:
        let_in = good and username == self._settings.user and method in self._settings.methods
        self._settings.attempts.append((method, let_in))
        self._failures += not let_in
        if self._failures >= self._settings.max_tries:
            self._transport.close()
        return AUTH_SUCCESSFUL if let_in else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        return self._judge("password", username, password == self._settings.password)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._judge("publickey", username, key in self._settings.keys)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        if "keyboard-interactive" not in self._settings.methods:
            return AUTH_FAILED
        self._asked = username
        query = InteractiveQuery("", "")
        for prompt in self._settings.prompts:
            query.add_prompt(prompt, False)
        return query

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        wanted = [self._settings.password, self._settings.code][: len(self._settings.prompts)]
        return self._judge("keyboard-interactive", self._asked, list(responses) == wanted)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        # A session counts from the moment it is granted: the channel itself is handed over later, by another thread.
        for number, channel in list(self._channels.items()):
            if channel is not None and channel.closed:
                del self._channels[number]
        if kind != "session" or len(self._channels) >= self._settings.max_sessions:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        self._channels[chanid] = None
        return OPEN_SUCCEEDED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        return False

    def check_channel_subsystem_request(self, channel: paramiko.Channel, name: str) -> bool:
        return self._settings.sftp and super().check_channel_subsystem_request(channel, name)

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        self._terminals[channel.get_id()] = Terminal(term.decode("ascii", "replace"), width, height)
        return True

    def check_channel_window_change_request(
        self, channel: paramiko.Channel, width: int, height: int, pixelwidth: int, pixelheight: int
    ) -> bool:
        session = self._sessions.get(channel.get_id())
        if session is not None:
            session.resize(width, height)
        return session is not None

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self._start(channel, command.decode("utf-8", "surrogateescape"))
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        self._start(channel, None)
        return True

    def _start(self, channel: paramiko.Channel, text: str | None) -> None:
        command = self._machine.command(text)
        if callable(command):
            threading.Thread(target=command, args=(channel,), name="ssh-answer", daemon=True).start()
            return
        argv, directory, environment = command
        target: Callable[..., None] = run_command
        arguments: tuple[object, ...] = (channel, argv, directory, environment)
        terminal = self._terminals.get(channel.get_id())
        if terminal is not None:
            session = self._sessions[channel.get_id()] = TerminalSession(channel, terminal)
            target, arguments = session.run, (argv, directory, environment)
        threading.Thread(target=target, args=arguments, name="ssh-command", daemon=True).start()

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        if not self._settings.forwarding:
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        address, port = destination
        address = self._machine.address if address in LOOPBACK else address
        if not self._machine.may_forward(address):
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        try:
            self._forwards[chanid] = socket.create_connection((address, port), 5, (self._machine.address, 0))
        except OSError:
            return OPEN_FAILED_CONNECT_FAILED
        return OPEN_SUCCEEDED

    def opened(self, channel: paramiko.Channel) -> None:
        """A channel has been opened: carry its bytes when it is a forward."""
        target = self._forwards.pop(channel.get_id(), None)
        if target is None:
            self._channels[channel.get_id()] = channel
        else:
            target.settimeout(None)
            for move in (_up, _down):
                threading.Thread(target=move, args=(channel, target), daemon=True).start()


def _up(channel: paramiko.Channel, target: socket.socket) -> None:
    with contextlib.suppress(OSError, EOFError):
        while data := channel.recv(1 << 15):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _down(channel: paramiko.Channel, target: socket.socket) -> None:
    with contextlib.suppress(OSError, EOFError), target:
        while data := target.recv(1 << 15):
            channel.sendall(data)
    with contextlib.suppress(OSError, EOFError):
        channel.close()
