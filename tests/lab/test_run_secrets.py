"""A run whose host refuses its secret is handed another one while it waits, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.lab.jump_box import JumpBox, finished, jump_box, until
from tui.lab.lab import Lab
from tui.remote.errors import SecretKind
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import Question, RunView

WRONG = "not this one"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    with box.operations(unattended=False) as made:
        yield made


def asked(operations: ClusterOperations, run: str) -> Question:
    """The question that the run waits with."""
    until(lambda: operations.run_view(run).question is not None or operations.run_view(run).ended is not None)
    question = operations.run_view(run).question
    assert question is not None, operations.run_view(run)
    return question


def inspected(view: RunView) -> bool:
    """Whether the run has got past the first look at oak."""
    return any(step.planned.id == "oak/inspect" and step.ended is not None and not step.error for step in view.steps)


def asks_again(view: RunView, before: Question) -> bool:
    """Whether another question is open."""
    return view.question is not None and view.question.id != before.id


@pytest.mark.parametrize("kind", [SecretKind.PASSWORD, SecretKind.SUDO_PASSWORD])
def test_a_refused_secret_is_asked_for_and_the_run_goes_on_with_another(
    box: JumpBox, operations: ClusterOperations, kind: SecretKind
) -> None:
    known = operations.access.secrets.hosts["oak"]
    right = getattr(known, kind.value) or known.password
    assert right is not None
    setattr(known, kind.value, SecretStr(WRONG))
    operations.unlock_identity(box.lab.vault_passphrase)
    run = operations.start_run(["oak"])
    question = asked(operations, run)
    assert question.kind == "secret"
    assert question.secret is not None
    assert (question.secret.host, question.secret.kind) == ("oak", kind)
    operations.supply_to_run(run, question.secret, right.get_secret_value())
    operations.answer(run, question.id, "retry")
    until(lambda: inspected(operations.run_view(run)) or asks_again(operations.run_view(run), question))
    assert inspected(operations.run_view(run)), operations.run_view(run).question
    operations.control(run, "roll_back")
    assert WRONG not in str(finished(operations, run))
