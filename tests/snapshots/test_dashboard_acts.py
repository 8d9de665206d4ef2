"""What the dashboard asks before an act that changes files, and when it does not let one begin."""

from __future__ import annotations

import pytest

from screens.dashboard import DashboardScreen
from tests.snapshots import fixture_acts as acts
from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_watch as watch
from tests.snapshots.conftest import fill, make_app, perform
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.seen import SIZE, core, screen_name, text_of
from tests.snapshots.test_dashboard import VAULT, opened, typed
from tui.app import AdldapHaApp
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.remote.errors import SecretKind, SecretNeeded
from tui.runbook.order import Wanted
from tui.runbook.typed_change import TypedWrong
from tui.vault.errors import VaultError, VaultFailure

BUSY = OperatorError(
    "run 20261123T090000Z of corp-ldap is under way", meaning="one run at a time", remedy="wait for its end"
)


def in_service() -> FixtureOperations:
    """A cluster whose vault is open."""
    made = core(**VAULT)
    made.kept = acts.backups()
    return made


def locked_again(app: AdldapHaApp) -> None:
    """Ten minutes have passed."""
    for screen in app.screen_stack:
        if isinstance(screen, DashboardScreen):
            screen.lock_again()


async def test_the_first_host_is_not_brought_back_to_itself_and_the_reason_is_told() -> None:
    operations = in_service()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "v")
        assert screen_name(app) == "RefusedDialog"
        assert "is the first host itself" in text_of(app)
        await perform(pilot, "escape")
        assert screen_name(app) == "DashboardScreen"
        assert operations.acts.started == []


async def test_converging_asks_for_the_passphrase_shows_the_drift_and_then_begins() -> None:
    operations = core(identity=True)
    operations.watched.known = watch.degraded()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "down", "u", "x", "v")
        assert screen_name(app) == "PassphraseDialog"
        await perform(pilot, fill("#secret", "correct horse"), "enter")
        assert operations.passphrases == ["correct horse"]
        assert "It differs in LDAP_BASE." in text_of(app)
        await perform(pilot, "d")
        assert "DC=old" in text_of(app)
        await perform(pilot, "escape", "y")
        assert operations.acts.started == [("converge", (data.SECOND,), False)]
        assert screen_name(app) == "ProgressScreen"


async def test_a_wrong_passphrase_is_told_and_asked_for_again() -> None:
    wrong = VaultError("the passphrase does not open the identity", reason=VaultFailure.WRONG_PASSPHRASE)
    operations = core(identity=True, errors={"unlock_identity": wrong})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "n", fill("#secret", "wrong horse"), "enter")
        assert screen_name(app) == "PassphraseDialog"
        assert "The passphrase does not open the identity." in text_of(app)
        await perform(pilot, "escape")
        assert screen_name(app) == "DashboardScreen"


async def test_without_an_identity_nothing_is_changed_and_the_way_to_one_is_told() -> None:
    app = make_app(core())
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "n")
        assert screen_name(app) == "RefusedDialog"
        assert "adldap-ha backup create corp-ldap" in text_of(app)


async def test_a_new_certificate_states_the_interruption_and_wants_the_clusters_name() -> None:
    operations = in_service()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "n")
        assert "Nobody can log in from the moment the instances are stopped" in text_of(app)
        await perform(pilot, "y", "enter")
        assert "It is corp-ldap." in text_of(app)
        assert operations.acts.started == []
        await perform(pilot, fill("#typed", "corp-ldap"), "enter")
        assert operations.acts.started == [("renew", (), True)]


async def test_a_plan_with_a_blocker_cannot_be_begun_with_any_key() -> None:
    operations = in_service()
    stopping = Finding(id="locked", severity=Severity.BLOCKER, summary="bea is at work on ldap-fra-02")
    operations.acts.findings = (stopping,)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "n", "enter", "y")
        assert "It cannot be done: bea is at work on ldap-fra-02." in text_of(app)
        assert operations.acts.started == []


@pytest.mark.parametrize("stage", ["error", "not_started"])
async def test_what_the_core_refuses_stays_on_the_screen_until_it_is_closed(stage: str) -> None:
    operations = in_service()
    setattr(operations.acts, stage, BUSY)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "o")
        if stage == "not_started":
            await perform(pilot, "y")
        operations.watched.put(watch.view(data.THIRD))
        await pilot.pause(0.4)
        assert "is under way" in text_of(app)
        assert "wait for its end" in text_of(app)
        await perform(pilot, "escape")
        assert screen_name(app) == "DashboardScreen"


async def test_what_is_confirmed_after_the_dashboard_has_locked_itself_does_not_begin() -> None:
    operations = in_service()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "o", locked_again, "y")
        assert "has locked itself again" in text_of(app)
        assert operations.acts.started == []


