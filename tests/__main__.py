"""The one test command, `python -m tests`: static checks, then every test on all cores.

What follows on the command line goes to pytest (`python -m tests -k vault`). The exit status is 0 only when everything passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import debian
from tests.kerberos_packages import why_unavailable as why_no_kerberos
from tests.system.hosts import why_unavailable

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff check", (str(BIN / "ruff"), "check", "--quiet", ".")),
    ("ruff format", (str(BIN / "ruff"), "format", "--check", "--quiet", ".")),
    ("mypy --strict", (str(BIN / "mypy"),)),
    ("import contracts", (str(BIN / "lint-imports"),)),
)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _check(named: tuple[str, tuple[str, ...]]) -> bool:
    name, command = named
    started = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    passed = done.returncode == 0
    _say(f"{name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s")
    if not passed:
        _say(done.stdout + done.stderr)
    return passed


def _pytest(arguments: list[str]) -> int:
    # One more than there are cores: many a test waits for a host, a settle time or an answer.
    workers = str(min(8, (os.cpu_count() or 2) + 1))
    command = [sys.executable, "-m", "pytest", "-n", workers, "--dist", "loadgroup", *arguments]
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run everything; returns the exit status."""
    _say(debian.install())
    reason = why_unavailable()
    image: subprocess.Popen[bytes] | None = None
    if reason is None:
        image = subprocess.Popen(
            [sys.executable, "-m", "tests.system.hosts.root_image"], cwd=ROOT, stdin=subprocess.DEVNULL
        )
    else:
        _say(f"tests on booted hosts are skipped: {reason}")
    kerberos = subprocess.Popen([sys.executable, "-m", "tests.kerberos_packages"], cwd=ROOT, stdin=subprocess.DEVNULL)
    with ThreadPoolExecutor(2) as pool:
        checks = list(pool.map(_check, CHECKS))
    if image is not None and image.wait() != 0:
        checks.append(False)
        _say("the root file system of the booted hosts could not be built")
    kerberos.wait()
    if (lacking := why_no_kerberos()) is not None:
        _say(f"logins at a real Kerberos key server are skipped: {lacking}")
    tests = _pytest(arguments)
    return tests or int(not all(checks))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
