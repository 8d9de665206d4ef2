"""File names that a system cannot have: a set may come from the other one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tui.connector.model import ConfigurationSet, Install
from tui.findings import Finding, Severity

LONGEST_PATH = 259
"""Characters of a path on Windows, where long paths are not switched on."""

BESIDE = len(".adldap-ha--0123456789abcdef.tmp")
"""What the name of a file is longer by while it is written beside its target."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_REFUSED = re.compile(r"[<>:\"|?*\\\x00-\x1f]|[. ]$")


def name_findings(files: ConfigurationSet, install: Install) -> list[Finding]:
    """Blockers for what the set of another host holds and the file system of `install` cannot."""
    if install.os != "windows":
        return []
    paths = sorted({*files.files, *files.directories})
    found = []
    if refused := [path for path in paths if any(_cannot_be(part) for part in path.split("/"))]:
        found.append(_blocker("name-refused", f"Windows can have no file called {', '.join(refused)}"))
    if twins := _twins(paths):
        found.append(
            _blocker(
                "name-case", f"{', '.join(twins)} would be one file on Windows, which knows no upper and lower case"
            )
        )
    room = LONGEST_PATH - len(install.directory) - 1
    if long := [path for path in paths if len(path) + BESIDE > room]:
        found.append(
            _blocker("path-too-long", f"{', '.join(long)} would lie deeper than Windows' {LONGEST_PATH} characters")
        )
    return found


def _cannot_be(name: str) -> bool:
    return bool(_RESERVED.fullmatch(name) or _REFUSED.search(name))


def _twins(paths: Iterable[str]) -> list[str]:
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.upper(), []).append(path)
    return [path for alike in by_name.values() if len(alike) > 1 for path in alike]


def _blocker(id: str, summary: str) -> Finding:
    return Finding(
        id=id,
        severity=Severity.BLOCKER,
        summary=summary,
        remedy="rename it on the first host, or move it out of the certs folder if the connector does not need it",
    )
