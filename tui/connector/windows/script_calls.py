"""Calling the connector's PowerShell scripts, and what their errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tui.remote.errors import FileFailure, RemoteFileError, ScriptFailed
from tui.remote.windows_session import Parameter, WindowsSession, load_script

_PACKAGE = "tui.connector.windows.scripts"
_WIN32_FACILITY = 7


class _Meaning(NamedTuple):
    reason: FileFailure
    means: str | None
    remedy: str


_DENIED = _Meaning(
    FileFailure.DENIED,
    "the account that is logged in may not do this, although it is an administrator",
    "look at the ACL of the install directory (`icacls`), and at anti-virus or AppLocker rules for it",
)
_FULL = _Meaning(FileFailure.NO_SPACE, None, "free some space on that volume")
_LOCKED = _Meaning(
    FileFailure.LOCKED,
    "another process (an editor, a backup, an anti-virus scan) keeps it open",
    "find out which (Resource Monitor, Associated Handles), close it, then retry",
)
_TOO_LONG = _Meaning(
    FileFailure.TOO_LONG,
    "Windows takes paths of up to 259 characters, unless long paths are enabled",
    "install the connector in a directory with a shorter path",
)
_BY_CODE = {
    2: _Meaning(FileFailure.MISSING, None, "check that the connector is still installed there"),
    3: _Meaning(FileFailure.MISSING, None, "check that the connector is still installed there"),
    5: _DENIED,
    19: _Meaning(FileFailure.READ_ONLY, None, "find out why the volume is write-protected"),
    32: _LOCKED,
    33: _LOCKED,
    39: _FULL,
    112: _FULL,
    206: _TOO_LONG,
}
_BY_TYPE = {"UnauthorizedAccessException": _DENIED, "SecurityException": _DENIED, "PathTooLongException": _TOO_LONG}
_LED_AWAY = _Meaning(
    FileFailure.LED_AWAY,
    "a link there leads out of the install directory, and nothing is written through it",
    "see where it leads, and replace it by a plain file or directory",
)
_OTHER = _Meaning(FileFailure.OTHER, None, "look at the install directory on the host, then retry")


def call(
    session: WindowsSession, script: str, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
) -> dict[str, Any]:
    """What the connector's script of this name puts out. Raises what `WindowsSession.invoke` raises."""
    return session.invoke(load_script(_PACKAGE, script), parameters, timeout=timeout)


def text_of(name: str) -> str:
    """The text of another file that lies beside the scripts."""
    return load_script(_PACKAGE, name).text


def win32_code(error: ScriptFailed) -> int:
    """The Windows error number in a script's error, 0 when it holds none."""
    code = error.hresult & 0xFFFFFFFF
    return code & 0xFFFF if code >> 31 and (code >> 16) & 0x1FFF == _WIN32_FACILITY else 0


def file_failure(session: WindowsSession, error: ScriptFailed, what: str) -> RemoteFileError:
    """The error for a script that failed on files: `what` is said first, then the host's own words."""
    meaning = _BY_CODE.get(win32_code(error)) or _BY_TYPE.get(error.error_type.rpartition(".")[2]) or _OTHER
    if "[led-away]" in error.summary:
        meaning = _LED_AWAY
    return RemoteFileError(
        f"{what}: {' '.join(error.summary.split())[:300]}",
        reason=meaning.reason,
        host=session.host,
        meaning=meaning.means,
        remedy=meaning.remedy,
    )
