"""The connector's log on Windows: logs.log, rotated at 1 MB, read on from where it was left."""

from __future__ import annotations

import base64

from tui.connector.errors import LogError
from tui.connector.instance import LogMark
from tui.connector.model import Install
from tui.connector.windows.paths import log_path
from tui.connector.windows.script_calls import call
from tui.remote.errors import ScriptFailed
from tui.remote.windows.windows_files import file_error
from tui.remote.windows_session import WindowsSession

_AT_ONCE = 1 << 20
_TO_FIND_THE_END = 1 << 16
_BEGINNING = "0|0"
"""The mark of a log that does not exist yet: everything that is ever in it comes after."""


def log_mark(session: WindowsSession, install: Install) -> LogMark:
    """The end of the log now. Raises LogError."""
    return _read(session, install, "", 0, _TO_FIND_THE_END)[1]


def log_since(session: WindowsSession, install: Install, mark: LogMark | None, lines: int) -> tuple[str, LogMark]:
    """What was logged after `mark`, at most `lines` lines (None: the last `lines` lines), and the new end.

    Line ends are `\\n`. What a rotation has moved aside meanwhile is read as well. Raises LogError.
    """
    text, end = _read(session, install, mark.token if mark else "", lines, _AT_ONCE)
    found = text.splitlines(keepends=True)[-lines:] if lines else []
    return "".join(found), end


def _read(session: WindowsSession, install: Install, token: str, lines: int, limit: int) -> tuple[str, LogMark]:
    path = log_path(install)
    try:
        answer = call(session, "Get-Log.ps1", {"Path": path, "Token": token, "Lines": lines, "Bytes": limit})
    except ScriptFailed as error:
        failure = file_error(session.host, "read", path, error)
        raise LogError(
            failure.summary,
            host=session.host,
            tried=f"read {path} while the connector writes it",
            meaning="without the log nobody can tell whether the tenant accepts this instance",
            remedy=failure.remedy,
        ) from None
    if answer.get("missing"):
        return "", LogMark(_BEGINNING)
    text = base64.b64decode(answer["data"]).decode("utf-8", "replace").replace("\r\n", "\n")
    return text, LogMark(str(answer["token"]))
