"""A run's question for a secret says which one, and every question says how long it stays open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.runbook.bench import NewBench
from tests.unit.runbook.scripted import StageSpec
from tui.remote.errors import AuthenticationFailed, ConnectionLost, SecretKind, SecretNeeded
from tui.runbook.control_desk import Attendance
from tui.runbook.engine_step import _secret_wanted
from tui.runbook.model import RunState, SecretWanted


def test_the_question_names_the_secret_and_its_host(new_bench: NewBench) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}))
    bench.ground.lay("oak.place.check.before", "secret")
    run = bench.begin()
    wanted = bench.question().secret
    assert wanted == SecretWanted(host="oak", kind=SecretKind.SUDO_PASSWORD, prompt="sudo password")
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


def test_the_journal_tells_every_front_when_a_question_was_asked_and_when_it_answers_itself(
    new_bench: NewBench,
) -> None:
    bench = new_bench(StageSpec({"oak": ("place",)}), attendance=Attendance(seconds=300))
    bench.ground.lay("oak.place.apply.before", "fail")
    before = datetime.now(UTC)
    run = bench.begin()
    bench.question()
    asked = bench.view().question
    assert asked is not None
    assert asked.asked is not None
    assert before <= asked.asked <= datetime.now(UTC)
    assert asked.expires == asked.asked + timedelta(seconds=300)
    bench.answer("retry")
    assert run.result(20) is RunState.DONE


def test_a_refused_secret_is_asked_for_and_a_lost_connection_is_not() -> None:
    refused = AuthenticationFailed("the host refuses the password", host="oak")
    assert _secret_wanted(refused) is None
    refused.refused_secret = SecretKind.PASSWORD
    assert _secret_wanted(refused) == SecretWanted(host="oak", kind=SecretKind.PASSWORD)
    assert _secret_wanted(ConnectionLost("the connection was lost", host="oak")) is None
    through = SecretNeeded("bastion", SecretKind.PASSWORD, "the password of ines on bastion")
    assert _secret_wanted(through) == SecretWanted(host="bastion", kind=SecretKind.PASSWORD, prompt=through.prompt)
