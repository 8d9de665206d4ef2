"""What every session with a Windows host shares, whatever carries its scripts: what the account may do, and the files."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tui.remote.errors import RemoteError, ScriptFailed
from tui.remote.session import FileAttributes, FileStat
from tui.remote.windows import windows_files
from tui.remote.windows.ability import Ability, check_ability, refused_by_language_mode, too_old
from tui.remote.windows.own_scripts import own_script
from tui.remote.windows_session import Parameter, Script

_SHOWN = 400


class ScriptError(Exception):
    """A script ended with an error, as the host told it: .NET type, message, HResult (0 unknown)."""

    def __init__(self, error_type: str, message: str, hresult: int = 0) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.hresult = hresult


class PowerShellSession(ABC):
    """See WindowsSession. What the account may do is asked before the first script runs."""

    def __init__(self, host: str, login_user: str) -> None:
        self.host = host
        self.login_user = login_user
        self._ability: Ability | None = None

    @property
    @abstractmethod
    def round_trips(self) -> int:
        """See HostSession.round_trips."""

    @abstractmethod
    def _perform(self, script: Script, parameters: Mapping[str, Parameter], timeout: float) -> str:
        """Run a script; what it put out. Raises ScriptError, ConnectionLost and other RemoteErrors."""

    @abstractmethod
    def close(self) -> None:
        """See HostSession.close."""

    def invoke(
        self, script: Script, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        """See WindowsSession.invoke."""
        self.ability()
        return self._run(script, parameters or {}, timeout)

    def ability(self) -> Ability:
        """What this session may do, asked of the host once. Raises RightsLacking when that is not enough."""
        if self._ability is None:
            try:
                answer = self._run(own_script("Get-Ability.ps1"), {}, 30.0)
            except ScriptFailed as error:
                # The only command in it came with PowerShell 3.
                if error.error_type.endswith(".CommandNotFoundException"):
                    raise too_old("2 or older", self.host) from None
                raise
            told = Ability.model_validate(answer)
            check_ability(told, self.host, self.login_user)
            self._ability = told
        return self._ability

    def acting_account(self) -> str:
        """See HostSession.acting_account."""
        return self.ability().user or self.login_user

    def _run(self, script: Script, parameters: Mapping[str, Parameter], timeout: float) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            text = self._perform(script, given, timeout)
        except ScriptError as error:
            raise refused_by_language_mode(error.error_type, error.message, self.host) or ScriptFailed(
                f"{script.name} ended with an error: {' '.join(error.message.split())[:_SHOWN]}",
                error_type=error.error_type,
                hresult=error.hresult & 0xFFFFFFFF,
                host=self.host,
                tried=f"{script.name} by PowerShell",
            ) from None
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise RemoteError(
                f"{script.name} did not put out what it should",
                host=self.host,
                tried=f"to read {len(text)} characters",
                meaning="something else on the host writes into this program's output",
                remedy="check the machine's PowerShell profile and logging tools",
            )
        return value

    def read_files(self, paths: Sequence[str], *, user: str | None = None, limit: int = 4 << 20) -> dict[str, bytes]:
        """See HostSession.read_files."""
        return windows_files.read_files(self, paths, limit=limit)

    def stat_files(self, paths: Sequence[str], *, user: str | None = None) -> dict[str, FileStat]:
        """See HostSession.stat_files."""
        return windows_files.stat_files(self, paths)

    def list_tree(self, directory: str, *, depth: int = 1, user: str | None = None) -> list[FileStat]:
        """See HostSession.list_tree."""
        return windows_files.list_tree(self, directory, depth=depth)

    def write_file(
        self, path: str, data: bytes, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """See HostSession.write_file. Of `attributes` only the ACL counts; None gives what the present file or the folder has."""
        windows_files.write_file(self, path, data, attributes, within=within)

    def make_directory(
        self, path: str, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        """See HostSession.make_directory; of `attributes` only the ACL counts."""
        windows_files.make_directory(self, path, attributes, within=within)

    def rename(self, source: str, target: str, *, user: str | None = None) -> None:
        """See HostSession.rename."""
        windows_files.rename(self, source, target)

    def remove(self, path: str, *, tree: bool = False, user: str | None = None, within: str | None = None) -> None:
        """See HostSession.remove."""
        windows_files.remove(self, path, tree=tree, within=within)
