"""How a plan, findings and lists are told: what an operator reads before deciding."""

from __future__ import annotations

import pytest

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.conftest import at, make_app, perform
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.seen import line_of, text_of
from tui.findings import Finding, Severity
from tui.runbook.model import Change, Plan, StepState
from tui.widgets import words
from tui.widgets.rows import Column, RowData, Rows, fitted
from tui.widgets.stage import Stage

SMALL = (80, 24)


async def test_the_plan_says_of_the_first_host_that_it_is_only_read() -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION))
        assert "is only read" in line_of(app, data.FIRST)
        assert "writes" not in line_of(app, data.FIRST)
        assert f"writes {len(data.changes())} files" in line_of(app, data.SECOND)


class Warned(FixtureOperations):
    """A plan in which both additional hosts share a warning."""

    def preview(self, hosts: object = ()) -> Plan:
        said = [
            Finding(id="clock", severity=Severity.WARNING, summary=f"{host}: the clock is 3 s off")
            for host in (data.SECOND, data.THIRD)
        ]
        return runs.plan().model_copy(update={"findings": tuple(said)})


async def test_a_warning_that_hosts_share_is_told_once_after_the_plan_and_keys_lead_to_it() -> None:
    app = make_app(Warned())
    shared = f"{data.SECOND}, {data.THIRD}: the clock is 3 s off"
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION))
        assert "Take the host" in text_of(app)
        assert shared not in text_of(app)
        await perform(pilot, "pagedown", "pagedown")
        assert text_of(app).count("the clock is 3 s off") == 1
        assert shared in text_of(app)


async def test_a_host_of_the_plan_is_chosen_and_its_steps_are_told() -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.CONFIRMATION), "tab", "up")
        assert app.screen.query_one("#hosts", Rows).chosen == data.FIRST
        assert "Back up the first host's set" in text_of(app)


@pytest.mark.parametrize("keys", [("pagedown",), ("down",) * 12])
async def test_the_set_of_the_first_host_is_reached_with_the_usual_keys(keys: tuple[str, ...]) -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.FIRST_HOST))
        assert "lib/profileMapper.js" not in text_of(app)
        await perform(pilot, *keys)
        assert "lib/profileMapper.js" in text_of(app)


async def test_the_chosen_change_is_told_with_owner_mode_and_hash() -> None:
    app = make_app()
    change: Change = data.changes()[0]
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.ADDITIONAL_HOSTS))
        assert change.after is not None
        assert change.after in text_of(app)


async def test_enter_is_called_on_the_footer_what_the_button_says() -> None:
    app = make_app()
    async with app.run_test(size=SMALL) as pilot:
        await perform(pilot, at(Stage.ADDITIONAL_HOSTS))
        assert "enter Review the plan" in text_of(app)


def test_a_lists_spare_width_goes_to_what_is_cut_off_and_no_column_sways() -> None:
    columns = (Column("Host", 16), Column("Address"))
    first = fitted(columns, [RowData("a", ("oak", "10.0.0.1"))])
    assert [column.width for column in first] == [4, 0]
    longer = fitted(columns, [RowData("a", ("oak-and-a-long-name-of-it", "10.0.0.1"))], first)
    assert longer[0].width == 16
    assert fitted(columns, [RowData("a", ("oak", "10.0.0.1"))], longer) == longer


def test_findings_of_different_hosts_stay_apart_when_they_differ() -> None:
    found = [
        Finding(id="clock", severity=Severity.WARNING, summary="oak: 3 s off"),
        Finding(id="clock", severity=Severity.WARNING, summary="elm: 4 s off"),
        Finding(id="backup", severity=Severity.NOTE, summary="vault: old"),
    ]
    assert words.joined(found, ["oak", "elm"]) == found


def test_a_step_that_waits_in_a_run_that_is_over_was_not_begun() -> None:
    assert words.step_word(StepState.PENDING)[1] == "waiting"
    assert words.step_word(StepState.PENDING, over=True)[1] == "not begun"
    assert words.step_word(StepState.DONE, over=True)[1] == "done"


def test_no_clock_is_told_to_be_minus_nothing() -> None:
    assert words.skew(-0.04).plain == "✓ 0.0 s"
