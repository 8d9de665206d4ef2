"""The project's own scripts, answered from Python: told by their exact text, given what their param block takes.

No PowerShell is interpreted: that a script does what is answered here is for its own tests to show. Any other script is
refused, and so is a parameter that a script does not declare, so that the two cannot drift apart unnoticed.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tui.lab.windows import (
    answers_ability,
    answers_files,
    answers_install,
    answers_log,
    answers_programs,
    answers_services,
    answers_state,
    dotnet,
)
from tui.lab.windows.parameters import bind
from tui.lab.windows.wsman_calls import Call

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

PACKAGES = ("tui.remote.windows.scripts", "tui.connector.windows.scripts")
BOOTSTRAP = "bootstrap.ps1"

Answer = Callable[["WindowsLabHost", Mapping[str, Any]], Mapping[str, Any]]

ANSWERS: Mapping[str, Answer] = {
    **answers_ability.ANSWERS,
    **answers_files.ANSWERS,
    **answers_install.ANSWERS,
    **answers_log.ANSWERS,
    **answers_programs.ANSWERS,
    **answers_services.ANSWERS,
    **answers_state.ANSWERS,
}
"""What each script puts out, by its file name."""

_IN_CONSTRAINED_MODE = ("Get-Ability.ps1",)


@functools.cache
def known_scripts() -> Mapping[str, str]:
    """The names of the project's scripts by their text."""
    found = {}
    for package in PACKAGES:
        for file in files(package).iterdir():
            if file.name.endswith(".ps1") and file.name != BOOTSTRAP:
                found[file.read_text(encoding="utf-8")] = file.name
    return found


def run_script(host: WindowsLabHost, call: Call) -> str:
    """What a script puts out on this host. Raises PsError."""
    name = known_scripts().get(call.script)
    if name is None:
        # The client may have read a script that was edited since this lab began.
        known_scripts.cache_clear()
        name = known_scripts().get(call.script)
    if name is None or name not in ANSWERS:
        raise dotnet.error(
            "System.Management.Automation.CommandNotFoundException",
            f"the lab interprets no PowerShell and does not know this script ({name or call.script[:60]!r})",
            0x80131501,
        )
    call.name = name
    host.notice(name)
    bound = bind(call.script, call.parameters, call.secrets)
    if host.constrained and name not in _IN_CONSTRAINED_MODE:
        raise dotnet.constrained()
    return json.dumps(ANSWERS[name](host, bound), separators=(",", ":"), ensure_ascii=False)
