"""The dashboard over embedded hosts: opened from home, a fault seen, an instance restarted, the tenant watching."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, finished, jump_box, until
from tests.lab.wizard_pilot import WizardPilot
from tui.app import AdldapHaApp
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.paths import cluster_file
from tui.runbook.model import RunState
from tui.runbook.watching import last_seen

NAMES = ("fir", "oak", "elm")
SIZE = (120, 36)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three in service."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        cluster_file("lab").write_bytes(made.cluster_file.read_bytes())
        yield made


async def test_a_week_at_the_dashboard(box: JumpBox) -> None:
    since = time.time()
    with box.operations() as operations:
        app = AdldapHaApp(operations)
        async with app.run_test(size=SIZE) as pilot:
            wizard = WizardPilot(app, pilot)
            await wizard.sees("Open lab")
            await wizard.press("d")
            await wizard.stage("DashboardScreen")
            await wizard.sees("3 of 3 instances connected", "All is well", "✓ online")
            await wizard.press("3")
            await wizard.sees("Agent accepted", "the tenant accepted this instance")
            await wizard.press("2", "a")
            await wizard.sees("PROVISIONING_TICKET", "equal")
            await wizard.press("1", "t")
            await wizard.sees("passed,")
            box.lab.fault("clock", "oak")
            await wizard.press("down", "r")
            await wizard.sees("Look at oak")
            box.lab.fault("clock", "oak", False)
            until(lambda: len(box.lab.tenant.accepted()) == len(NAMES))
            await wizard.press("r")
            await wizard.sees("All is well")
            await wizard.press("u", "x", "r")
            await wizard.sees("Restart oak?", "Stop the connector")
            await wizard.press("y")
            await wizard.stage("ProgressScreen")
            await wizard.sees("Every step has ended well", seconds=120)
            await wizard.go_on("See the summary")
            await wizard.go_on("Open the dashboard")
            await wizard.stage("DashboardScreen")
            await wizard.sees("3 of 3 instances connected", "read-only")
            run = operations.runs()[0]
            assert (run.act, run.state) == ("restart", RunState.DONE)
            await wizard.press("4")
            await wizard.sees("STARTING AD-LDAP CONNECTOR (the connector process started)", "Agent accepted")
    assert {name: seen.verdict for name, seen in last_seen("lab").items()} == dict.fromkeys(NAMES, Verdict.HEALTHY)
    assert box.lab.tenant.hub.least_connected(since) >= 1
    assert leaks(box.lab.canaries(), box.home) == []
    assert not [canary for canary in box.lab.canaries() if any(canary in seen for seen in wizard.seen)]


async def test_a_drill_that_is_under_way_is_returned_to_from_home(box: JumpBox) -> None:
    since = time.time()
    with box.operations() as operations:
        run = operations.acts.start("drill")
        app = AdldapHaApp(operations)
        async with app.run_test(size=SIZE) as pilot:
            wizard = WizardPilot(app, pilot)
            await wizard.sees("Return to the run", "failover drill")
            await wizard.press("enter")
            await wizard.sees("Drilling the loss of each instance")
            await wizard.go_on("See the summary", seconds=120)
            await wizard.sees("✓ passed", "3 of 3 instances lost and back")
        assert finished(operations, run).state is RunState.DONE
        report = operations.report(run).read_text()
    assert "## Failover drill: passed" in report
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1


def test_the_admin_console_answers_at_the_address_that_is_told_until_it_is_closed(box: JumpBox) -> None:
    with box.operations() as operations:
        watched = operations.watch(interval=60)
        try:
            address = watched.open_console("oak")
            assert watched.open_console("oak") == address
            with urllib.request.urlopen(f"{address}version", timeout=20) as answer:
                assert answer.status == 200
        finally:
            watched.close()
        with pytest.raises(OSError, match=r"refused|reset|closed"):
            urllib.request.urlopen(f"{address}version", timeout=5)


def test_what_the_troubleshooter_said_is_known_the_next_time(box: JumpBox) -> None:
    with box.operations() as operations:
        report, _ = operations.troubleshoot("oak")
        watched = operations.watch(interval=60)
        try:
            assert watched.troubleshot()["oak"].report == report
        finally:
            watched.close()


def test_the_tenant_is_asked_and_its_offline_counts_in_the_verdict(box: JumpBox) -> None:
    with box.operations() as operations:
        watched = operations.watch(interval=2)
        try:
            until(lambda: watched.tenant().online is True)
            box.lab.fault("hub_down")

            def offline() -> bool:
                watched.refresh()
                return watched.tenant().online is False

            until(offline)
            assert "tenant-offline" in {problem.id for problem in watched.status().problems}
        finally:
            box.lab.fault("hub_down", on=False)
            watched.close()
