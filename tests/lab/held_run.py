"""Runs that are held, or whose runner dies, at an exact operation of an exact step."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.lab.jump_box import until
from tui.connector.linux import LinuxInstance
from tui.connector.windows.instance import WindowsInstance
from tui.runbook import act_operations
from tui.runbook import cluster_operations as module
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.journal import Journal
from tui.runbook.launch import start_run
from tui.runbook.model import RunState, RunView, Step, StepState
from tui.runbook.order import Act as ActName
from tui.runbook.order import RunOrder, Wanted
from tui.runbook.procedure import build_procedure
from tui.runbook.stages import Procedure

_VARIABLE = "ADLDAP_HA_TEST_HOLD"
_LONGEST_HOLD_S = 120.0

Act = Callable[[], None]


def build(order: RunOrder, journal: Journal) -> Procedure:
    """The real procedure; one of its operations first does what the environment asks for."""
    procedure = build_procedure(order, journal)
    wanted, operation, when, deed = os.environ[_VARIABLE].split("|")
    for stage in procedure.stages:
        for track in stage.tracks:
            for step in track.steps:
                if f"{step.host or 'tenant'}/{step.name}" == wanted:
                    _wrap(step, operation, when, deed)
    return procedure


def _wrap(step: Step, operation: str, when: str, deed: str) -> None:
    """`operation` is the step's own, or what its `apply` first calls of the instance (`instance.park`)."""
    if not operation.startswith("instance."):
        setattr(step, operation, _held(getattr(step, operation), when, deed))
        return
    method, apply = operation.removeprefix("instance."), step.apply

    def begun() -> Any:
        for kind in (LinuxInstance, WindowsInstance):
            setattr(kind, method, _held(getattr(kind, method), when, deed))
        return apply()

    step.apply = begun  # type: ignore[method-assign]


def _held(real: Callable[..., Any], when: str, deed: str) -> Callable[..., Any]:
    def held(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            _do(deed)
        seen = real(*arguments, **named)
        if when == "after":
            _do(deed)
        return seen

    return held


def _do(deed: str) -> None:
    if deed == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    flag = Path(deed)
    if flag.exists():
        return
    flag.with_suffix(".reached").touch()
    deadline = time.monotonic() + _LONGEST_HOLD_S
    while not flag.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _start(start: Callable[[], str], patch: pytest.MonkeyPatch, step: str, operation: str, when: str, deed: str) -> str:
    with patch.context() as here:
        here.setenv(_VARIABLE, "|".join((step, operation, when, deed)))
        for each in (module, act_operations):
            here.setattr(each, "start_run", partial(start_run, procedure="tests.lab.held_run:build"))
        return start()


def killed_at(
    operations: ClusterOperations, patch: pytest.MonkeyPatch, step: str, operation: str = "verify", when: str = "after"
) -> str:
    """Start a run whose runner is killed at that point; returns when it is dead."""
    run = _start(operations.start_run, patch, step, operation, when, "kill")
    until(lambda: operations.run_view(run).state is RunState.INTERRUPTED)
    return run


def killed_act(
    operations: ClusterOperations,
    patch: pytest.MonkeyPatch,
    act: ActName,
    step: str,
    *,
    hosts: Sequence[str] = (),
    wanted: Wanted | None = None,
) -> str:
    """Start an act whose runner is killed when it has proven that step; returns when it is dead."""
    begin = partial(operations.acts.start, act, hosts, wanted=wanted or Wanted())
    run = _start(begin, patch, step, "verify", "after", "kill")
    until(lambda: operations.run_view(run).state is RunState.INTERRUPTED)
    return run


class Held:
    """A run that waits before an operation until it is let go."""

    def __init__(
        self,
        operations: ClusterOperations,
        patch: pytest.MonkeyPatch,
        folder: Path,
        step: str,
        operation: str = "apply",
        start: Callable[[], str] | None = None,
    ) -> None:
        self._flag = folder / "go-on"
        self.run = _start(start or operations.start_run, patch, step, operation, "before", str(self._flag))
        until(self._flag.with_suffix(".reached").exists)

    def go_on(self) -> None:
        """Let it go on."""
        self._flag.touch()


def errors_of(view: RunView) -> list[tuple[str, tuple[str, ...]]]:
    """What went wrong in a run, for a test's own message."""
    failed = (StepState.FAILED, StepState.INCONSISTENT)
    return [(step.planned.id, step.error) for step in view.steps if step.error or step.state in failed]
