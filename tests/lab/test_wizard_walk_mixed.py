"""The wizard from home to the report on a cluster of a Linux and a Windows host that nobody has been connected to before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, jump_box
from tests.lab.wizard_pilot import WizardPilot
from tui.app import AdldapHaApp
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_UNSIGNED
from tui.paths import cluster_file
from tui.remote.access import Access
from tui.runbook.cluster_operations import ClusterOperations

SIZE = (100, 30)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    kinds = {"elm": WINDOWS_UNSIGNED}
    with (
        Lab(tmp_path / "lab", names=("fir", "elm"), speed=20, furnishings=kinds) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        made.write_cluster(tenant=False)
        cluster_file("lab").write_bytes(made.cluster_file.read_bytes())
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    """A front that knows no host key, no certificate and no secret yet."""
    access = Access(
        known_hosts=box.home / "fresh_known_hosts",
        system_known_hosts=box.home / "no_system_known_hosts",
        known_certificates=box.home / "fresh_known_certificates",
        ssh_config=Path("/dev/null"),
    )
    made = ClusterOperations(access=access, identity_file=box.identity_file, operator="alice@jump")
    try:
        yield made
    finally:
        made.close()


async def connect(wizard: WizardPilot, box: JumpBox) -> list[str]:
    """Answer what the hosts ask until both are connected; returns the headings of the questions."""
    asked: list[str] = []
    fingerprint = box.lab.known_certificates_text().split()[-1]
    fir, elm = box.lab.hosts["fir"], box.lab.windows["elm"]
    while True:
        await wizard.until(lambda: wizard.app.screen.is_modal or "2 hosts connected" in wizard.look(), "a question")
        if not wizard.app.screen.is_modal:
            return asked
        dialog = wizard.app.screen
        heading = str(getattr(dialog, "heading", ""))
        asked.append(heading)
        if heading.startswith("Is this"):
            seen = wizard.look().replace(" ", "")
            assert (fir.server.key.fingerprint if "fir" in heading else fingerprint.replace(" ", "")[:23]) in seen
            await wizard.press("y")
        else:
            fir_secret = fir.sudo_password if "sudo" in heading else fir.password
            wizard.fill("#secret", elm.password if "elm" in heading else fir_secret)
            await wizard.press("enter")
        await wizard.until(lambda: wizard.app.screen is not dialog, "the next screen")  # noqa: B023


async def test_an_operator_adds_a_windows_host_to_a_linux_one(box: JumpBox, operations: ClusterOperations) -> None:
    begun = time.time()
    app = AdldapHaApp(operations)
    async with app.run_test(size=SIZE) as pilot:
        wizard = WizardPilot(app, pilot)
        await wizard.sees("Open lab", "2 hosts, no run yet")
        await wizard.press("enter")
        await wizard.go_on("Connect")
        asked = await connect(wizard, box)
        assert not [heading for heading in asked if "elm" in heading and "sudo" in heading]
        assert sum("elm" in heading for heading in asked) == 2
        await wizard.go_on("Look at the first host")
        await wizard.sees("key fits", "tenant knows it", "password opens", "config.json")
        await wizard.go_on("Back up the set")
        await wizard.sees("Type the passphrase of your identity")
        wizard.fill("#passphrase", box.lab.vault_passphrase)
        await wizard.go_on("Back up and verify")
        await wizard.sees("opened again")
        await wizard.go_on("Look at the others")
        await wizard.sees("elm", "ready", "What changes")
        await wizard.go_on("Review the plan")
        await wizard.sees("Type lab to begin")
        await wizard.type("lab")
        await wizard.go_on("Begin")
        await wizard.stage("ProgressScreen")
        await wizard.sees("Every host is proved", seconds=120)
        await wizard.go_on("Check the services")
        await wizard.sees("elm", "✓ connected", "2 instances")
        await wizard.go_on("Run the troubleshooter")
        await wizard.sees("Every test that applies has passed")
        await wizard.go_on("Look at the tenant")
        await wizard.sees("Is the connection", "It is online")
        await wizard.press("enter")
        await wizard.sees("online, says alice@jump")
        await wizard.go_on("See the summary")
        await wizard.sees("The cluster is healthy", "Keep the report")
    assert box.lab.tenant.accepted() == {"fir": 1, "elm": 1}
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert leaks(box.lab.canaries(), box.home) == []
    assert [canary for canary in box.lab.canaries() for text in wizard.seen if canary in text] == []
    assert (box.home / "fresh_known_certificates").stat().st_mode & 0o777 == 0o600
