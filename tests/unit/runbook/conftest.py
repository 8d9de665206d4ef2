"""One jump box per test: its own XDG directories, cluster file and ground for the steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.runbook.bench import Bench, NewBench
from tests.unit.runbook.jump_box import JumpBox
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.control_desk import Attendance


@pytest.fixture
def jump_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    for name in ("STATE", "CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    runtime = tmp_path / "r"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    box = JumpBox(tmp_path)
    yield box
    box.close()


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[NewBench]:
    benches: list[Bench] = []

    def make(*stages: StageSpec, attendance: Attendance | None = None) -> Bench:
        benches.append(Bench(tmp_path, *stages, attendance=attendance))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
