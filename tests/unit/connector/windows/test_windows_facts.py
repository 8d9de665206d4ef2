"""What a Windows host is, its clock and its domain."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.connector.windows.scripted import ROOT, ScriptedSession, install
from tui.connector.install_findings import domain_findings
from tui.connector.windows.facts import parse_facts, read_facts
from tui.health.clock import clock_findings

TOLD: dict[str, Any] = {
    "name": "Microsoft Windows Server 2019 Standard",
    "build": "17763",
    "architecture": "AMD64",
    "memory": 4_294_967_296,
    "free": 10_000_000_000,
    "began": 1000.0,
    "now": 1000.4,
    "computer": "WIN-FIR",
    "domain": None,
    "machine": "4C4C4544-0042|9f1b",
    "lock": None,
    "parked": [],
    "powershell": "5.1.17763.1",
}


def test_the_facts() -> None:
    facts = parse_facts(TOLD, sent=1000.0, received=1000.4)
    assert (facts.os, facts.os_name) == ("windows", "Microsoft Windows Server 2019 Standard (build 17763)")
    assert (facts.memory_bytes, facts.free_bytes, facts.read_only) == (4 << 30, 10_000_000_000, False)
    assert (facts.hostname, facts.domain, facts.clock_skew_s) == ("WIN-FIR", None, 0.0)


@pytest.mark.parametrize(
    ("word", "machine"), [("AMD64", "x86_64"), ("x86", "i686"), ("ARM64", "aarch64"), ("64-bit", "x86_64")]
)
def test_an_architecture_has_one_name_on_every_system(word: str, machine: str) -> None:
    assert parse_facts(TOLD | {"architecture": word}, sent=0, received=0).architecture == machine


def test_the_clock_is_compared_with_half_the_way_there_and_back_taken_off() -> None:
    assert parse_facts(TOLD, sent=992.8, received=993.6).clock_skew_s == 7.0
    assert parse_facts({"now": 1007.0}, sent=999.0, received=1001.0).clock_skew_s == 7.0
    assert parse_facts({"name": "Windows"}, sent=0, received=0).clock_skew_s is None


def test_what_is_not_told_is_not_known() -> None:
    facts = parse_facts({"memory": None, "free": None}, sent=0, received=0)
    assert (facts.memory_bytes, facts.free_bytes) == (None, None)


def test_one_install_on_one_machine_is_told_from_every_other() -> None:
    def machine(directory: str, **values: Any) -> str | None:
        return parse_facts(TOLD | values, sent=0, received=0, directory=directory).machine

    assert machine(ROOT) == machine(ROOT.upper()) != machine("D:\\other")
    assert machine(ROOT) != machine(ROOT, machine="another|9f1b")
    assert machine(ROOT, machine=None) is None


def test_what_runs_have_left_is_told() -> None:
    left = {"lock": '{"run": "r1"}', "parked": ["20261120-1000-aaaa", "..", ".replaced"]}
    facts = parse_facts(TOLD | left, sent=0, received=0)
    assert (facts.lock, facts.parked_runs) == ('{"run": "r1"}', ("20261120-1000-aaaa",))
    assert parse_facts(TOLD, sent=0, received=0).lock is None


def test_they_are_asked_of_the_install_s_volume() -> None:
    session = ScriptedSession(Get_Facts=TOLD)
    read_facts(session, install())
    assert session.calls == [("Get-Facts.ps1", {"Directory": ROOT})]


def test_domain_membership_is_a_note() -> None:
    joined = domain_findings(parse_facts(TOLD | {"domain": "corp.example"}, sent=0, received=0))
    alone = domain_findings(parse_facts(TOLD, sent=0, received=0))
    assert [(finding.id, finding.severity) for finding in (*joined, *alone)] == [
        ("domain", "note"),
        ("no-domain", "note"),
    ]
    assert "corp.example" in joined[0].summary
    assert "NLTEST" in alone[0].summary


def test_the_clock_of_a_windows_host_is_set_by_windows_means() -> None:
    windows, linux = (clock_findings(7.0, system=system)[0].remedy or "" for system in ("windows", "linux"))
    assert "w32tm" in windows
    assert "domain controller" in windows
    assert "w32tm" not in linux
    assert "Get-Date" in (clock_findings(None, system="windows")[0].remedy or "")
