"""Namespaces of our own for mounts and processes: nothing in them is seen by, or outlives us on, the rest of the machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

_HOLD = """\
set -eu
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs "$1"
echo ready
exec sleep infinity
"""


class PrivateMounts:
    """A process that keeps the namespaces alive. `/run` and `directory` are empty file systems in memory inside them.

    It ends with the process that made it, whatever way that one ends; the kernel then kills what runs inside and drops every mount.
    """

    def __init__(self, directory: Path) -> None:
        self._outer = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),
                *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
                *("/bin/sh", "-c", _HOLD, "sh", str(directory)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._outer.stdout is not None
        if self._outer.stdout.readline() != b"ready\n":
            self.close()
            raise OSError("a private mount namespace could not be made")
        self._holder = children(self._outer.pid)[0]

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs `arguments` inside the namespaces, as a child of the process that runs it."""
        spaces = f"/proc/{self._holder}/ns"
        return ["nsenter", f"--mount={spaces}/mnt", f"--pid={spaces}/pid", "--", *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a program inside the namespaces; raises CalledProcessError with its standard error when it fails."""
        return subprocess.run(self.command(arguments), input=stdin, capture_output=True, check=True).stdout

    def outside(self, path: Path) -> Path:
        """The same file, as it is reached from outside the namespaces. Absolute links in it must not be followed."""
        return Path(f"/proc/{self._holder}/root") / path.relative_to("/")

    def close(self) -> None:
        """End the namespaces and everything that runs in them; never raises."""
        self._outer.kill()
        self._outer.wait()
        if self._outer.stdout is not None:
            self._outer.stdout.close()


def children(pid: int) -> list[int]:
    """The children of a process, none when it has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
