"""What the engine decides: order, failures, words, undo."""

from __future__ import annotations

import pytest

from tests.unit.runbook.bench import NewBench, eventually, fill, release
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.control_desk import Attendance
from tui.runbook.journal import JournalUnavailable
from tui.runbook.model import RunState

NOBODY = Attendance(unattended=True)


def test_stages_come_in_order_and_each_step_is_checked_applied_and_verified(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("read",)}), StageSpec({"elm": ("stop", "place")}))
    assert bench.run() is RunState.DONE
    assert bench.ground.calls() == [
        f"{step}.{operation}"
        for step in ("oak.read", "elm.stop", "elm.place")
        for operation in ("check", "apply", "verify")
    ]
    assert bench.states() == {"oak/read": "done", "elm/stop": "done", "elm/place": "done"}
    place = bench.view().steps[2]
    assert place.detail == "read the file back"
    assert place.evidence == ("place has 3 bytes",)
    assert place.started is not None
    assert place.ended is not None


def test_a_step_that_is_done_already_is_passed_over_and_never_undone(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place")}), attendance=NOBODY)
    target = bench.root / "hosts" / "oak" / "stop"
    target.parent.mkdir(parents=True)
    target.write_text("new")
    bench.ground.lay("oak.place.apply.after", "fail")

    assert bench.run() is RunState.ROLLED_BACK

    assert bench.states() == {"oak/stop": "already_done", "oak/place": "undone"}
    assert bench.ground.tree() == {"oak/stop": "new"}


def test_hosts_of_a_stage_run_in_parallel_up_to_the_limit(new_bench: NewBench) -> None:
    hosts = ["a", "b", "c", "d"]
    bench = new_bench(StageSpec(dict.fromkeys(hosts, ("place",)), parallel=2))
    gates = {host: bench.ground.lay_wait(f"{host}.place.apply.before") for host in hosts}
    run = bench.begin()
    eventually(lambda: len(bench.ground.calls("apply")) == 2)
    assert sorted(bench.ground.calls("apply")) == ["a.place.apply", "b.place.apply"]
    for gate in gates.values():
        release(gate)
    assert run.result(20) is RunState.DONE


def test_rolling_back_undoes_the_hosts_steps_in_reverse_and_ends_the_run(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place", "start")}), StageSpec({"elm": ("stop",)}))
    bench.ground.lay("oak.start.verify.before", "fail")
    run = bench.begin()
    bench.answer("roll_back")
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.ground.calls("undo") == ["oak.start.undo", "oak.place.undo", "oak.stop.undo"]
    assert bench.states() == {
        "oak/stop": "undone",
        "oak/place": "undone",
        "oak/start": "undone",
        "elm/stop": "pending",
    }
    assert bench.ground.tree() == {}
    assert bench.view().steps[2].error


def test_a_failure_before_anything_was_changed_leaves_nothing_to_put_back(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("inspect",)}), attendance=NOBODY)
    bench.ground.lay("oak.inspect.check.before", "fail")
    assert bench.run() is RunState.FAILED
    assert bench.states() == {"oak/inspect": "failed"}
    assert bench.ground.calls("undo") == []


def test_a_failed_undo_is_inconsistent_and_stops_there(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("lock", "place", "start")}), attendance=NOBODY)
    bench.ground.lay("oak.start.apply.after", "fail")
    bench.ground.lay("oak.place.undo.before", "fail")
    assert bench.run() is RunState.INCONSISTENT
    assert bench.states() == {"oak/lock": "done", "oak/place": "inconsistent", "oak/start": "undone"}
    assert bench.ground.calls("undo") == ["oak.start.undo", "oak.place.undo"]


def test_a_failed_undo_can_be_tried_again(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.apply.after", "fail")
    bench.ground.lay("oak.place.undo.before", "fail")
    run = bench.begin()
    bench.answer("roll_back")
    eventually(lambda: (q := bench.desk.question) and q.choices == ("retry", "give_up"))
    bench.answer("retry")
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.states() == {"oak/place": "undone"}


def test_an_inconsistent_host_is_undone_by_a_later_undo(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("lock", "place")}), attendance=NOBODY)
    bench.ground.lay("oak.place.apply.after", "fail")
    bench.ground.lay("oak.place.undo.before", "fail")
    assert bench.run() is RunState.INCONSISTENT
    assert bench.run(undo=True) is RunState.ROLLED_BACK
    assert bench.states() == {"oak/lock": "undone", "oak/place": "undone"}


