"""Run one of the stand-in's programs from the folder it lies in, whatever that folder is called."""

from __future__ import annotations

import importlib
import os
import sys

FOLDER = os.path.dirname(os.path.realpath(__file__))


def main() -> int:
    """Dispatch on the program's name; returns its exit status."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry or ".") != FOLDER]
    sys.path.append(os.path.dirname(FOLDER))
    sys.path.extend(filter(None, os.environ.get("LAB_LIBRARIES", "").split(os.pathsep)))
    package = os.path.basename(FOLDER)
    program, *arguments = sys.argv[1:] or ["help"]
    if program not in ("connector", "console", "troubleshoot", "node"):
        sys.stderr.write("usage: standin connector|console|troubleshoot DIRECTORY, or standin node ARGUMENTS\n")
        return 2
    status: int = importlib.import_module(f"{package}.{program}").main(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
