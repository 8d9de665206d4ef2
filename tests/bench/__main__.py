"""`python -m tests.bench [startup] [loopback] [procedure] [windows] [dashboard]`: print measured figures; nothing here passes or fails."""

from __future__ import annotations

import sys

from tests.bench import dashboard, loopback, procedure, startup, windows

TABLES = {
    "startup": startup.run,
    "loopback": loopback.run,
    "procedure": procedure.run,
    "windows": windows.run,
    "dashboard": dashboard.run,
}


def main(names: list[str]) -> int:
    """Print the named tables, all without names; returns the exit status."""
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        print(f"no such table: {' '.join(unknown)}; there are: {' '.join(TABLES)}", file=sys.stderr)
        return 2
    for name in names or TABLES:
        TABLES[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
