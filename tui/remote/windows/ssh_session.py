"""A WindowsSession by OpenSSH: each script in a PowerShell of its own, told on standard input. SFTP is not needed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from secrets import token_hex

import paramiko

from tui.remote.errors import ConnectionLost, HostUnreachable, RemoteError
from tui.remote.remote_shell import OutOfTime, ShellEnded, Wire
from tui.remote.ssh_connect import LoggedIn
from tui.remote.ssh_transport import connection_ended, open_exec
from tui.remote.windows.ability import constrained
from tui.remote.windows.bootstrap import answer, command_line, constrained_mode, request
from tui.remote.windows.powershell_session import PowerShellSession
from tui.remote.windows_session import Parameter, Script

_SHOWN_ERROR = 400
_SHELL_SECONDS = 20.0
_STARTING_SECONDS = 20.0
"""How much longer than a script may take its PowerShell may need to come up."""
_ASK_SHELL = "echo %OS%$PSHOME"
"""cmd.exe fills in the first variable, PowerShell the second, a POSIX shell neither. Without quotes, which sshd may change."""


class WindowsSshSession(PowerShellSession):
    """See WindowsSession. `key_type` and `fingerprint` are of the host key that was checked."""

    def __init__(self, host: str, way: LoggedIn) -> None:
        super().__init__(host, way.user)
        self.key_type = way.shown.key_type
        self.fingerprint = way.shown.fingerprint
        self._way = way
        self._commands = 0
        self._feed: str | None = None

    @property
    def round_trips(self) -> int:
        """See HostSession.round_trips: commands."""
        return self._commands

    def _perform(self, script: Script, parameters: Mapping[str, Parameter], timeout: float) -> str:
        nonce = token_hex(16)
        line = request(script, parameters, nonce)
        wire = self._start(self._prefix() + command_line())
        try:
            self._send(wire.channel, line)
            return self._receive(wire, nonce, script, timeout)
        finally:
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                wire.channel.close()

    def _receive(self, wire: Wire, nonce: str, script: Script, timeout: float) -> str:
        deadline = time.monotonic() + timeout + _STARTING_SECONDS
        seen = 0
        while True:
            try:
                wire.receive(deadline)
            except OutOfTime:
                raise self._out_of_time(script, timeout) from None
            except ShellEnded:
                break
            if wire.out.count(b"\n", seen) and (found := answer(bytes(wire.out), nonce)) is not None:
                return found
            seen = len(wire.out)
        found = answer(bytes(wire.out), nonce)
        if found is None:
            raise self._no_answer(wire)
        return found

    def _prefix(self) -> str:
        """What stands before the command so that standard input gets to it: where the default shell is PowerShell, that
        shell reads it and has to hand it on."""
        if self._feed is None:
            said = self._default_shell()
            self._feed = "$input | " if b"%OS%" in said and b"\\" in said else ""
        return self._feed

    def _default_shell(self) -> bytes:
        try:
            wire = self._start(_ASK_SHELL)
        except HostUnreachable:
            # A server that lets in nothing but PowerShell has no shell to reckon with.
            return b""
        with contextlib.suppress(OutOfTime, ShellEnded, paramiko.SSHException, EOFError, OSError):
            wire.channel.shutdown_write()
            deadline = time.monotonic() + _SHELL_SECONDS
            while b"\n" not in wire.out:
                wire.receive(deadline)
        wire.channel.close()
        return bytes(wire.out)

    def _start(self, command: str) -> Wire:
        self._commands += 1
        return Wire(open_exec(self._way.transports[-1], command, host=self.host, user=self.login_user))

    def _send(self, channel: paramiko.Channel, data: bytes) -> None:
        def pump() -> None:
            # When the channel ends, whoever waits for the answer is told.
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                channel.sendall(data)
                channel.shutdown_write()

        threading.Thread(target=pump, name="ssh-stdin", daemon=True).start()

    def _out_of_time(self, script: Script, timeout: float) -> ConnectionLost:
        return ConnectionLost(
            f"{script.name} did not end within {timeout:.0f} s",
            host=self.host,
            tried=f"{script.name} by PowerShell over SSH",
            meaning="whether it did its work is unknown; it may still run on the host",
            remedy="look at the host before trying again",
        )

    def _no_answer(self, wire: Wire) -> RemoteError:
        mode = constrained_mode(bytes(wire.out))
        if mode is not None:
            return constrained(mode[0], self.host)
        if not self._way.transports[-1].is_active():
            return connection_ended(self.host)
        said = (bytes(wire.err) + b" " + bytes(wire.out)).decode("utf-8", "replace")
        return HostUnreachable(
            f"PowerShell did not answer as {self.login_user}",
            host=self.host,
            tried=f"powershell.exe over SSH; it said: {' '.join(said.split())[-_SHOWN_ERROR:] or 'nothing'}",
            remedy="check that it is a Windows host (`os`), that Windows PowerShell 5.1 is in the PATH of its SSH server, and "
            "ForceCommand in sshd_config",
        )

    def close(self) -> None:
        """See HostSession.close."""
        for pulse in self._way.pulses:
            pulse.stop()
        for transport in reversed(self._way.transports):
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError, RuntimeError):
                transport.close()
