"""What the engine decides: order, failures, words, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.runbook.bench import Bench, eventually, fill, release
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.control_desk import Attendance, ControlRefused
from tui.runbook.journal import JournalUnavailable
from tui.runbook.model import RunState

NewBench = Callable[..., Bench]
NOBODY = Attendance(unattended=True)


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[NewBench]:
    benches: list[Bench] = []

    def make(*stages: StageSpec, attendance: Attendance | None = None) -> Bench:
        benches.append(Bench(tmp_path, *stages, attendance=attendance))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()


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


def test_a_failure_is_asked_about_and_retried(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.apply.before", "fail")
    run = bench.begin()
    question = bench.question()
    assert (question.kind, question.host, question.step) == ("failure", "oak", "oak/place")
    assert question.choices == ("retry", "roll_back")
    assert question.text[0] == "oak · Write place: apply of place cannot be done"
    assert bench.view().state is RunState.WAITING
    assert bench.view().steps[0].error == question.text
    bench.answer("retry")
    assert run.result(20) is RunState.DONE
    assert bench.states() == {"oak/place": "done"}


def test_only_a_step_that_may_be_skipped_offers_it(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("look~", "place")}))
    bench.ground.lay("oak.look.verify.before", "fail")
    run = bench.begin()
    assert bench.question().choices == ("retry", "skip", "roll_back")
    bench.answer("skip")
    assert run.result(20) is RunState.DONE
    assert bench.states() == {"oak/look": "skipped", "oak/place": "done"}


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
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.states() == {
        "a/stop": "undone",
        "a/place": "pending",
        "b/stop": "done",
        "b/place": "done",
        "c/stop": "pending",
        "c/place": "pending",
    }


def test_no_new_host_begins_while_a_failure_is_undecided(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec(dict.fromkeys(("a", "b", "c"), ("place",)), parallel=2))
    bench.ground.lay("a.place.apply.before", "fail")
    first = bench.ground.lay_wait("a.place.check.before")
    gate = bench.ground.lay_wait("b.place.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply") == ["b.place.apply"])
    release(first)
    question = bench.question("a/place")
    release(gate)
    eventually(lambda: bench.states()["b/place"] == "done")
    assert bench.states()["c/place"] == "pending"
    bench.desk.answer(question.id, "retry")
    assert run.result(20) is RunState.DONE


def test_failures_of_several_hosts_are_asked_one_after_the_other(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"a": ("place",), "b": ("place",)}, parallel=2))
    bench.ground.lay("a.place.apply.before", "fail")
    bench.ground.lay("b.place.apply.before", "fail")
    run = bench.begin()
    first = bench.question()
    bench.desk.answer(first.id, "retry")
    second = eventually(lambda: (q := bench.desk.question) is not None and q.id != first.id and q)
    assert second != first
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


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


def test_a_missing_secret_is_a_question_of_its_own(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.check.before", "secret")
    run = bench.begin()
    assert bench.question().kind == "secret"
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


def test_a_fault_of_the_program_is_told_without_a_traceback(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), attendance=NOBODY)
    bench.ground.lay("oak.place.apply.before", "bug")
    assert bench.run() is RunState.ROLLED_BACK
    told = bench.view().steps[0].error
    assert "nobody foresaw (ZeroDivisionError)" in told[0]
    assert not any("Traceback" in line or "a fault of the program" in line for line in told)


def test_a_step_may_ask_before_it_is_applied(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({None: ("light?",)}))
    run = bench.begin()
    assert bench.question().text == ("Is the light green?",)
    with pytest.raises(ControlRefused, match="green or not_green"):
        bench.answer("blue")
    bench.answer("green")
    assert run.result(20) is RunState.DONE
    assert "None.light.answered-green" in bench.ground.calls()
    assert bench.journal.answers("r1", "tenant") == ["green"]


@pytest.mark.parametrize(
    ("attendance", "expected"),
    [
        (NOBODY, "not_checked"),
        (Attendance(unattended=True, answers={"tenant": "green"}), "green"),
        (Attendance(unattended=True, answers={"tenant": "purple"}), "not_checked"),
        (Attendance(seconds=0.05), "not_checked"),
    ],
    ids=["unattended", "told before", "told nonsense", "nobody in time"],
)
def test_a_question_that_nobody_answers_takes_its_last_choice(
    new_bench: NewBench, attendance: Attendance, expected: str
) -> None:
    bench = new_bench(StageSpec({None: ("light?",)}), attendance=attendance)
    assert bench.run() is RunState.DONE
    assert bench.journal.answers("r1", "tenant") == [expected]


def test_the_first_answer_counts(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({None: ("light?",)}))
    run = bench.begin()
    question = bench.question()
    bench.desk.answer(question.id, "green")
    with pytest.raises(ControlRefused, match="answered already"):
        bench.desk.answer(question.id, "not_green")
    run.result(20)
    with pytest.raises(ControlRefused, match="answered already"):
        bench.desk.answer(question.id, "not_green")
    with pytest.raises(ControlRefused, match="no such question"):
        bench.desk.answer("12345678", "green")
    assert bench.journal.answers("r1", "tenant") == ["green"]


def test_a_pause_holds_at_the_step_boundary_until_it_ends(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place")}))
    gate = bench.ground.lay_wait("oak.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply"))
    bench.desk.word("pause")
    release(gate)
    eventually(lambda: bench.states()["oak/stop"] == "done")
    assert bench.view().state is RunState.PAUSED
    assert bench.states()["oak/place"] == "pending"
    bench.desk.word("continue")
    assert run.result(20) is RunState.DONE


def test_abort_undoes_unfinished_hosts_and_keeps_finished_ones(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({"elm": ("stop", "place")}))
    gate = bench.ground.lay_wait("elm.stop.apply.before")
    run = bench.begin()
    eventually(lambda: "elm.stop.apply" in bench.ground.calls("apply"))
    bench.desk.word("abort")
    release(gate)
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.states() == {"oak/place": "done", "elm/stop": "undone", "elm/place": "pending"}
    assert bench.ground.tree() == {"oak/place": "new"}


def test_roll_back_undoes_every_changed_host_last_first(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({"elm": ("stop", "place")}))
    gate = bench.ground.lay_wait("elm.stop.apply.before")
    run = bench.begin()
    eventually(lambda: "elm.stop.apply" in bench.ground.calls("apply"))
    bench.desk.word("roll_back")
    release(gate)
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.ground.calls("undo") == ["elm.stop.undo", "oak.place.undo"]
    assert bench.ground.tree() == {}


def test_an_abort_answers_the_open_question(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.apply.after", "fail")
    run = bench.begin()
    bench.question()
    bench.desk.word("abort")
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.journal.answers("r1", "failure") == ["roll_back"]


def test_an_abort_ends_a_pause_and_no_word_takes_it_back(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place")}))
    gate = bench.ground.lay_wait("oak.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply"))
    bench.desk.word("pause")
    release(gate)
    eventually(lambda: bench.states()["oak/stop"] == "done")
    bench.desk.word("abort")
    with pytest.raises(ControlRefused, match="stopping already"):
        bench.desk.word("continue")
    assert run.result(20) is RunState.ROLLED_BACK
    with pytest.raises(ControlRefused, match="not a word"):
        bench.desk.word("hurry")


def test_leaving_stops_at_the_step_boundary_and_is_resumed(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("stop", "place")}))
    gate = bench.ground.lay_wait("oak.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply"))
    bench.desk.leave()
    release(gate)
    assert run.result(20) is None
    assert bench.states() == {"oak/stop": "done", "oak/place": "pending"}
    assert bench.run() is RunState.DONE
    assert bench.ground.calls("apply") == ["oak.stop.apply", "oak.place.apply"]


def test_leaving_with_a_question_open_asks_again_when_resumed(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.apply.before", "fail", "fail")
    run = bench.begin()
    bench.question()
    bench.desk.leave()
    assert run.result(20) is None
    assert bench.journal.answers("r1", "failure") == []
    run = bench.begin()
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


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
