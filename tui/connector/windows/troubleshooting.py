"""Running the connector's own troubleshooter on a Windows host."""

from __future__ import annotations

import base64
import math

from tui.connector.errors import ConnectorError
from tui.connector.model import Install
from tui.connector.text import plain
from tui.connector.windows.programs import run_node
from tui.connector.windows.script_calls import call
from tui.remote.errors import ScriptFailed
from tui.remote.windows_session import Parameter, WindowsSession

_OK = 200
_MARGIN = 20.0


def run_troubleshooter(session: WindowsSession, install: Install, timeout: float) -> str:
    """The troubleshooter's text, colours stripped.

    The console is asked first, unless the install's path has spaces, where it cannot start it ("Cannot find module").
    Then the install's own node.exe runs it, as the account that is logged in. Raises ConnectorError.
    """
    if install.admin_unit and " " not in install.directory:
        text = _by_console(session, timeout)
        if text.strip() and "Cannot find module" not in text:
            return text
    return run_directly(session, install, timeout)


def _by_console(session: WindowsSession, timeout: float) -> str:
    seconds = max(1, math.ceil(timeout))
    parameters: dict[str, Parameter] = {"Path": "/troubleshooter/run", "Seconds": seconds}
    try:
        answer = call(session, "Invoke-Console.ps1", parameters, timeout=seconds + _MARGIN)
    except ScriptFailed:
        return ""
    if answer.get("status") != _OK:
        return ""
    return plain(base64.b64decode(answer.get("data") or "").decode("utf-8", "replace"))


def run_directly(session: WindowsSession, install: Install, timeout: float) -> str:
    """`node.exe troubleshoot.js` in the install directory; its exit status says nothing and is not looked at."""
    tried = f"{install.node} troubleshoot.js in {install.directory} as {session.login_user}"
    ended = run_node(session, install, ["troubleshoot.js"], timeout)
    if ended.missing:
        raise ConnectorError(
            f"the program {install.node} was not found",
            host=session.host,
            tried=tried,
            remedy="repair the connector's installation: its installer puts node.exe beside its files",
        )
    said = b"\n".join(part for part in (ended.stdout, ended.stderr) if part.strip())
    text = plain(said.decode("utf-8", "replace"))
    if not text.strip():
        raise ConnectorError(
            "the troubleshooter said nothing",
            host=session.host,
            tried=tried,
            meaning=f"it was ended after {timeout:g} seconds"
            if ended.timed_out
            else f"it ended with status {ended.exit_code}",
            remedy="run it by hand on the host",
        )
    return text
