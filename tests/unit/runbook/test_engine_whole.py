"""Stages that must not be left half done: what fails in them, or is aborted, takes everything back."""

from __future__ import annotations

from tests.unit.runbook.bench import NewBench, eventually, release
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.control_desk import Attendance
from tui.runbook.model import RunState

NOBODY = Attendance(unattended=True)


def test_a_failure_in_a_stage_of_all_or_nothing_undoes_every_earlier_stage(new_bench: NewBench) -> None:
    bench = new_bench(
        StageSpec({"oak": ("place",)}),
        StageSpec({"elm": ("stop",), "fir": ("stop",)}, all_or_nothing=True),
        attendance=NOBODY,
    )
    bench.ground.lay("fir.stop.apply.after", "fail")
    assert bench.run() is RunState.ROLLED_BACK
    assert bench.ground.calls("undo") == ["fir.stop.undo", "elm.stop.undo", "oak.place.undo"]
    assert bench.ground.tree() == {}


def test_a_failure_in_another_stage_leaves_what_was_finished(new_bench: NewBench) -> None:
    bench = new_bench(
        StageSpec({"oak": ("place",)}), StageSpec({"elm": ("stop",)}, abort_undoes_all=True), attendance=NOBODY
    )
    bench.ground.lay("elm.stop.apply.after", "fail")
    assert bench.run() is RunState.FAILED
    assert bench.ground.tree() == {"oak/place": "new"}


def test_an_abort_in_a_stage_that_says_so_undoes_everything(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({"elm": ("stop", "place")}, abort_undoes_all=True))
    gate = bench.ground.lay_wait("elm.stop.apply.before")
    run = bench.begin()
    eventually(lambda: "elm.stop.apply" in bench.ground.calls("apply"))
    bench.desk.word("abort")
    release(gate)
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.ground.calls("undo") == ["elm.stop.undo", "oak.place.undo"]


def test_no_pause_holds_from_the_beginning_of_a_track_that_says_so(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop",)}), StageSpec({"elm": ("start", "look")}, unbroken=("", "start")))
    gate = bench.ground.lay_wait("oak.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply"))
    bench.desk.word("pause")
    release(gate)
    eventually(lambda: bench.states()["elm/start"] == "done")
    assert bench.states()["elm/look"] == "pending"
    bench.desk.word("continue")
    assert run.result(20) is RunState.DONE
