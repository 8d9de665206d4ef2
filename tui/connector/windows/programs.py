"""Running the install's own node on a Windows host, in the environment that the service gives it."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr

from tui.connector.model import Install
from tui.connector.windows.script_calls import call
from tui.remote.windows_session import Parameter, WindowsSession

_MARGIN = 20.0
"""Seconds beyond a program's own limit before the link is given up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a program. `missing`: there is no such program; `timed_out`: it was ended by force."""

    exit_code: int | None
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)
    timed_out: bool
    missing: bool


def run_node(
    session: WindowsSession,
    install: Install,
    arguments: Sequence[str],
    timeout: float,
    payload: SecretStr | None = None,
) -> Ended:
    """Run node in the install directory as the account that is logged in, `payload` on its standard input.

    Variables of the service's environment are set on the host and never leave it. Raises ScriptFailed.
    """
    seconds = max(1, math.ceil(timeout))
    parameters: dict[str, Parameter] = {
        "FileName": install.node,
        "Arguments": list(arguments),
        "Directory": install.directory,
        "Service": install.connector_unit or "",
        "Payload": payload,
        "Seconds": seconds,
    }
    answer = call(session, "Invoke-Program.ps1", parameters, timeout=seconds + _MARGIN)
    return Ended(
        exit_code=answer.get("exit_code"),
        stdout=base64.b64decode(answer.get("stdout") or ""),
        stderr=base64.b64decode(answer.get("stderr") or ""),
        timed_out=bool(answer.get("timed_out")),
        missing=bool(answer.get("missing")),
    )