async def test_what_a_host_asks_while_the_plan_is_made_comes_before_the_plan() -> None:
    operations = in_service()
    operations.acts.error = SecretNeeded(data.SECOND, SecretKind.SUDO_PASSWORD, "[sudo] password for deploy:")
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "o")
        assert screen_name(app) == "SecretDialog"
        operations.acts.error = None
        await perform(pilot, fill("#secret", "sesame"), "enter")
        assert operations.supplied == [(data.SECOND, SecretKind.SUDO_PASSWORD, "sesame")]
        assert screen_name(app) == "ActDialog"


async def test_a_typed_change_that_cannot_be_taken_is_told_beside_its_field_and_kept() -> None:
    operations = in_service()
    operations.acts.wrong = TypedWrong(OperatorError("PORT is a whole number"), 1)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "e", "enter")
        assert "Name a profile mapper, or at least one key" in text_of(app)
        await perform(pilot, *typed("SITE_NAME=North", "PORT=many"))
        lines = text_of(app).splitlines()
        place = next(number for number, line in enumerate(lines) if "PORT=many" in line)
        assert "PORT is a whole number." in lines[place + 1]
        operations.acts.wrong = None
        await perform(pilot, fill("#setting-1", "PORT=4100"), "enter")
        assert operations.acts.typed[-1] == ("", ("SITE_NAME=North", "PORT=4100"))
        assert "Tried on one instance" in text_of(app)
        await perform(pilot, "y")
        assert operations.acts.started == [("change", (), False)]
        assert operations.acts.given == [Wanted(values={"SITE_NAME": "North", "PORT": "4100"})]


async def test_promoting_writes_the_cluster_file_once_its_name_is_typed() -> None:
    operations = in_service()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "down", "u", "x", "p")
        assert "LDAP_BASE" in text_of(app)
        await perform(pilot, fill("#typed", data.SECOND), "enter")
        assert operations.saved == []
        await perform(pilot, fill("#typed", "corp-ldap"), "enter")
        assert [cluster.first.name for cluster in operations.saved] == [data.SECOND]
        assert screen_name(app) == "DashboardScreen"
        assert "read-only" in text_of(app)


async def test_what_a_promotion_cannot_write_down_is_told_before_it_is_agreed_to() -> None:
    operations = in_service()
    operations.acts.not_kept = (f"{data.THIRD} cannot be read",)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "down", "u", "x", "p")
        assert "Not kept" in text_of(app)
        assert f"{data.THIRD} cannot be read" in text_of(app)


async def test_a_host_that_is_not_fit_is_not_promoted_and_the_reason_is_told() -> None:
    operations = in_service()
    operations.acts.error = OperatorError("ldap-fra-02 is not connected to the hub", remedy="mend it first")
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "down", "u", "x", "p")
        assert screen_name(app) == "RefusedDialog"
        assert "is not connected to the hub" in text_of(app)
        assert operations.saved == []


async def test_a_backup_goes_to_the_chosen_instance_or_to_every_one() -> None:
    operations = in_service()
    newest = operations.kept[0].id
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(
            pilot, opened, "down", "u", "x", "b", "enter", "i", "y", "escape", "u", "x", "b", "enter", "a", "y"
        )
        everybody = (data.FIRST, data.SECOND, data.THIRD)
        assert operations.acts.started == [("restore", (data.SECOND,), False), ("restore", everybody, False)]
        assert operations.acts.given == [Wanted(backup=newest)] * 2


async def test_a_backup_with_a_certificate_that_the_tenant_does_not_know_goes_to_all_with_the_clusters_name() -> None:
    operations = in_service()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "b", "end", "enter", "i", "a")
        assert "The tenant knows another certificate" in text_of(app)
        await perform(pilot, "p", "y")
        assert operations.acts.started == []
        await perform(pilot, fill("#typed", "corp-ldap"), "enter")
        assert [(act, interrupts) for act, _, interrupts in operations.acts.started] == [("republish", True)]


async def test_an_empty_vault_is_told() -> None:
    app = make_app(core(identity=True))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "b")
        assert "there is no backup of corp-ldap" in text_of(app)


async def test_one_instance_alone_is_not_offered_what_needs_another_and_a_change_wants_its_name() -> None:
    operations = in_service()
    operations.watched.known = watch.healthy()[:1]
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x")
        assert "Failover drill" not in text_of(app)
        assert "Converge it" not in text_of(app)
        await perform(pilot, "e", *typed("SITE_NAME=North"), "y")
        assert "Nobody can log in while" in text_of(app)
        assert operations.acts.started == []
