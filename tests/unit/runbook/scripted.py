"""A procedure whose steps do real things to files, with faults that a test lays down beside them.

`procedure.json` beside the cluster file says what the stages are. The fault `HOST.STEP.OPERATION.WHEN` is a file below
`faults`, used up when it strikes: `kill` (SIGKILL to this process), `fail`, `lost`, `secret`, `bug`, `wait` (until the FIFO
of that name is opened for writing).
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.errors import OperatorError
from tui.remote.errors import ConnectionLost, SecretKind, SecretNeeded
from tui.runbook.journal import Journal
from tui.runbook.model import Change, Evidence, HostVerdict, Plan, PlannedStep, Step, StepQuestion
from tui.runbook.order import RunOrder
from tui.runbook.stages import Procedure, Stage, Track

PROCEDURE = "tests.unit.runbook.scripted:build"


class Ground:
    """The directory in which the steps of one test act."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults = root / "faults"
        self.calls_file = root / "calls"

    def lay(self, place: str, *words: str) -> None:
        """Let faults strike at `HOST.STEP.OPERATION.WHEN`, one after another."""
        self.faults.mkdir(exist_ok=True)
        (self.faults / place).write_text("\n".join(words))

    def lay_wait(self, place: str) -> Path:
        """Let a step wait there until the returned FIFO is opened for writing."""
        self.lay(place, "wait")
        gate = self.root / f"{place}.gate"
        os.mkfifo(gate)
        return gate

    def strike(self, host: str | None, step: str, operation: str, when: str) -> None:
        """What the steps call before and after each operation."""
        fault = self.faults / f"{host}.{step}.{operation}.{when}"
        if not fault.exists():
            return
        word, _, rest = fault.read_text().partition("\n")
        if rest:
            fault.write_text(rest)
        else:
            fault.unlink()
        match word:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "fail":
                raise OperatorError(f"{operation} of {step} cannot be done", remedy="look at the disk")
            case "lost":
                raise ConnectionLost("the connection was lost", host=host)
            case "secret":
                raise SecretNeeded(host or "", SecretKind.SUDO_PASSWORD, "sudo password")
            case "bug":
                raise ZeroDivisionError("a fault of the program")
            case "wait":
                os.close(os.open(self.root / f"{fault.name}.gate", os.O_RDONLY))

    def called(self, text: str) -> None:
        """Note a call."""
        descriptor = os.open(self.calls_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, text.encode() + b"\n")
        os.close(descriptor)

    def calls(self, *operations: str) -> list[str]:
        """The calls so far, `HOST.STEP.OPERATION`; those of the named operations only, when any are named."""
        lines = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        return [line for line in lines if not operations or line.rpartition(".")[2] in operations]

    def tree(self) -> dict[str, str]:
        """Every file that steps have written, with its text."""
        hosts = self.root / "hosts"
        return {str(p.relative_to(hosts)): p.read_text() for p in sorted(hosts.rglob("*")) if p.is_file()}


@dataclass
class FileStep:
    """Writes the file `hosts/HOST/NAME`; what was there before is kept beside it and put back by undo."""

    ground: Ground
    name: str
    host: str | None
    may_skip: bool = False
    why: str = "the next step builds on it"

    @property
    def title(self) -> str:
        return f"Write {self.name}"

    @property
    def target(self) -> Path:
        return self.ground.root / "hosts" / (self.host or "jump-box") / self.name

    @property
    def before(self) -> Path:
        return self.target.with_name(self.target.name + ".before")

    def _enter(self, operation: str) -> None:
        self.ground.called(f"{self.host}.{self.name}.{operation}")
        self.ground.strike(self.host, self.name, operation, "before")

    def _leave(self, operation: str) -> None:
        self.ground.strike(self.host, self.name, operation, "after")

    def check(self) -> Evidence:
        self._enter("check")
        done = self.target.exists() and self.target.read_text() == "new"
        self._leave("check")
        return Evidence(detail="looked at the file", done=done)

    def plan(self) -> tuple[Change, ...]:
        return (Change(action="create", subject=self.name),)

    def apply(self) -> Evidence:
        self._enter("apply")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if self.target.exists() and not self.before.exists():
            os.rename(self.target, self.before)
        self.target.write_text("new")
        self._leave("apply")
        return Evidence(detail="wrote the file", lines=(f"{self.name} has 3 bytes",))

    def verify(self) -> Evidence:
        self._enter("verify")
        self._leave("verify")
        return Evidence(detail="read the file back", done=self.target.read_text() == "new")

    def undo(self) -> Evidence:
        self._enter("undo")
        if self.before.exists():
            os.rename(self.before, self.target)
        elif self.target.exists() and self.target.read_text() == "new":
            self.target.unlink()
        self._leave("undo")
        return Evidence(detail="put the file back")