def test_after_a_roll_back_no_new_host_begins_and_hosts_midway_finish(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec(dict.fromkeys(("a", "b", "c"), ("stop", "place")), parallel=2))
    bench.ground.lay("a.stop.apply.before", "fail")
    first = bench.ground.lay_wait("a.stop.check.before")
    gate = bench.ground.lay_wait("b.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply") == ["b.stop.apply"])
    release(first)
    bench.answer("roll_back", "a/stop")
    eventually(lambda: bench.states()["a/stop"] == "undone")
    release(gate)
    assert run.result(20) is RunState.FAILED
    assert bench.view().changed == ("b",)
    assert "b stays as it has changed" in bench.view().error[0]
    assert bench.states() == {
        "a/stop": "undone",
        "a/place": "pending",
        "b/stop": "done",
        "b/place": "done",
        "c/stop": "pending",
        "c/place": "pending",
    }


def test_a_closing_stage_is_performed_however_the_run_ends(new_bench: NewBench) -> None:
    bench = new_bench(
        StageSpec({"oak": ("place",)}),
        StageSpec({"elm": ("place",)}),
        StageSpec({None: ("summary",)}, always=True),
        attendance=NOBODY,
    )
    bench.ground.lay("oak.place.apply.after", "fail")
    assert bench.run() is RunState.ROLLED_BACK
    assert bench.states() == {"oak/place": "undone", "elm/place": "pending", "None/summary": "done"}


def test_a_lost_connection_is_tried_once_more_without_asking(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), attendance=NOBODY)
    bench.ground.lay("oak.place.apply.after", "lost")
    assert bench.run() is RunState.DONE
    assert bench.chain() == [
        f"oak/place {word}"
        for word in (
            "check ...",
            "check running",
            "apply ...",
            "apply failed",
            "check ...",
            "check running",
            "verify ...",
            "verify done",
        )
    ]


def test_retries_are_bounded_when_nobody_is_there(new_bench: NewBench) -> None:
    bench = new_bench(
        StageSpec({"oak": ("place",)}), attendance=Attendance(unattended=True, answers={"failure": "retry"})
    )
    bench.ground.lay("oak.place.check.before", *["fail"] * 50)
    assert bench.run() is RunState.FAILED
    assert len(bench.ground.calls("check")) == 3


def test_a_fault_of_the_program_is_told_without_a_traceback(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), attendance=NOBODY)
    bench.ground.lay("oak.place.apply.before", "bug")
    assert bench.run() is RunState.ROLLED_BACK
    told = bench.view().steps[0].error
    assert "nobody foresaw (ZeroDivisionError)" in told[0]
    assert not any("Traceback" in line or "a fault of the program" in line for line in told)


def test_a_host_that_lost_its_change_is_changed_again_on_resume(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    assert bench.run() is RunState.DONE
    (bench.root / "hosts" / "oak" / "place").unlink()
    assert bench.run() is RunState.DONE
    assert bench.ground.calls("apply") == ["oak.place.apply"] * 2


def test_what_an_undo_no_longer_knows_is_named_and_inconsistent(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({"elm": ("place",)}))
    assert bench.run() is RunState.DONE
    bench.stages = bench.stages[:1]
    assert bench.run(undo=True) is RunState.INCONSISTENT
    assert "elm" in bench.view().error[0]
    assert bench.ground.tree() == {"elm/place": "new"}
    assert bench.states() == {"oak/place": "undone", "elm/place": "done"}


def test_without_room_for_the_record_nothing_is_changed(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place")}))
    gate = bench.ground.lay_wait("oak.stop.check.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("check"))
    fill(bench.journal)
    release(gate)
    with pytest.raises(JournalUnavailable):
        run.result(20)
    assert bench.ground.calls("apply", "undo") == []
    assert bench.ground.tree() == {}
