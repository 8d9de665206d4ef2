"""`demo --headless --drill --json`, as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_drill_of_the_demo_passes_with_all_but_one_connected_at_every_moment(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "demo", "--headless", "--drill", "--json"],
        env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=230,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    document = json.loads(done.stdout)
    hosts = {host["name"] for host in document["hosts"]}
    drill = document["drill"]
    assert (document["verdict"], drill["verdict"]) == ("healthy", "passed")
    assert drill["least_connected"] == len(hosts) - 1
    assert {each["host"] for each in drill["rounds"]} == hosts
    assert {each["verdict"] for each in drill["rounds"]} == {"passed"}
    assert all(each["out_of_service_s"] > 0 and each["evidence"] for each in drill["rounds"])


def test_a_drill_is_for_a_demo_without_screens(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "demo", "--drill"],
        env={**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert b"adldap-ha demo --headless --drill" in done.stderr
