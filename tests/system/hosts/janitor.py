"""A process that outlives the tests by a moment, to clear away what the kernel does not: bridge, control groups, files."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

_CLEAR = """\
trap '' HUP INT TERM
while read -r _; do :; done
ip link delete "$1" 2>/dev/null
tries=0
while [ "$tries" -lt 100 ]; do
  groups=$(find /sys/fs/cgroup -maxdepth 2 -type d -name "$1-*" 2>/dev/null)
  [ -n "$groups" ] || break
  find $groups -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
  tries=$((tries + 1))
done
rm -rf "$2"
"""


class Janitor:
    """Clears away the bridge `name`, the groups called `name`-… and `directory` on `close`, and when this process ends in any way."""

    def __init__(self, name: str, directory: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _CLEAR, "janitor", name, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def close(self) -> None:
        """Clear away now; never raises."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
