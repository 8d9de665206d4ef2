"""What leads up to a run: going on and back, and what stands in the way."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import at, fill, make_app, perform
from tests.snapshots.seen import SIZE, core, primary, screen_name, text_of
from tui.errors import OperatorError
from tui.widgets.stage import Stage


@pytest.mark.parametrize("stage", list(Stage)[1:])
async def test_esc_goes_back_from_every_stage(stage: Stage) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(stage, run=runs.RUN), "escape")
        assert screen_name(app) == "HomeScreen"


async def test_esc_goes_back_step_by_step_and_never_leaves_the_program() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "enter")
        seen = [screen_name(app)]
        for _ in range(4):
            await perform(pilot, "escape")
            seen.append(screen_name(app))
        assert seen == ["FirstHostScreen", "ConnectScreen", "HostsScreen", "HomeScreen", "HomeScreen"]


@pytest.mark.parametrize("typed", ["", "corp", "Corp-ldap", "corp-ldap ", "other"])
async def test_nothing_but_the_clusters_own_name_begins_a_run(typed: str) -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION), fill("#typed", typed))
        assert primary(app).disabled
        await perform(pilot, "enter")
        assert operations.started == []
        assert screen_name(app) == "ConfirmationScreen"


async def test_the_typed_name_begins_the_run_and_going_back_from_it_leads_home() -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION), *"corp-ldap", "enter")
        assert operations.started == [(data.SECOND, data.THIRD)]
        assert screen_name(app) == "ProgressScreen"
        await perform(pilot, "escape")
        assert screen_name(app) == "HomeScreen"
        assert operations.words == []


async def test_a_first_host_with_a_blocker_leads_nowhere() -> None:
    app = make_app(core(first=data.broken_survey()))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.FIRST_HOST))
        assert primary(app).disabled
        await perform(pilot, "enter")
        assert screen_name(app) == "FirstHostScreen"


async def test_passphrases_that_differ_make_no_backup() -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.BACKUP), fill("#passphrase", "correct horse"), fill("#again", "correct house"))
        assert primary(app).disabled
        await perform(pilot, fill("#again", "correct horse"), "enter")
        assert operations.passphrases == ["correct horse"]
        assert "opened again" in text_of(app)


async def test_a_wrong_passphrase_is_told_and_stays_told_on_the_backup_stage() -> None:
    wrong = OperatorError("the passphrase is wrong", remedy="type it again")
    app = make_app(core(identity=True, errors={"unlock_identity": wrong}))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.BACKUP), fill("#passphrase", "not-this-one"), "enter")
        assert "the passphrase is wrong" in text_of(app)
        assert app.screen.query_one("#passphrase", Input).value == ""


async def test_a_host_that_serves_another_connection_must_be_left_out() -> None:
    surveys = {data.SECOND: data.additional_survey(data.SECOND), data.THIRD: data.configured_elsewhere(data.THIRD)}
    operations = core(additional=surveys)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.ADDITIONAL_HOSTS))
        assert primary(app).disabled
        await perform(pilot, "down", "x")
        assert not primary(app).disabled
        await perform(pilot, "enter", *"corp-ldap", "enter")
        assert operations.started == [(data.SECOND,)]


async def test_secrets_are_only_ever_called_set_or_not_set_in_the_comparison() -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await perform(pilot, at(Stage.ADDITIONAL_HOSTS), "v")
        rows = {line.split()[0]: line for line in text_of(app).splitlines() if "PROVISIONING_TICKET" in line}
        assert rows
        assert all("set" in line for line in rows.values())


async def test_a_new_cluster_is_filled_in_and_saved() -> None:
    operations = core(known=[])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", *"corp-ldap", "enter")
        assert screen_name(app) == "HostForm"
        await perform(pilot, fill("#host-name", data.FIRST), "tab")
        assert app.screen.query_one("#host-user", Input).value == "deploy"
        await perform(pilot, "enter", "a", fill("#host-name", data.SECOND), "tab", "enter", "enter")
        saved = operations.saved[0]
        assert saved.name == "corp-ldap"
        assert saved.cluster.first == data.FIRST
        assert [host.address for host in saved.hosts] == [
            f"{name}.corp.example.com" for name in (data.FIRST, data.SECOND)
        ]
        assert screen_name(app) == "ConnectScreen"


@pytest.mark.parametrize(("port", "told"), [("none", "from 1 to 65535"), ("70000", "from 1 to 65535")])
async def test_a_host_that_cannot_be_is_not_kept_and_the_field_is_named(port: str, told: str) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "e", fill("#host-port", port), "enter")
        assert screen_name(app) == "HostForm"
        assert told in text_of(app)
        assert app.focused is app.screen.query_one("#host-port")


async def test_help_explains_what_has_the_focus_also_while_typing() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION), "f1")
        assert "Typing the cluster's name" in text_of(app)
        await perform(pilot, "escape", "question_mark")
        assert screen_name(app) == "ConfirmationScreen"
        assert app.screen.query_one("#typed", Input).value == "?"
