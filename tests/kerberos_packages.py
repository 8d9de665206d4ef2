"""The Python packages that log in with Kerberos, built into a folder of their own: `python -m tests.kerberos_packages`.

They are not installed beside the program: where they can be imported, every Negotiate login looks for a key server first, and
most tests are about machines that have none. There are no wheels of them for Linux, so they are built from source once.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".kerberos"
_PACKAGES = ("gssapi", "krb5", "decorator")
_PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
_SEARCHED = "/usr/sbin:/usr/bin:/sbin:/bin"


def why_unavailable() -> str | None:
    """Why nothing can be tried with a real key server here; None when it can."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_SEARCHED) is None]
    if missing:
        return f"there is no {', '.join(missing)} on this machine"
    if not all((FOLDER / name).exists() or (FOLDER / f"{name}.py").exists() for name in _PACKAGES):
        return f"{' and '.join(_PACKAGES[:2])} could not be built (python -m tests.kerberos_packages)"
    return None


def build() -> int:
    """Build them where that has not been done; returns pip's exit status."""
    if why_unavailable() is None:
        return 0
    if any(shutil.which(name, path=_SEARCHED) is None for name in (*_PROGRAMS, "krb5-config", "gcc")):
        return 0
    if importlib.util.find_spec("pip") is None:
        return 1
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(FOLDER)]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    return subprocess.run([*command, *constraints, *_PACKAGES], stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    sys.exit(build())
