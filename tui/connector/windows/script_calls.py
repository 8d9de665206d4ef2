"""Calling the connector's PowerShell scripts, and what their errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.remote.errors import ScriptFailed
from tui.remote.windows_session import Parameter, WindowsSession, load_script

_PACKAGE = "tui.connector.windows.scripts"
_WIN32_FACILITY = 7


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


def said(error: ScriptFailed) -> str:
    """The host's own words, in at most 300 characters."""
    words = error.summary.partition("ended with an error: ")[2] or error.summary
    return " ".join(words.split())[:300]