@dataclass
class AskingFileStep(FileStep):
    """Asks before it writes; the answer goes into a file beside it."""

    def question(self) -> StepQuestion | None:
        return StepQuestion(kind="tenant", text=("Is the light green?",), choices=("green", "not_green", "not_checked"))

    def answered(self, choice: str) -> None:
        self.ground.called(f"{self.host}.{self.name}.answered-{choice}")


@dataclass(frozen=True)
class StageSpec:
    """A stage: host → names of its steps. A name ending in `?` asks, one ending in `~` may be skipped."""

    hosts: Mapping[str | None, tuple[str, ...]]
    parallel: int = 1
    always: bool = False
    unbroken: tuple[str, str] | None = None
    all_or_nothing: bool = False
    abort_undoes_all: bool = False


def write_script(root: Path, stages: tuple[StageSpec, ...], *, fail_to_build: str = "") -> None:
    """Lay down `procedure.json` for a runner process."""
    document = [
        {"tracks": [[host, list(steps)] for host, steps in s.hosts.items()], "parallel": s.parallel, "always": s.always}
        for s in stages
    ]
    (root / "procedure.json").write_text(json.dumps({"stages": document, "fail_to_build": fail_to_build}))


def procedure(root: Path, stages: tuple[StageSpec, ...]) -> Procedure:
    """The procedure that the specifications describe."""
    ground = Ground(root)
    built = tuple(_stage(ground, number, spec) for number, spec in enumerate(stages))
    plan = Plan(
        cluster="lab", stages=tuple(tuple(_plan(s, t) for t in stage.tracks for s in t.steps) for stage in built)
    )

    def verdicts() -> tuple[HostVerdict, ...]:
        hosts = dict.fromkeys(t.host for s in built for t in s.tracks if t.host)
        complete = {
            h: (ground.root / "hosts" / h).is_dir() and any((ground.root / "hosts" / h).iterdir()) for h in hosts
        }
        return tuple(HostVerdict(name=h, verdict="healthy" if complete[h] else "unknown") for h in hosts)

    return Procedure(plan, built, lambda: ground.called("None.session.close"), verdicts)


def _stage(ground: Ground, number: int, spec: StageSpec) -> Stage:
    tracks = tuple(
        Track(host, tuple(_step(ground, name, host) for name in names), spec.unbroken)
        for host, names in spec.hosts.items()
    )
    return Stage(
        f"stage-{number}",
        tracks,
        spec.parallel,
        spec.always,
        all_or_nothing=spec.all_or_nothing,
        abort_undoes_all=spec.abort_undoes_all,
    )


def _step(ground: Ground, name: str, host: str | None) -> FileStep:
    plain = name.rstrip("?~")
    if name.endswith("?"):
        return AskingFileStep(ground, plain, host)
    return FileStep(ground, plain, host, may_skip=name.endswith("~"))


def _plan(step: Step, track: Track) -> PlannedStep:
    return PlannedStep(
        id=f"{track.host}/{step.name}",
        name=step.name,
        host=step.host,
        title=step.title,
        why=step.why,
        changes=step.plan(),
    )


def build(order: RunOrder, _journal: Journal) -> Procedure:
    """What the runner calls."""
    root = order.cluster_file.parent
    script = json.loads((root / "procedure.json").read_text())
    if script["fail_to_build"]:
        raise OperatorError(script["fail_to_build"], remedy="look at the first host")
    stages = tuple(
        StageSpec({host: tuple(steps) for host, steps in s["tracks"]}, s["parallel"], s["always"])
        for s in script["stages"]
    )
    return procedure(root, stages)
