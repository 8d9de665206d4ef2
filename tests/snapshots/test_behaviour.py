"""What the screens let an operator do, and what they do not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import at, eventually, fill, make_app, perform, settle
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp
from tui.errors import OperatorError
from tui.remote.errors import BecomeFailed, SecretKind, SecretNeeded
from tui.runbook.model import RunState
from tui.runbook.survey import Connected
from tui.widgets.next_bar import Primary
from tui.widgets.rows import Rows
from tui.widgets.stage import Stage

SIZE = (100, 30)


def screen_name(app: AdldapHaApp) -> str:
    return type(app.screen).__name__


def text_of(app: AdldapHaApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def primary(app: AdldapHaApp) -> Primary:
    return app.screen.query_one(Primary)


def core(**fields: Any) -> FixtureOperations:
    made = FixtureOperations()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


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


async def test_an_unknown_host_key_is_trusted_only_when_it_is_confirmed() -> None:
    operations = core(unknown_keys={data.SECOND})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter")
        assert data.connected(data.SECOND).fingerprint in text_of(app)
        await perform(pilot, "enter")
        assert operations.unknown_keys == {data.SECOND}
        assert primary(app).disabled
        await perform(pilot, "r", "y")
        assert operations.unknown_keys == set()
        assert not primary(app).disabled


async def test_questions_of_several_hosts_are_asked_one_after_another() -> None:
    operations = core(unknown_keys={data.FIRST, data.SECOND, data.THIRD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter")
        asked = set()
        for _ in range(3):
            asked.add(str(getattr(app.screen, "heading", "")))
            await perform(pilot, "y")
        assert len(asked) == 3
        assert screen_name(app) == "ConnectScreen"
        assert set(app.state.connected) == {data.FIRST, data.SECOND, data.THIRD}


async def test_a_secret_is_masked_handed_over_once_and_forgotten_by_the_screen() -> None:
    operations = core(missing_secrets={data.SECOND: SecretKind.SUDO_PASSWORD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", *"hunter2")
        assert "hunter2" not in text_of(app)
        await perform(pilot, "enter")
        assert operations.supplied == [(data.SECOND, SecretKind.SUDO_PASSWORD, "hunter2")]
        assert not primary(app).disabled


async def test_a_secret_that_is_not_given_leaves_the_host_unconnected() -> None:
    operations = core(missing_secrets={data.THIRD: SecretKind.PASSWORD})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "escape")
        assert "not answered" in text_of(app)
        assert primary(app).disabled


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


WAITING = runs.run_view(13, state=RunState.WAITING, question=runs.failure(), failed=True)


async def test_a_failure_is_answered_with_a_letter() -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert "ssh deploy@ldap-fra-02.corp.example.com" in text_of(app)
        await perform(pilot, "b")
        assert operations.answers == [("q1", "roll_back")]


async def test_putting_a_decision_off_answers_nothing_and_can_be_taken_up_again() -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN), "escape")
        assert operations.answers == []
        assert screen_name(app) == "ProgressScreen"
        await perform(pilot, "enter", "r")
        assert operations.answers == [("q1", "retry")]


async def test_a_support_bundle_is_saved_without_deciding() -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN), "i")
        assert operations.answers == []
        assert "support-" in text_of(app)
        assert screen_name(app) == "FailureDialog"


async def test_a_question_that_was_answered_elsewhere_goes_away() -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert screen_name(app) == "FailureDialog"
        operations.views = [runs.run_view(14)]
        await eventually(pilot, lambda: screen_name(app) == "ProgressScreen")
        assert operations.answers == []


@pytest.mark.parametrize(("key", "word"), [("s", "abort"), ("b", "roll_back")])
async def test_stopping_and_rolling_back_ask_first_and_no_is_the_default(key: str, word: str) -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN), key, "enter")
        assert operations.words == []
        await perform(pilot, key, "y")
        assert operations.words == [word]


async def test_pause_and_go_on_are_the_same_key() -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN), "p")
        operations.views = [runs.run_view(9, state=RunState.PAUSED)]
        await eventually(pilot, lambda: app.state.view is not None and app.state.view.state is RunState.PAUSED)
        await perform(pilot, "p")
        assert operations.words == ["pause", "continue"]


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_leaving_during_a_run_says_that_it_goes_on_and_tells_it_nothing(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        await pilot.press(key)
    assert operations.words == []
    assert operations.answers == []
    assert app.return_value == 0
    assert "goes on without you" in capsys.readouterr().err


async def test_home_offers_to_return_to_a_run_that_is_under_way() -> None:
    app = make_app(core(past=[runs.run_view(9)]))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter")
        assert screen_name(app) == "ProgressScreen"
        assert app.state.run == runs.RUN


@pytest.mark.parametrize(("letter", "undo"), [("f", False), ("u", True)])
async def test_an_interrupted_run_is_finished_or_undone_after_unlocking(letter: str, undo: bool) -> None:
    interrupted = runs.run_view(9, state=RunState.INTERRUPTED)
    operations = core(past=[interrupted], views=[interrupted])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", letter, *"correct horse".replace(" ", "-"), "enter")
        assert operations.passphrases == ["correct-horse"]
        assert operations.resumed == [undo]


async def test_the_tenants_question_is_answered_on_its_own_stage() -> None:
    tenant = runs.run_view(runs.TOTAL - 1, state=RunState.WAITING, question=runs.tenant_question())
    operations = core(views=[tenant])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert primary(app).label == "Check the services"
        await perform(pilot, at(Stage.TENANT, run=runs.RUN), "n")
        assert operations.answers == [("q2", "not_green")]


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


class Demo:
    """Demo controls that remember what was switched."""

    cluster = "corp-ldap"
    passphrase = "correct horse"
    client_secret: str | None = "demo-client-secret"

    def __init__(self) -> None:
        self.switched: list[tuple[str, str | None, bool]] = []

    def secret_hint(self, host: str, kind: SecretKind) -> str | None:
        return f"{host}-{kind.value}"

    def faults(self) -> list[tuple[str, str]]:
        return [("clock", "The clock is 7 seconds off."), ("hub_down", "The hub does not answer.")]

    def set(self, fault: str, host: str | None, on: bool) -> None:
        self.switched.append((fault, host, on))


async def test_faults_are_switched_in_the_demo_and_exist_nowhere_else() -> None:
    demo = Demo()
    app = make_app(demo=demo)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "f", "enter", "h", "down", "space", "enter")
        assert demo.switched == [
            ("clock", None, True),
            ("hub_down", data.FIRST, True),
            ("hub_down", data.FIRST, False),
        ]
    plain = make_app()
    async with plain.run_test(size=SIZE) as pilot:
        await perform(pilot, "f")
        assert screen_name(plain) == "HomeScreen"


async def test_the_demo_fills_in_what_an_operator_would_type() -> None:
    operations = core(missing_secrets={data.SECOND: SecretKind.PASSWORD})
    app = make_app(operations, demo=Demo())
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "enter")
        assert operations.supplied == [(data.SECOND, SecretKind.PASSWORD, f"{data.SECOND}-password")]


async def test_rows_that_do_not_change_are_not_painted_again() -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        rows = app.screen.query_one("#hosts", Rows)
        before = {key: rows._rows[key] for key in rows.keys}
        painted: list[str] = []
        for key, row in before.items():
            row.refresh = lambda *_args, key=key, **_kw: painted.append(key)  # type: ignore[method-assign, assignment]
        await settle(pilot)
        await pilot.pause(0.7)
        assert {key: rows._rows[key] for key in rows.keys} == before
        assert painted == []


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_faults_and_their_keys_are_seen(size: tuple[int, int]) -> None:
    app = make_app(demo=Demo())
    async with app.run_test(size=size) as pilot:
        await perform(pilot, "f")
        shown = text_of(app)
        assert "everywhere" in shown
        assert "The clock is 7 seconds off." in shown
        assert "On or off" in shown
        await perform(pilot, "enter")
        assert "✔ on" in text_of(app) or " on " in text_of(app)


@pytest.mark.parametrize("stage", [Stage.PROGRESS, Stage.SERVICES, Stage.TROUBLESHOOTER, Stage.TENANT, Stage.SUMMARY])
async def test_a_failure_is_decided_on_every_screen_that_follows_the_run(stage: Stage) -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(stage, run=runs.RUN, view=WAITING))
        await eventually(pilot, lambda: screen_name(app) == "FailureDialog")
        assert "waits 15 minutes" in text_of(app)
        await perform(pilot, "r")
        assert operations.answers == [("q1", "retry")]


@pytest.mark.parametrize("stage", [Stage.TENANT, Stage.SUMMARY])
async def test_a_decision_that_was_put_off_can_be_taken_up_where_the_run_ends(stage: Stage) -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(stage, run=runs.RUN, view=WAITING))
        await eventually(pilot, lambda: screen_name(app) == "FailureDialog")
        await perform(pilot, "escape")
        assert primary(app).label == "Decide"
        await perform(pilot, "enter", "b")
        assert operations.answers == [("q1", "roll_back")]


async def test_enter_leads_on_from_the_tenant_when_nothing_is_asked() -> None:
    app = make_app(core(views=[runs.run_view(runs.TOTAL, state=RunState.DONE)]))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.TENANT, run=runs.RUN), "enter")
        assert screen_name(app) == "SummaryScreen"


async def test_a_wrong_passphrase_is_told_and_stays_told_on_the_backup_stage() -> None:
    wrong = OperatorError("the passphrase is wrong", remedy="type it again")
    app = make_app(core(identity=True, errors={"unlock_identity": wrong}))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.BACKUP), fill("#passphrase", "not-this-one"), "enter")
        assert "the passphrase is wrong" in text_of(app)
        assert app.screen.query_one("#passphrase", Input).value == ""


async def test_a_wrong_passphrase_is_told_where_it_is_asked_for_again() -> None:
    interrupted = runs.run_view(9, state=RunState.INTERRUPTED)
    wrong = OperatorError("the passphrase is wrong", remedy="type it again")
    operations = core(past=[interrupted], views=[interrupted], errors={"unlock_identity": wrong})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "f", *"not-this", "enter")
        assert screen_name(app) == "PassphraseDialog"
        assert "The passphrase is wrong" in text_of(app)
        operations.errors.clear()
        await perform(pilot, *"this-one", "enter")
        assert operations.resumed == [False]


async def test_an_interrupted_run_does_not_look_alive() -> None:
    interrupted = runs.run_view(9, state=RunState.INTERRUPTED)
    app = make_app(core(past=[interrupted], views=[interrupted]))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter")
        assert "cut off" in text_of(app)
        assert "running" not in text_of(app)


async def test_a_failed_run_that_left_hosts_changed_is_undone_from_home() -> None:
    failed = runs.run_view(9, state=RunState.FAILED).model_copy(update={"changed": (data.SECOND,)})
    operations = core(past=[failed], views=[failed])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.HOME))
        assert "Undo the run" in text_of(app)
        await perform(pilot, "enter", "u")
        assert "Finish" not in text_of(app)
        await perform(pilot, "u", *"this-one", "enter")
        assert operations.resumed == [True]


class OtherSudoPassword(FixtureOperations):
    """Hosts whose sudo does not take the login password."""

    def __init__(self) -> None:
        super().__init__()
        self._refused: set[str] = set()
        self._known: set[str] = set()

    def connect(self, host: str) -> Connected:
        if host in self._known:
            return super().connect(host)
        if host in self._refused:
            raise SecretNeeded(host, SecretKind.SUDO_PASSWORD, "[sudo] password for deploy:")
        self._refused.add(host)
        raise BecomeFailed("sudo refuses the password of deploy", host=host)

    def supply(self, host: str, kind: SecretKind, value: str) -> None:
        super().supply(host, kind, value)
        self._known.add(host)


async def test_another_sudo_password_is_asked_for_also_when_a_run_is_resumed() -> None:
    interrupted = runs.run_view(runs.TOTAL, state=RunState.INTERRUPTED)
    operations = OtherSudoPassword()
    operations.past = operations.views = [interrupted]
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "f", *"this-one", "enter")
        for _ in (data.FIRST, data.SECOND, data.THIRD):
            assert "sudo takes another password here" in text_of(app)
            await perform(pilot, *"s3cret", "enter")
        assert operations.resumed == [False]


def test_the_c_locale_gets_only_what_ascii_can_draw() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from tui.terminal import output_encoding as told; print(told())"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "ascii"
