"""The order for a run: what the detached runner reads, once, from its standard input."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from tui.remote.access import Access

Mode = Literal["run", "resume", "undo"]

Act = Literal["add", "restart", "drill"]
"""What a run performs: the procedure that adds hosts, a restart of one host after another, or a failover drill."""


class RunOrder(BaseModel):
    """Everything that a runner needs. Travels over a pipe only: it holds secrets.

    `hosts`: the additional hosts to change, all of the cluster's when empty. `unattended`: nobody is there, so every
    question is answered at once with its last choice, or with `answers[kind]` where given. `answer_seconds`: how long an
    attended run waits for an answer before it takes the last choice. `mode`: `run` and `resume` go forward (steps that are done are
    recognised and passed over), `undo` puts back every host that the run changed. `act`: which procedure; for all but `add`,
    `hosts` may name the first host too. `interrupts`: the operator has agreed to a moment in which no instance serves.
    """

    cluster_file: Path
    run: str
    mode: Mode = "run"
    act: Act = "add"
    interrupts: bool = False
    hosts: tuple[str, ...] = ()
    access: Access
    identity_file: Path
    operator: str
    unattended: bool = False
    answers: dict[str, str] = {}
    answer_seconds: float = 900.0
