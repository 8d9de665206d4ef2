"""A run, host by host: pure functions from the journal's view to rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from textual.content import Content

from screens.confirmation import JUMP_BOX
from tui.runbook.model import RunState, RunView, StepState, StepView
from tui.widgets import words
from tui.widgets.rows import RowData

ENDED = (StepState.DONE, StepState.ALREADY, StepState.SKIPPED, StepState.UNDONE)
_OVER = (RunState.DONE, RunState.FAILED, RunState.ROLLED_BACK, RunState.INCONSISTENT)
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


def last_sign(view: RunView, now: datetime) -> datetime:
    """Until when a run's clocks count: its end, the last thing that an interrupted one wrote, or now."""
    if view.state is not RunState.INTERRUPTED:
        return view.ended or now
    times = [time for step in view.steps for time in (step.started, step.ended) if time is not None]
    return max(times, default=view.started)


def undoable(view: RunView | None) -> bool:
    """Whether a run that came to its own bad end has left hosts changed."""
    return view is not None and view.state in (RunState.FAILED, RunState.INCONSISTENT) and bool(view.changed)


def track_row(name: str, steps: Sequence[StepView], now: datetime, *, state: RunState = RunState.RUNNING) -> RowData:
    """One host: its state, where it is, how many steps have ended, how long it has taken."""
    reached = track_state(steps)
    ended = sum(1 for step in steps if step.state in ENDED)
    telling = next((step for step in steps if step.state in _TELLING), None)
    doing = telling.planned.title if telling else ""
    told = words.marked("good", "done so far") if reached is StepState.PENDING and ended else _told(reached, state)
    cells = (name, told, doing, f"{ended}/{len(steps)}", _elapsed(steps, now))
    return RowData(name, cells)


def track_state(steps: Sequence[StepView]) -> StepState:
    """One word for a host's steps, the gravest first."""
    states = {_reached(step) for step in steps}
    for state in (StepState.INCONSISTENT, StepState.FAILED, StepState.RUNNING, StepState.UNDONE):
        if state in states:
            return state
    if states <= {StepState.ALREADY}:
        return StepState.ALREADY
    return StepState.DONE if states <= set(ENDED) else StepState.PENDING


def _reached(step: StepView) -> StepState:
    """A step's state. One that only looks at a host has nothing to put back: it stays done."""
    undone = step.state is StepState.UNDONE and not step.planned.changes_host
    return StepState.DONE if undone else step.state


def step_row(step: StepView, now: datetime, *, state: RunState = RunState.RUNNING) -> RowData:
    """One step: what it does, how it stands, how long it took, what was seen."""
    seen = step.error[0] if step.error else step.detail
    cells = (step.planned.title, _told(_reached(step), state), _elapsed([step], now), seen)
    return RowData(step.planned.id, cells, dim=step.state is StepState.PENDING)


def _told(step: StepState, run: RunState) -> Content:
    """A step's state in words; where the run's process is gone, nothing runs, and in a run that is over nothing waits."""
    if step is StepState.RUNNING and run is RunState.INTERRUPTED:
        return words.marked("care", "cut off")
    return words.step_state(step, over=run in _OVER)


def counts(view: RunView) -> tuple[int, int]:
    """How many steps have ended, of how many."""
    return sum(1 for step in view.steps if step.state in ENDED), len(view.steps)


def _elapsed(steps: Sequence[StepView], now: datetime) -> str:
    """The time spent on the steps. What lies between them, a pause or a process that was gone, does not count."""
    spent = [(step.ended or now) - step.started for step in steps if step.started is not None]
    return words.clock(sum(spent, timedelta()).total_seconds()) if spent else ""
