"""What a run asks while it is followed: decisions, put off and taken up, and secrets handed to it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import at, eventually, make_app, perform
from tests.snapshots.seen import SIZE, core, primary, screen_name, text_of
from tui.errors import OperatorError
from tui.remote.errors import SecretKind
from tui.runbook.model import RunState
from tui.widgets.stage import Stage

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


@pytest.mark.parametrize("stage", [Stage.PROGRESS, Stage.SERVICES, Stage.TROUBLESHOOTER, Stage.TENANT, Stage.SUMMARY])
async def test_a_failure_is_decided_on_every_screen_that_follows_the_run(stage: Stage) -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(stage, run=runs.RUN, view=WAITING))
        await eventually(pilot, lambda: screen_name(app) == "FailureDialog")
        assert "chooses by itself: roll back" in text_of(app)
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


SECRET = runs.run_view(13, state=RunState.WAITING, question=runs.secret_question(), failed=True)


async def test_a_refused_secret_is_typed_hidden_handed_to_the_run_and_the_step_tried_again() -> None:
    operations = core(views=[SECRET])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert f"sudo password for {data.SECOND}" in text_of(app)
        await perform(pilot, "enter")
        assert operations.answers == []
        await perform(pilot, *"hunter2")
        assert "hunter2" not in text_of(app)
        await perform(pilot, "enter")
        assert operations.handed == [(data.SECOND, SecretKind.SUDO_PASSWORD, "hunter2")]
        assert operations.answers == [("q3", "retry")]
        assert operations.supplied == []


async def test_a_wanted_secret_can_be_answered_by_rolling_back_without_typing_one() -> None:
    operations = core(views=[SECRET])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN), "tab", "b")
        assert operations.handed == []
        assert operations.answers == [("q3", "roll_back")]


async def test_a_secret_that_the_run_did_not_take_leaves_its_question_open() -> None:
    gone = OperatorError("the runner does not answer", remedy="look at the run again")
    operations = core(views=[SECRET], errors={"supply_to_run": gone})
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.SERVICES, run=runs.RUN, view=SECRET))
        await eventually(pilot, lambda: screen_name(app) == "SecretQuestionDialog")
        await perform(pilot, *"hunter2", "enter")
        assert operations.answers == []
        assert "the runner does not answer" in text_of(app)
        await eventually(pilot, lambda: "Press d to decide" in text_of(app))


@pytest.mark.parametrize("stage", [Stage.SERVICES, Stage.TROUBLESHOOTER])
async def test_a_decision_that_was_put_off_stays_in_sight_and_one_key_away(stage: Stage) -> None:
    operations = core(views=[WAITING])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(stage, run=runs.RUN, view=WAITING))
        await eventually(pilot, lambda: screen_name(app) == "FailureDialog")
        await perform(pilot, "escape")
        assert "Press d to decide" in text_of(app)
        assert "d Decide" in text_of(app)
        await perform(pilot, "d", "r")
        assert operations.answers == [("q1", "retry")]
        await eventually(pilot, lambda: "Press d to decide" not in text_of(app))


async def test_the_time_that_is_left_for_an_answer_is_counted_down() -> None:
    now = [data.NOW]
    app = make_app(core(views=[WAITING]))
    app.now = lambda: now[0]
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.PROGRESS, run=runs.RUN))
        assert "In 12:34 the run chooses by itself: roll back" in text_of(app)
        now[0] += timedelta(seconds=700)
        await eventually(pilot, lambda: "In 0:54 the run chooses by itself" in text_of(app))
        now[0] += timedelta(seconds=60)
        await eventually(pilot, lambda: "The run chooses now: roll back" in text_of(app))
