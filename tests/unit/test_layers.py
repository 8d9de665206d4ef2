"""The core stands alone: it loads neither Textual nor a screen, and dependencies point one way."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tui

ROOT = Path(__file__).parents[2]
FRONTS = {"tui.app", "tui.cli", "tui.widgets", "tui.theme", "tui.terminal", "tui.terminal_driver"}
SLOW_TO_LOAD = {"paramiko", "pyrage", "httpx", "cryptography", "sqlite3", "tomlkit"}

_LOAD = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def core_modules() -> list[str]:
    """Every module below tui that is no front, the lab included; a `__main__` or a worker is a program, not a module."""
    found = (module.name for module in pkgutil.walk_packages(tui.__path__, "tui.", onerror=_fail))
    return sorted(
        name
        for name in found
        if not any(name == front or name.startswith(f"{front}.") for front in FRONTS) and not name.endswith("__main__")
    )


def _fail(name: str) -> None:
    raise ImportError(name)


def loaded_by(module: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded once it has imported `module`."""
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, module], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_every_core_module_loads_together_without_textual_or_screens() -> None:
    script = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n" + (
        "print([name for name in ('textual', 'screens') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *core_modules()], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout == "[]\n", done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize(
    "module",
    [
        "tui.cluster_file",
        "tui.vault.vault",
        "tui.tenant",
        "tui.remote.session",
        "tui.connector.model",
        "tui.runbook.model",
    ],
)
def test_what_a_program_loads_at_its_start_stays_light(module: str) -> None:
    assert not loaded_by(module) & SLOW_TO_LOAD


def test_the_core_does_not_print() -> None:
    """ruff's T20 covers the same; the command line is the one module that may."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "T20", "--quiet", "tui", "screens"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_dependencies_point_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
