"""The wizard from home to the report, over the embedded hosts, with a real detached runner."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, jump_box
from tests.lab.wizard_pilot import WizardPilot
from tui.app import AdldapHaApp
from tui.lab.lab import Lab
from tui.paths import cluster_file
from tui.remote.access import Access
from tui.runbook.cluster_operations import ClusterOperations

SIZE = (100, 30)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", speed=20) as lab, jump_box(lab, monkeypatch) as made:
        made.write_cluster(tenant=False)
        cluster_file("lab").write_bytes(made.cluster_file.read_bytes())
        yield made


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """With one additional host."""
    with (
        Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        made.write_cluster(tenant=False)
        cluster_file("lab").write_bytes(made.cluster_file.read_bytes())
        yield made


@contextmanager
def operations_of(box: JumpBox, identity: Path) -> Iterator[ClusterOperations]:
    """A front that knows no host key and no secret yet."""
    access = Access(
        known_hosts=box.home / "fresh_known_hosts",
        system_known_hosts=box.home / "no_system_known_hosts",
        ssh_config=Path("/dev/null"),
    )
    made = ClusterOperations(access=access, identity_file=identity, operator="alice@jump")
    try:
        yield made
    finally:
        made.close()


async def connect(wizard: WizardPilot, lab: Lab) -> None:
    """Answer what the hosts ask, in whatever order they ask, until all are connected."""
    trusted: set[str] = set()
    for _ in range(3 * len(lab.hosts)):
        await wizard.until(
            lambda: wizard.app.screen.is_modal or f"{len(lab.hosts)} hosts connected" in wizard.look(), "a question"
        )
        if not wizard.app.screen.is_modal:
            return
        heading = str(getattr(wizard.app.screen, "heading", ""))
        dialog = wizard.app.screen
        if heading.startswith("Client secret"):
            return
        name = next(host for host in lab.hosts if host in heading)
        if heading.startswith("Is this"):
            trusted.add(name)
            assert lab.hosts[name].server.key.fingerprint in wizard.look()
            await wizard.press("y")
        else:
            assert name in trusted, "a secret was asked for before the host's key was confirmed"
            host = lab.hosts[name]
            wizard.fill("#secret", host.sudo_password if "sudo" in heading else host.password)
            await wizard.press("enter")
        await wizard.until(lambda: wizard.app.screen is not dialog, "the next screen")  # noqa: B023


async def test_an_operator_goes_from_home_to_the_report(box: JumpBox) -> None:
    begun = time.time()
    with operations_of(box, box.identity_file) as operations:
        wizard = await walk_home_to_report(box, AdldapHaApp(operations))
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert leaks(box.lab.canaries(), box.home) == []
    assert [canary for canary in box.lab.canaries() for text in wizard.seen if canary in text] == []


async def walk_home_to_report(box: JumpBox, app: AdldapHaApp) -> WizardPilot:
    """Every stage of the wizard, with what each must show."""
    async with app.run_test(size=SIZE) as pilot:
        wizard = WizardPilot(app, pilot)
        await wizard.sees("Open lab", "3 hosts, no run yet")
        await wizard.press("enter")
        await wizard.go_on("Connect")
        await connect(wizard, box.lab)
        await wizard.go_on("Look at the first host")
        await wizard.sees("key fits", "tenant knows it", "password opens", "config.json")
        await wizard.go_on("Back up the set")
        await wizard.sees("Type the passphrase of your identity")
        wizard.fill("#passphrase", box.lab.vault_passphrase)
        await wizard.go_on("Back up and verify")
        await wizard.sees("opened again")
        await wizard.go_on("Look at the others")
        await wizard.sees("oak", "elm", "ready", "What changes")
        await wizard.go_on("Review the plan")
        await wizard.sees("Type lab to begin")
        await wizard.type("lab")
        await wizard.go_on("Begin")
        await wizard.stage("ProgressScreen")
        await wizard.sees("Every host is proved", seconds=120)
        await wizard.go_on("Check the services")
        await wizard.go_on("Run the troubleshooter")
        await wizard.sees("Every test that applies has passed")
        await wizard.go_on("Look at the tenant")
        await wizard.sees("Is the connection", "It is online")
        await wizard.press("enter")
        await wizard.sees("online, says alice@jump")
        await wizard.go_on("See the summary")
        await wizard.sees("The cluster is healthy", "Keep the report")
        await wizard.press("o")
        await wizard.stage("RawTextDialog")
        await wizard.sees("alice@jump")
    return wizard


async def walk_to_the_backup(wizard: WizardPilot, lab: Lab, *, tenant: bool = False) -> None:
    """From home to the stage where the passphrase is asked for."""
    await wizard.sees("Open lab", f"{len(lab.hosts)} hosts, no run yet")
    await wizard.press("enter")
    await wizard.go_on("Connect")
    await connect(wizard, lab)
    if tenant:
        await wizard.stage("ClientSecretDialog")
        wizard.fill("#secret", lab.tenant.settings.client_secret)
        await wizard.press("enter")
        await wizard.stage("ConnectScreen")
    await wizard.go_on("Look at the first host")
    await wizard.go_on("Back up the set")
    await wizard.stage("BackupScreen")


async def test_with_the_tenants_api_and_after_a_wrong_passphrase_enter_alone_leads_to_the_summary(
    small: JumpBox,
) -> None:
    small.write_cluster(tenant=True)
    cluster_file("lab").write_bytes(small.cluster_file.read_bytes())
    with operations_of(small, small.identity_file) as operations:
        await walk_with_the_tenants_api(small, AdldapHaApp(operations))


async def walk_with_the_tenants_api(box: JumpBox, app: AdldapHaApp) -> None:
    """A wrong passphrase first; then enter alone, but for what must be typed."""
    async with app.run_test(size=SIZE) as pilot:
        wizard = WizardPilot(app, pilot)
        await walk_to_the_backup(wizard, box.lab, tenant=True)
        await wizard.sees("Type the passphrase of your identity")
        wizard.fill("#passphrase", "not the passphrase at all")
        await wizard.go_on("Back up and verify")
        await wizard.sees("passphrase is wrong")
        wizard.fill("#passphrase", box.lab.vault_passphrase)
        await wizard.go_on("Back up and verify")
        await wizard.sees("opened again")
        await wizard.go_on("Look at the others")
        await wizard.go_on("Review the plan")
        await wizard.sees("Type lab to begin")
        await wizard.type("lab")
        await wizard.go_on("Begin")
        await wizard.stage("ProgressScreen")
        await wizard.go_on("Check the services", seconds=120)
        await wizard.go_on("Run the troubleshooter")
        await wizard.go_on("Look at the tenant")
        await wizard.sees("The tenant says that the connection is online")
        await wizard.go_on("See the summary")
        await wizard.sees("The cluster is healthy", "Keep the report")


async def test_an_operator_without_an_identity_makes_one_on_the_way(small: JumpBox) -> None:
    with operations_of(small, small.home / "new_identity.age") as fresh:
        app = AdldapHaApp(fresh)
        async with app.run_test(size=SIZE) as pilot:
            wizard = WizardPilot(app, pilot)
            await walk_to_the_backup(wizard, small.lab)
            await wizard.sees("Once more", "Choose a passphrase")
            wizard.fill("#passphrase", small.lab.vault_passphrase)
            await wizard.sees("Type the same passphrase once more")
            wizard.fill("#again", small.lab.vault_passphrase)
            await wizard.go_on("Back up and verify")
            await wizard.sees("opened again")
