"""What the lab's `node` does with a command line: it knows the connector's three programs and the project's ticket script."""

from __future__ import annotations

import importlib
import os
import sys

from .environment import shown

TICKET_MARK = "// adldap-ha ticket-info"
_PROGRAMS = {"server.js": "connector", "troubleshoot.js": "troubleshoot"}


def main(arguments: list[str]) -> int:
    """Run what `node ARGUMENTS` would; returns the exit status."""
    while arguments and arguments[0].startswith("--"):
        arguments = arguments[1:]
    if arguments[:1] == ["-e"] and len(arguments) > 1 and arguments[1].lstrip().startswith(TICKET_MARK):
        return _run("ticket", arguments[2:])
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write("the lab's node runs only the connector's programs and this project's ticket script\n")
        return 9
    script = os.path.realpath(arguments[0])
    if not os.path.isfile(script):
        sys.stderr.write(
            f"node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '{shown(script)}'\n"
            "    at Module._resolveFilename (node:internal/modules/cjs/loader) {\n"
            "  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n\nNode.js v22.11.0\n"
        )
        return 1
    folder, name = os.path.split(script)
    if name == "server.js" and os.path.basename(folder) == "admin":
        return _run("console", [os.path.dirname(folder)])
    if name in _PROGRAMS:
        return _run(_PROGRAMS[name], [folder])
    sys.stderr.write(f"the lab's node cannot run {name}\n")
    return 9


def _run(program: str, arguments: list[str]) -> int:
    status: int = importlib.import_module(f"{__package__}.{program}").main(arguments)
    return status
