"""A procedure: stages of tracks of steps, ready to be performed by the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.runbook.model import HostVerdict, Plan, Step


@dataclass(frozen=True, slots=True)
class Track:
    """The steps of one host in this stage, performed one after another in one thread; undone in reverse order.

    `unbroken`: names of a first and a last step between which no pause holds: the host is out of service there. An empty first
    name: it is so from the beginning.
    """

    host: str | None
    steps: tuple[Step, ...]
    unbroken: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """Tracks that run in parallel, at most `parallel` at a time; the next stage begins when all have ended well.

    An `always` stage is performed even when an earlier one did not end well, and after everything was undone.
    `changes`: whether its steps change hosts, so that a run has not been rolled back while one of them is applied.
    `all_or_nothing`: when it does not end well, everything that the run has applied is undone; `abort_undoes_all`: when the
    operator aborts it.
    """

    name: str
    tracks: tuple[Track, ...]
    parallel: int = 1
    always: bool = False
    changes: bool = True
    all_or_nothing: bool = False
    abort_undoes_all: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """Everything that a run performs. `plan` lists the same steps in the same order; `close` ends every session.

    `verdicts` is called once when the run ends, however it ends, for the hosts whose verdict no step has recorded.
    """

    plan: Plan
    stages: tuple[Stage, ...]
    close: Callable[[], None]
    verdicts: Callable[[], tuple[HostVerdict, ...]] | None = None
