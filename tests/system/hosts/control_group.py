"""A control group of its own for each host, because systemd in one host must not see the services of another as its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")

_ENTER = """\
while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done
shift
exec "$@"
"""


class ControlGroup:
    """One group in systemd's hierarchy, and in the unified one where this machine has both. The janitor removes it."""

    def __init__(self, name: str) -> None:
        hierarchies = [_ROOT / "systemd", _ROOT / "unified"] if (_ROOT / "systemd").is_dir() else [_ROOT]
        self._groups = [hierarchy / name for hierarchy in hierarchies if (hierarchy / "cgroup.procs").exists()]
        for group in self._groups:
            group.mkdir(exist_ok=True)

    @property
    def legacy(self) -> bool:
        """Whether this machine still has systemd's hierarchy of version 1, so that hosts must be booted with it."""
        return any(group.parent != _ROOT for group in self._groups)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command line that runs `arguments` inside the group."""
        return ["/bin/sh", "-c", _ENTER, "sh", *map(str, self._groups), "--", *arguments]
