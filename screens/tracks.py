"""A run, host by host: pure functions from the journal's view to rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from screens.confirmation import JUMP_BOX
from tui.runbook.model import RunView, StepState, StepView
from tui.widgets import words
from tui.widgets.rows import RowData

ENDED = (StepState.DONE, StepState.ALREADY, StepState.SKIPPED, StepState.UNDONE)
_TELLING = (StepState.INCONSISTENT, StepState.FAILED, StepState.RUNNING)


def tracks(view: RunView) -> dict[str, list[StepView]]:
    """The steps of each host, in the order in which hosts first appear."""
    grouped: dict[str, list[StepView]] = {}
    for step in view.steps:
        grouped.setdefault(step.planned.host or JUMP_BOX, []).append(step)
    return grouped


def busiest(view: RunView) -> str | None:
    """The host to look at: where something failed, else where something runs, else where it ended last."""
    for state in _TELLING:
        for step in view.steps:
            if step.state is state:
                return step.planned.host or JUMP_BOX
    ended = [step for step in view.steps if step.ended is not None]
    return (ended[-1].planned.host or JUMP_BOX) if ended else None


def track_row(name: str, steps: Sequence[StepView], now: datetime) -> RowData:
    """One host: its state, where it is, how many steps have ended, how long it has taken."""
    state = track_state(steps)
    ended = sum(1 for step in steps if step.state in ENDED)
    telling = next((step for step in steps if step.state in _TELLING), None)
    doing = telling.planned.title if telling else ""
    told = words.marked("good", "done so far") if state is StepState.PENDING and ended else words.step_state(state)
    cells = (name, told, doing, f"{ended}/{len(steps)}", _elapsed(steps, now))
    return RowData(name, cells)


def track_state(steps: Sequence[StepView]) -> StepState:
    """One word for a host's steps, the gravest first."""
    states = {step.state for step in steps}
    for state in (StepState.INCONSISTENT, StepState.FAILED, StepState.RUNNING, StepState.UNDONE):
        if state in states:
            return state
    if states <= {StepState.ALREADY}:
        return StepState.ALREADY
    return StepState.DONE if states <= set(ENDED) else StepState.PENDING


def step_row(step: StepView, now: datetime) -> RowData:
    """One step: what it does, how it stands, how long it took, what was seen."""
    seen = step.error[0] if step.error else step.detail
    state = words.marked(words.STEP_WORDS[step.state][0], words.STEP_WORDS[step.state][1])
    return RowData(
        step.planned.id, (step.planned.title, state, _elapsed([step], now), seen), dim=step.state is StepState.PENDING
    )


def counts(view: RunView) -> tuple[int, int]:
    """How many steps have ended, of how many."""
    return sum(1 for step in view.steps if step.state in ENDED), len(view.steps)


def _elapsed(steps: Sequence[StepView], now: datetime) -> str:
    begun = [step.started for step in steps if step.started is not None]
    if not begun:
        return ""
    running = any(step.started is not None and step.ended is None for step in steps)
    ended = [step.ended for step in steps if step.ended is not None]
    until = now if running or not ended else max(ended)
    return words.clock((until - min(begun)).total_seconds())
