"""What a session with a Windows host can do besides handling files: run one of this project's PowerShell scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Protocol

from pydantic import SecretStr

from tui.remote.session import HostSession

Parameter = str | int | float | bool | Sequence[str] | SecretStr | None
"""A script's argument. A SecretStr (65,536 characters at most) travels as a SecureString; None leaves the parameter out."""


@dataclass(frozen=True, slots=True)
class Script:
    """A PowerShell script of this project. `name` is its file name, by which it is told in errors and known in the lab."""

    name: str
    text: str


def load_script(package: str, name: str) -> Script:
    """The script file `name` that lies in `package`."""
    return Script(name, files(package).joinpath(name).read_text(encoding="utf-8"))


class WindowsSession(HostSession, Protocol):
    """A session with a Windows host, by PowerShell remoting or by OpenSSH. Paths are written with `\\`."""

    def invoke(
        self, script: Script, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        """Run a script and return the one JSON object that it puts out.

        Nothing secret may stand in the script's text. Raises ScriptFailed when the script ends with an error, and
        ConnectionLost when there is no end after `timeout` seconds: whether it ran is then unknown, and it is not replayed.
        """
        ...
