"""Running the connector's own troubleshooter on a host."""

from __future__ import annotations

from tui.connector import console
from tui.connector.errors import ConnectorError, ConsoleError
from tui.connector.model import Install
from tui.connector.scripts import load
from tui.connector.text import plain
from tui.connector.unit_environment import UnitEnvironment, as_input
from tui.remote.errors import HostUnreachable
from tui.remote.session import Session

_NO_PROGRAM = 127


def run_troubleshooter(session: Session, install: Install, environment: UnitEnvironment, timeout: float) -> str:
    """The troubleshooter's text, colours stripped.

    The console is asked first; it fails when it does not run, is a v7 one, or has a path with spaces ("Cannot find
    module"). Then the install's node runs it as the service account, in the unit's environment. Raises ConnectorError.
    """
    if install.admin_unit and " " not in install.directory:
        try:
            text = console.troubleshoot(session, timeout=timeout)
        except (ConsoleError, HostUnreachable):
            text = ""
        if text.strip() and "Cannot find module" not in text:
            return plain(text)
    return run_directly(session, install, environment, timeout)


def run_directly(session: Session, install: Install, environment: UnitEnvironment, timeout: float) -> str:
    """`node troubleshoot.js` in the install directory; its exit status says nothing and is not looked at."""
    answer = session.run(
        load("with_environment.sh"),
        [install.directory, install.node, "troubleshoot.js"],
        stdin=as_input(environment.values()),
        user=install.account,
        timeout=timeout,
        expect=None,
    )
    text = plain(f"{answer.text}\n{answer.error_text}" if answer.error_text.strip() else answer.text)
    if answer.exit_status == _NO_PROGRAM and not answer.text.strip():
        raise ConnectorError(
            f"the program {install.node} was not found",
            host=session.host,
            tried=f"{install.node} troubleshoot.js in {install.directory} as {install.account}",
            remedy="name node by its full path in the unit's ExecStart",
        )
    if not text.strip():
        raise ConnectorError(
            "the troubleshooter said nothing",
            host=session.host,
            tried=f"{install.node} troubleshoot.js in {install.directory} as {install.account}",
            meaning=f"it ended with status {answer.exit_status}",
            remedy="run it by hand on the host",
        )
    return text
