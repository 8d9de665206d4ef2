"""An operator's account on a jump box: a home of its own, the installed command, and secrets that travel over standard input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("adldap-ha")


@dataclass(frozen=True)
class Ended:
    """A command that ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass
class JumpBox:
    """Runs `adldap-ha` as its user would. `secrets` is the `--secrets -` document."""

    home: Path
    secrets: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        (self.home / ".ssh").mkdir(mode=0o700, parents=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "SSH_"))},
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "LANG": "C.UTF-8",
        }
        (self.home / "run").mkdir(mode=0o700)

    def know(self, known_hosts: str) -> None:
        """Write the operator's known_hosts file."""
        (self.home / ".ssh" / "known_hosts").write_text(known_hosts, encoding="ascii")

    def write_cluster(self, name: str, text: str) -> Path:
        """Write a cluster file where the program looks for it."""
        path = self.home / ".config" / "adldap-ha" / f"{name}.toml"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def start(self, *arguments: str, secrets: bool = True) -> subprocess.Popen[str]:
        """Start a command and hand it the secrets."""
        words = [str(COMMAND), *arguments, *(("--secrets", "-") if secrets else ())]
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            cwd=self.home,
        )
        assert process.stdin is not None
        process.stdin.write(self.secrets if secrets else "")
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, *arguments: str, secrets: bool = True, seconds: float = 120) -> Ended:
        """Run a command to its end."""
        return finished(self.start(*arguments, secrets=secrets), seconds)

    def runner_pid(self) -> int | None:
        """The process id of this operator's detached runner, if one is alive."""
        home = f"HOME={self.home}".encode()
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"tui.runbook.runner" in words and home in (entry / "environ").read_bytes().split(b"\0"):
                    return int(entry.name)
            except (OSError, ValueError):
                continue
        return None

    def files(self) -> dict[Path, bytes]:
        """Everything that was written below the home."""
        return {path: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}


def finished(process: subprocess.Popen[str], seconds: float = 120) -> Ended:
    """Wait for a started command."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"did not end within {seconds:.0f} s:\n{out}\n{err}") from None
    return Ended(process.returncode, out, err)


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 60) -> None:
    """Return as soon as `ready()` holds; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)
