"""The order for a run: what the detached runner reads, once, from its standard input."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from tui.remote.access import Access

Mode = Literal["run", "resume", "undo"]

Act = Literal["add", "converge", "restart", "drill", "restore", "republish", "change", "renew"]
"""What a run performs: the procedure that adds hosts, the same on hosts that have drifted, a restart of one host after another,
a failover drill, a backup put back, a backup put back everywhere with the certificate that the tenant does not know,
a change of the set everywhere, or a new certificate."""

ADDING: frozenset[str] = frozenset(("add", "converge"))
"""The acts that put the first host's set on additional hosts only."""

WITHOUT_VAULT: frozenset[str] = frozenset(("restart", "drill"))
"""The acts that change no file, so that they need no backup."""


class Wanted(BaseModel):
    """What is to be put on hosts: a backup's id for `restore` and `republish`; for `change` the text of a new profile mapper,
    and values of configuration keys that are no secrets. A resumed run has it in the vault already."""

    backup: str | None = None
    profile_mapper: str | None = None
    values: dict[str, str | int | bool] = {}


class RunOrder(BaseModel):
    """Everything that a runner needs. Travels over a pipe only: it holds secrets.

    `hosts`: the additional hosts to change, all of the cluster's when empty. `unattended`: nobody is there, so every
    question is answered at once with its last choice, or with `answers[kind]` where given. `answer_seconds`: how long an
    attended run waits for an answer before it takes the last choice. `mode`: `run` and `resume` go forward (steps that are done are
    recognised and passed over), `undo` puts back every host that the run changed. `act`: which procedure; for all but `add`,
    and `converge` `hosts` may name the first host too. `wanted`: what is put on them. `interrupts`: the operator has agreed to a moment in which no instance serves.
    """

    cluster_file: Path
    run: str
    mode: Mode = "run"
    act: Act = "add"
    wanted: Wanted = Wanted()
    interrupts: bool = False
    hosts: tuple[str, ...] = ()
    access: Access
    identity_file: Path
    operator: str
    unattended: bool = False
    answers: dict[str, str] = {}
    answer_seconds: float = 900.0
