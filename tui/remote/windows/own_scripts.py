"""The PowerShell scripts of this package."""

from __future__ import annotations

from functools import cache

from tui.remote.windows_session import Script, load_script

SCRIPTS = "tui.remote.windows.scripts"


@cache
def own_script(name: str) -> Script:
    """The script file `name` of this package."""
    return load_script(SCRIPTS, name)
