"""A mount namespace of our own: nothing that is mounted in it is seen by, or outlives us on, the rest of the machine."""

from __future__ import annotations

import contextlib
import os
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
    """A process that keeps the namespace alive. `/run` and `directory` are empty file systems in memory inside it.

    It ends with the process that made it, whatever way that one ends, and the kernel then drops every mount.
    """

    def __init__(self, directory: Path) -> None:
        self._holder = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),
                *("unshare", "--mount", "--propagation", "private"),
                *("/bin/sh", "-c", _HOLD, "sh", str(directory)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            self.close()
            raise OSError("a private mount namespace could not be made")

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs `arguments` inside the namespace."""
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", "--", *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a program inside the namespace; raises CalledProcessError with its standard error when it fails."""
        return subprocess.run(self.command(arguments), input=stdin, capture_output=True, check=True).stdout

    def outside(self, path: Path) -> Path:
        """The same file, as it is reached from outside the namespace. Absolute links in it must not be followed."""
        return Path(f"/proc/{self._holder.pid}/root") / path.relative_to("/")

    def close(self) -> None:
        """End the namespace; never raises."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._holder.pid, 9)
        self._holder.wait()
        if self._holder.stdout is not None:
            self._holder.stdout.close()
