"""A cluster changed from the dashboard: drift brought back, a key changed everywhere, a new certificate, another reference."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, jump_box, until
from tests.lab.wizard_pilot import WizardPilot
from tui.app import AdldapHaApp
from tui.cluster_file import load_cluster
from tui.lab.lab import Lab
from tui.lab.standin.certificates import thumbprint
from tui.paths import cluster_file
from tui.runbook.model import RunState

NAMES = ("fir", "oak")
SIZE = (120, 36)
MAPPER = "lib/profileMapper.js"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of two in service, the second of which has drifted."""
    with Lab(tmp_path / "lab", NAMES, NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        cluster_file("lab").write_bytes(made.cluster_file.read_bytes())
        path_of(made, "oak", MAPPER).write_bytes(b"module.exports = function () { return {}; };\n")
        yield made


def path_of(box: JumpBox, host: str, relative: str) -> Path:
    return Path(box.lab.hosts[host].install_dir) / relative


def settings_of(box: JumpBox, host: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(path_of(box, host, "config.json").read_bytes())
    return loaded


async def carried_out(wizard: WizardPilot) -> None:
    """See the run end well, and return to the dashboard."""
    await wizard.stage("ProgressScreen")
    await wizard.sees("Every step has ended well")
    await wizard.go_on("See the summary")
    await wizard.go_on("Open the dashboard")
    await wizard.stage("DashboardScreen")
    await wizard.sees("2 of 2 instances connected", "read-only")


async def test_the_acts_that_change_a_cluster_from_the_dashboard(box: JumpBox) -> None:
    good, old, since = path_of(box, "fir", MAPPER).read_bytes(), box.lab.tenant.published, time.time()
    with box.operations() as operations:
        operations.access.secrets.vault.passphrase = None
        app = AdldapHaApp(operations)
        async with app.run_test(size=SIZE) as pilot:
            wizard = WizardPilot(app, pilot)
            await wizard.sees("Open lab")
            await wizard.press("d")
            await wizard.stage("DashboardScreen")
            await wizard.sees("2 of 2 instances connected", "Look at oak")

            await wizard.press("down", "u", "x", "v")
            await wizard.stage("PassphraseDialog")
            wizard.fill("#secret", box.lab.vault_passphrase)
            await wizard.press("enter")
            await wizard.sees("It differs in", "fir serves meanwhile", "Back up what the host has now")
            await wizard.press("d")
            await wizard.sees("Configuration of oak, key by key", "profileMapper")
            await wizard.press("escape", "y")
            await carried_out(wizard)
            assert path_of(box, "oak", MAPPER).read_bytes() == good

            await wizard.press("u", "x", "e")
            await wizard.stage("ChangeForm")
            wizard.fill("#setting-0", "LDAP_BIND_CREDENTIALS=other")
            await wizard.press("enter")
            await wizard.sees("LDAP_BIND_CREDENTIALS cannot be changed everywhere")
            wizard.fill("#setting-0", "SITE_NAME=North")
            await wizard.press("enter")
            await wizard.sees("Change every instance of lab?", "Tried on one instance", "Look at the host")
            await wizard.press("y")
            await carried_out(wizard)
            assert {settings_of(box, name)["SITE_NAME"] for name in NAMES} == {"North"}
            assert box.lab.tenant.published == old
            assert box.lab.tenant.hub.least_connected(since) == 1

            await wizard.press("u", "x", "n")
            await wizard.sees("Nobody can log in from the moment the instances are stopped")
            await wizard.press("y")
            assert operations.runs()[0].act == "change"
            wizard.fill("#typed", "lab")
            await wizard.press("enter")
            await carried_out(wizard)

            await wizard.press("down", "u", "x", "p")
            await wizard.sees("Make oak the reference of lab?", "nothing")
            wizard.fill("#typed", "lab")
            await wizard.press("enter")
            await wizard.until(lambda: operations.cluster.first.name == "oak", "oak as the first host")
            await wizard.stage("DashboardScreen")
            await wizard.sees("2 of 2 instances connected", "read-only", "as on oak")
            assert load_cluster(cluster_file("lab")).first.name == "oak"
        planned = [change for step in operations.acts.preview("converge", ["fir"]).steps for change in step.changes]
        assert not [change.subject for change in planned if change.action == "replace"]
        assert [(run.act, run.state) for run in operations.runs()] == [
            (act, RunState.DONE) for act in ("renew", "change", "converge")
        ]
    new = {thumbprint(path_of(box, name, "certs/cert.pem").read_bytes()) for name in NAMES}
    assert new == {box.lab.tenant.published} != {old}
    until(lambda: box.lab.tenant.accepted() == dict.fromkeys(NAMES, 1))
    assert leaks(box.lab.canaries(), box.home) == []
    assert not [canary for canary in box.lab.canaries() if any(canary in seen for seen in wizard.seen)]
