"""A run as it is followed: words to it, leaving and returning, taking it up again."""

from __future__ import annotations

import pytest

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import at, eventually, make_app, perform, settle
from tests.snapshots.seen import SIZE, core, primary, screen_name, text_of
from tui.errors import OperatorError
from tui.runbook.model import RunState
from tui.widgets.rows import Rows
from tui.widgets.stage import Stage


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


async def test_an_interrupted_run_does_not_look_alive() -> None:
    interrupted = runs.run_view(9, state=RunState.INTERRUPTED)
    app = make_app(core(past=[interrupted], views=[interrupted]))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter")
        assert "cut off" in text_of(app)
        assert "running" not in text_of(app)


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


@pytest.mark.parametrize(("state", "finishable"), [(RunState.FAILED, True), (RunState.INCONSISTENT, False)])
async def test_an_ended_run_that_left_hosts_changed_is_undone_from_home(state: RunState, finishable: bool) -> None:
    ended = runs.run_view(9, state=state).model_copy(update={"changed": (data.SECOND,)})
    operations = core(past=[ended], views=[ended])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.HOME))
        assert "Undo the run" in text_of(app)
        await perform(pilot, "enter", "u")
        assert ("Finish" in text_of(app)) is finishable
        await perform(pilot, "u", *"this-one", "enter")
        assert operations.resumed == [True]


async def test_a_failed_run_that_left_hosts_changed_can_be_finished() -> None:
    failed = runs.run_view(9, state=RunState.FAILED).model_copy(update={"changed": (data.SECOND,)})
    operations = core(past=[failed], views=[failed])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.HOME), "enter", "u")
        await perform(pilot, "f", *"this-one", "enter")
        assert operations.resumed == [False]


async def test_the_tenants_question_is_answered_on_its_own_stage() -> None:
    tenant = runs.run_view(runs.TOTAL - 1, state=RunState.WAITING, question=runs.tenant_question())
    operations = core(views=[tenant])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert primary(app).label == "Check the services"
        await perform(pilot, at(Stage.TENANT, run=runs.RUN), "n")
        assert operations.answers == [("q2", "not_green")]


async def test_enter_leads_on_from_the_tenant_when_nothing_is_asked() -> None:
    app = make_app(core(views=[runs.run_view(runs.TOTAL, state=RunState.DONE)]))
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.TENANT, run=runs.RUN), "enter")
        assert screen_name(app) == "SummaryScreen"


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
