"""What the operator decides: questions and their answers, and the words pause, abort, roll back."""

from __future__ import annotations

import pytest

from tests.unit.runbook.bench import NewBench, eventually, release
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.control_desk import Attendance, ControlRefused
from tui.runbook.model import RunState

NOBODY = Attendance(unattended=True)


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


def test_a_missing_secret_is_a_question_of_its_own(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.check.before", "secret")
    run = bench.begin()
    assert bench.question().kind == "secret"
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


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
    assert run.result(20) is RunState.FAILED
    assert bench.states() == {"oak/place": "done", "elm/stop": "undone", "elm/place": "pending"}
    assert bench.ground.tree() == {"oak/place": "new"}
    assert bench.view().changed == ("oak",)
    assert bench.run(undo=True) is RunState.ROLLED_BACK
    assert bench.view().changed == ()
    assert bench.ground.tree() == {}


@pytest.mark.parametrize("attendance", [NOBODY, Attendance(seconds=0.05)], ids=["unattended", "nobody in time"])
def test_a_step_on_no_host_that_fails_leaves_the_hosts_and_fails_the_run(
    new_bench: NewBench, attendance: Attendance
) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({None: ("light~",)}), attendance=attendance)
    bench.ground.lay("None.light.apply.before", "fail")
    assert bench.run() is RunState.FAILED
    assert bench.states() == {"oak/place": "done", "None/light": "failed"}
    assert bench.ground.calls("undo") == []
    assert bench.view().changed == ("oak",)


def test_a_step_on_no_host_offers_no_roll_back_of_nothing(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), StageSpec({None: ("light~",)}))
    bench.ground.lay("None.light.apply.before", "fail")
    run = bench.begin()
    assert bench.question("None/light").choices == ("retry", "skip", "give_up")
    bench.desk.word("roll_back")
    assert run.result(20) is RunState.ROLLED_BACK
    assert bench.ground.tree() == {}


def test_no_pause_holds_while_a_host_is_out_of_service(new_bench: NewBench) -> None:
    unbroken = ("stop", "connected")
    bench = new_bench(StageSpec({"oak": ("stop", "place", "connected", "look")}, unbroken=unbroken))
    gate = bench.ground.lay_wait("oak.stop.apply.before")
    run = bench.begin()
    eventually(lambda: bench.ground.calls("apply"))
    bench.desk.word("pause")
    release(gate)
    eventually(lambda: bench.states()["oak/connected"] == "done")
    assert bench.states()["oak/look"] == "pending"
    assert not run.done()
    bench.desk.word("continue")
    assert run.result(20) is RunState.DONE


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
