"""Scripts over a plain command: what is sent to the bootstrap on a host's standard input, and what comes back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import SecretStr

from tui.remote.windows.own_scripts import own_script
from tui.remote.windows.powershell_session import ScriptError
from tui.remote.windows_session import Parameter, Script

POWERSHELL = "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand "
LONGEST_COMMAND = 8_000
"""cmd.exe cuts command lines at 8,191 characters."""

_CONSTRAINED = re.compile(rb"\[adldap-ha (\w+) ([0-9.]+)\]")


@cache
def command_line() -> str:
    """What is executed on the host. Nothing in it depends on the script that is to run."""
    lines = own_script("bootstrap.ps1").text.splitlines()
    kept = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return POWERSHELL + base64.b64encode("\n".join(kept).encode("utf-16-le")).decode("ascii")


def request(script: Script, parameters: Mapping[str, Parameter], nonce: str) -> bytes:
    """The one line that the bootstrap reads."""
    value = {
        "script": script.text,
        "parameters": {name: _typed(given) for name, given in parameters.items()},
        "nonce": nonce,
    }
    return base64.b64encode(json.dumps(value).encode("utf-8")) + b"\n"


def _typed(value: Parameter) -> dict[str, Any]:
    if isinstance(value, SecretStr):
        return {"type": "secret", "value": value.get_secret_value()}
    if isinstance(value, str):
        return {"type": "string", "value": value}
    if isinstance(value, bool):
        return {"type": "bool", "value": value}
    if isinstance(value, int):
        return {"type": "int", "value": value}
    if isinstance(value, float):
        raise TypeError("no script takes a fraction")
    return {"type": "strings", "value": list(value or ())}


def answer(printed: bytes, nonce: str) -> str | None:
    """What the script put out, from all that the command printed; None while the answer is not whole.

    Raises ScriptError.
    """
    # A shell may break long lines, and its start-up files may print.
    mark = nonce.encode("ascii")
    pieces = b"".join(printed.split()).split(mark)
    if len(pieces) < 3:
        return None
    value = json.loads(base64.b64decode(pieces[1]))
    if "error" in value:
        error = value["error"]
        raise ScriptError(str(error["type"]), str(error["message"]), int(error["hresult"]))
    return str(value["output"])


def constrained_mode(printed: bytes) -> tuple[str, str] | None:
    """Language mode and version of a PowerShell that does not run the bootstrap; None when it printed nothing of the kind."""
    found = _CONSTRAINED.search(printed)
    return (found[1].decode("ascii"), found[2].decode("ascii")) if found else None
