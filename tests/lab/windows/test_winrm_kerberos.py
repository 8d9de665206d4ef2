"""Logins with Kerberos at a real key server, in a process of their own: see kerberos_logins.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.kerberos_packages import FOLDER, ROOT, why_unavailable

_LOGINS = Path(__file__).with_name("kerberos_logins.py")
_NAMES = [line[4 : line.index("(")] for line in _LOGINS.read_text().splitlines() if line.startswith("def test_")]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What came of each test of kerberos_logins.py: "" when it passed, else what it said."""
    if (reason := why_unavailable()) is not None:
        pytest.skip(reason)
    told = tmp_path_factory.mktemp("kerberos") / "results.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={told}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(FOLDER)))}
    environment.pop("PYTEST_ADDOPTS", None)
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(_LOGINS)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=200,
        check=False,
    )
    cases = ElementTree.parse(told).iter("testcase")
    return {str(case.get("name")): "".join(part.text or "" for part in case) for case in cases}


@pytest.mark.parametrize("name", _NAMES)
def test_kerberos_login(results: dict[str, str], name: str) -> None:
    assert results[name] == ""
