"""What is known of a cluster when its first host is down: would the others survive their next start?"""

from __future__ import annotations

from pathlib import Path

from tests.lab.command_line import Operator
from tui.lab.lab import Lab

NAMES = ("fir", "oak", "elm")


def test_every_other_host_is_compared_with_the_tenant(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab:
        operator = Operator(tmp_path / "home", lab)
        lab.fault("host_down", "fir")
        hosts = operator.ask("status", "lab", "--json").document["hosts"]
    matches = {host["name"]: (host["certificate"] or {}).get("matches_tenant") for host in hosts}
    assert matches == {"fir": None, "oak": True, "elm": True}
