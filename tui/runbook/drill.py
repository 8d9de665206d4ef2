"""What a failover drill has proven, round by round, as the journal tells it."""

from __future__ import annotations

from typing import Any

from tui.runbook.model import RunState, RunView, StepState, StepView
from tui.runbook.steps.acting import BackInService, Drain, OthersStay

_WELL = (StepState.DONE, StepState.ALREADY)


def drill_rounds(view: RunView) -> list[dict[str, Any]]:
    """One round a host in the order they were drained: `host`, `verdict` (`passed`, `failed`, `not_run`), `out_of_service_s`,
    and `evidence`: what the others and the tenant were seen to do meanwhile, or why it failed."""
    hosts = list(dict.fromkeys(step.planned.host for step in view.steps if step.planned.name == Drain.name))
    return [_round(view, host) for host in hosts if host is not None]


def _round(view: RunView, host: str) -> dict[str, Any]:
    steps = {step.planned.name: step for step in view.steps if step.planned.host == host}
    drained, stayed, back = steps[Drain.name], steps.get(OthersStay.name), steps[BackInService.name]
    verdict = _verdict(list(steps.values()))
    seen = [stayed.detail, *stayed.evidence] if stayed is not None and stayed.detail else []
    if verdict == "failed":
        seen = [*next((step.error for step in steps.values() if step.error), ()), *seen]
    return {"host": host, "verdict": verdict, "out_of_service_s": _seconds(drained, back), "evidence": seen}


def _verdict(steps: list[StepView]) -> str:
    states = [step.state for step in steps]
    if all(state in _WELL for state in states):
        return "passed"
    return "not_run" if all(state is StepState.PENDING for state in states) else "failed"


def _seconds(drained: StepView, back: StepView) -> float | None:
    if drained.started is None or back.ended is None or back.state is not StepState.DONE:
        return None
    return round((back.ended - drained.started).total_seconds(), 1)


def drill_verdict(view: RunView) -> str:
    """`passed` when every instance was lost once and the cluster served all the time, else `failed`."""
    rounds = drill_rounds(view)
    passed = view.state is RunState.DONE and rounds and all(each["verdict"] == "passed" for each in rounds)
    return "passed" if passed else "failed"
