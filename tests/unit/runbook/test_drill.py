"""What a drill has proven, as its run tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tui.runbook.acts import DRILL
from tui.runbook.drill import drill_rounds, drill_verdict
from tui.runbook.model import PlannedStep, RunState, RunView, StepState, StepView

BEGUN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def step(host: str, name: str, state: StepState, *, detail: str = "", error: tuple[str, ...] = ()) -> StepView:
    planned = PlannedStep(id=f"{host}/{name}", name=name, host=host, title=name, why="")
    ended = BEGUN + timedelta(seconds=9)
    return StepView(planned=planned, state=state, started=BEGUN, ended=ended, detail=detail, error=error)


def drilled(state: RunState, *steps: StepView) -> RunView:
    return RunView(
        id="r", cluster="lab", operator="alice", started=BEGUN, ended=BEGUN, state=state, steps=steps, act="drill"
    )


def test_a_round_that_failed_says_why_and_one_that_was_not_reached_says_so() -> None:
    lost = ("the cluster does not survive the loss of oak", "Do: look at elm's log")
    states = {"others-stay": StepState.FAILED, "return": StepState.PENDING, "back-in-service": StepState.PENDING}
    oak = [
        step(
            "oak", each.name, states.get(each.name, StepState.UNDONE), error=lost if each.name == "others-stay" else ()
        )
        for each in DRILL
    ]
    fir = [step("fir", each.name, StepState.PENDING) for each in DRILL]
    view = drilled(RunState.ROLLED_BACK, *oak, *fir)
    assert [(each["host"], each["verdict"]) for each in drill_rounds(view)] == [("oak", "failed"), ("fir", "not_run")]
    assert drill_rounds(view)[0]["evidence"] == list(lost)
    assert drill_verdict(view) == "failed"


def test_a_round_that_passed_at_the_second_try_is_told_without_the_first() -> None:
    oak = [
        step("oak", each.name, StepState.DONE, detail="fir stayed connected", error=("it failed at first",))
        for each in DRILL
    ]
    view = drilled(RunState.DONE, *oak)
    assert drill_rounds(view) == [
        {"host": "oak", "verdict": "passed", "out_of_service_s": 9.0, "evidence": ["fir stayed connected"]}
    ]
    assert drill_verdict(view) == "passed"
