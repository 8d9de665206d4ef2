"""A Session over SSH."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Literal

import paramiko

from tui.remote import files
from tui.remote.become import become_failure, sudo_password
from tui.remote.errors import CommandFailed, ConnectionLost, HostUnreachable, RemoteError
from tui.remote.host_keys import ShownKey
from tui.remote.remote_shell import Opening, OutOfTime, RemoteShell, SecondPrompt, ShellEnded, Wire
from tui.remote.secrets import Secrets
from tui.remote.session import ROOT, Completed, FileAttributes, FileStat
from tui.remote.shell import Markers, Way, becoming, command_line, serving
from tui.remote.ssh_transport import Pulse, Transport, connection_ended, open_exec, open_forward
from tui.remote.tunnel import TunnelStream

_OPEN_SECONDS = 30.0
_SHOWN_ERROR = 600


class SshSession:
    """See Session. `key_type` and `fingerprint` are of the host key that was checked."""

    def __init__(
        self,
        *,
        host: str,
        login_user: str,
        become: Literal["sudo", "none"],
        secrets: Secrets,
        transports: Sequence[Transport],
        pulses: Sequence[Pulse],
        shown: ShownKey,
    ) -> None:
        self.host = host
        self.login_user = login_user
        self.round_trips = 0
        self.key_type = shown.key_type
        self.fingerprint = shown.fingerprint
        self.become = become
        self._secrets = secrets
        self._transports = tuple(transports)
        self._pulses = tuple(pulses)
        self._shells: dict[str | None, RemoteShell] = {}

    @property
    def _transport(self) -> Transport:
        return self._transports[-1]

    def acting_account(self) -> str:
        """See HostSession.acting_account."""
        return self.run("id -un", user=ROOT).text.strip()

    def run(
        self,
        script: str,
        arguments: Sequence[str] = (),
        *,
        stdin: bytes = b"",
        user: str | None = None,
        timeout: float = 30.0,
        expect: Sequence[int] | None = (0,),
    ) -> Completed:
        """See Session.run."""
        started = time.monotonic()
        account = None if user == self.login_user else user
        shell = self._shell(account)
        self.round_trips += 1
        try:
            stdout, stderr, status = shell.perform(script, arguments, stdin, timeout)
        except OutOfTime:
            self._drop(account)
            raise ConnectionLost(
                f"a command did not end within {timeout:.0f} s",
                host=self.host,
                tried=_first_line(script),
                meaning="whether it did its work is unknown; it may still run on the host",
                remedy="look at the host before trying again",
            ) from None
        except (ShellEnded, paramiko.SSHException, EOFError, OSError):
            self._drop(account)
            raise self._lost() from None
        done = Completed(status, stdout, stderr, time.monotonic() - started)
        if expect is not None and status not in expect:
            raise CommandFailed(
                f"a command ended with exit status {status}",
                host=self.host,
                tried=_first_line(script),
                meaning=done.error_text.strip()[-_SHOWN_ERROR:] or None,
            )
        return done

    def _drop(self, account: str | None) -> None:
        shell = self._shells.pop(account, None)
        if shell is not None:
            shell.close()

    def _shell(self, account: str | None) -> RemoteShell:
        """The shell that is open for an account (None: the login account); opened when there is none."""
        shell = self._shells.get(account)
        if shell is not None and shell.alive:
            return shell
        markers = Markers.fresh()
        password: str | None = None
        text = serving(markers)
        if account is not None:
            password, way = self._way()
            try:
                text = becoming(account, way, text, markers)
            except ValueError as error:
                raise RemoteError(str(error), host=self.host) from None
        channel = self._start(command_line(text))
        self._open(Opening(Wire(channel), markers, password), account)
        self._shells[account] = RemoteShell(channel)
        return self._shells[account]

    def _way(self) -> tuple[str | None, Way]:
        if self.become == "none" or self.login_user == "root":
            return None, "none"
        password = sudo_password(self._secrets, self.host)
        return (None, "sudo-no-prompt") if password is None else (password, "sudo")

    def _open(self, opening: Opening, account: str | None) -> None:
        channel = opening.wire.channel
        try:
            opening.perform(_OPEN_SECONDS)
        except (SecondPrompt, OutOfTime, ShellEnded, paramiko.SSHException, EOFError, OSError):
            lost = not self._transport.is_active()
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                channel.close()
            raise (self._lost() if lost else self._not_opened(opening, account)) from None
        finally:
            self.round_trips += 2 if opening.password_sent else 1

    def _not_opened(self, opening: Opening, account: str | None) -> RemoteError:
        if account is not None:
            return become_failure(opening, self._secrets, self.host, account, self.login_user)
        words = (bytes(opening.wire.out) + b" " + bytes(opening.wire.err)).decode("utf-8", "replace").strip()
        return HostUnreachable(
            f"the login shell of {self.login_user} did not run /bin/sh",
            host=self.host,
            tried=f"a command; it said: {words[-_SHOWN_ERROR:] or 'nothing'}",
            remedy="check the account's login shell and its start-up files",
        )

    def _start(self, command: str) -> paramiko.Channel:
        self.round_trips += 1
        return open_exec(self._transport, command, host=self.host, user=self.login_user)

    def _lost(self) -> ConnectionLost:
        return connection_ended(self.host)

    def read_files(self, paths: Sequence[str], *, user: str | None = None, limit: int = 4 << 20) -> dict[str, bytes]:
        """See Session.read_files."""
        return files.read_files(self, paths, user=user, limit=limit)

    def stat_files(self, paths: Sequence[str], *, user: str | None = None) -> dict[str, FileStat]:
        """See Session.stat_files."""
        return files.stat_files(self, paths, user=user)

    def list_tree(self, directory: str, *, depth: int = 1, user: str | None = None) -> list[FileStat]:
        """See Session.list_tree."""
        return files.list_tree(self, directory, depth=depth, user=user)

    def write_file(
        self, path: str, data: bytes, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """See Session.write_file."""
        files.write_file(self, path, data, attributes, user=user, within=within)

    def make_directory(
        self, path: str, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """See Session.make_directory."""
        files.make_directory(self, path, attributes, user=user, within=within)

    def rename(self, source: str, target: str, *, user: str | None = None) -> None:
        """See Session.rename."""
        files.rename(self, source, target, user=user)

    def remove(self, path: str, *, tree: bool = False, user: str | None = None, within: str | None = None) -> None:
        """See Session.remove."""
        files.remove(self, path, tree=tree, user=user, within=within)

    def tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> TunnelStream:
        """See Session.tunnel."""
        self.round_trips += 1
        channel = open_forward(self._transport, address, port, timeout, host=self.host, server=self.host)
        return TunnelStream(channel, timeout)

    def close(self) -> None:
        """See Session.close."""
        for pulse in self._pulses:
            pulse.stop()
        for shell in self._shells.values():
            shell.close()
        for transport in reversed(self._transports):
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError, RuntimeError):
                transport.close()


def _first_line(script: str) -> str:
    lines = [line.strip() for line in script.strip().splitlines() if line.strip() and not line.startswith("#")]
    return (lines[0] if lines else "a script")[:120] + (" …" if len(lines) > 1 else "")
