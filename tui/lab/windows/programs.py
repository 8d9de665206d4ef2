"""How a program of a Windows host is run here: its node.exe is the stand-in, with real paths for the host's own.

Left out: every other program.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.lab.install_tree import STANDIN
from tui.lab.tools import libraries
from tui.lab.windows.tree import WindowsTree


@dataclass(frozen=True)
class Ended:
    """A program that ended, or was ended because it took too long (`status` None)."""

    status: int | None
    stdout: bytes
    stderr: bytes


class Programs:
    """Runs what lies on the host's tree."""

    def __init__(
        self, tree: WindowsTree, address: str, hostname: str, domain: str | None, clock_file: Path, speed: float
    ) -> None:
        """`domain` is the one that the host is joined to."""
        self._tree = tree
        self._base = {
            "LAB_OS": "windows",
            "LAB_ROOT": str(tree.root),
            "LAB_ADDRESS": address,
            "LAB_HOSTNAME": hostname,
            "LAB_CLOCK": str(clock_file),
            "LAB_SPEED": f"{speed:g}",
            "LAB_LIBRARIES": libraries(),
            "LANG": "C.UTF-8",
        }
        if domain:
            self._base["LAB_DOMAIN"] = domain

    def is_there(self, path: str) -> bool:
        """Whether a program lies there that can be run."""
        return path.lower().endswith(".exe") and self._tree.real(path).is_file()

    def is_node(self, path: str) -> bool:
        """Whether it is a node."""
        return path.lower().rpartition("\\")[2] == "node.exe"

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that stands for `node.exe ARGUMENTS`."""
        return [sys.executable, "-E", "-S", str(STANDIN), "node", *map(self._real, arguments)]

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """A program's whole environment: this host's, and `variables` with real paths."""
        return {**self._base, **{name: self._real(value) for name, value in variables.items()}}

    def _real(self, word: str) -> str:
        if re.match(r"[A-Za-z]:\\[^\n]*$", word):
            return str(self._tree.real(word))
        return word.replace("\\", "/") if re.fullmatch(r"[\w.\\-]+\.js", word) else word

    def run(
        self, arguments: Sequence[str], directory: str, variables: Mapping[str, str], payload: bytes, seconds: float
    ) -> Ended:
        """Run `node.exe ARGUMENTS` and wait for its end."""
        process = subprocess.Popen(
            self.command(arguments),
            cwd=self._tree.real(directory),
            env=self.environment(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(payload, seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return Ended(None, out, err)
        return Ended(process.returncode, out, err)
