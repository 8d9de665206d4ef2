"""A runner that is killed at any moment leaves a run that can be resumed, or undone, to the same end."""

from __future__ import annotations

import pytest

from tests.unit.runbook.jump_box import JumpBox
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.model import RunState

STAGE = StageSpec({"oak": ("park", "place")})

CHECKED = ["check ...", "check running", "apply ..."]
WRITTEN = ["apply running", "verify ..."]

FORWARD = [
    ("check.after", ["check ..."], [*CHECKED, *WRITTEN, "verify done"]),
    ("apply.before", CHECKED, [*CHECKED, *WRITTEN, "verify done"]),
    ("apply.after", CHECKED, ["check ...", "check running", "verify ...", "verify done"]),
    ("verify.before", [*CHECKED, *WRITTEN], ["check ...", "check running", "verify ...", "verify done"]),
    ("verify.after", [*CHECKED, *WRITTEN], ["check ...", "check running", "verify ...", "verify done"]),
]


@pytest.mark.parametrize(("place", "before", "after"), FORWARD, ids=[row[0] for row in FORWARD])
def test_a_run_killed_going_forward_is_resumed_to_its_end(
    jump_box: JumpBox, place: str, before: list[str], after: list[str]
) -> None:
    jump_box.script(STAGE)
    jump_box.ground.lay(f"oak.place.{place}", "kill")

    jump_box.start()
    assert jump_box.until_over().state is RunState.INTERRUPTED
    assert jump_box.chain(step="oak/place") == [f"oak/place {word}" for word in before]
    assert jump_box.client.unfinished() is not None

    jump_box.start(mode="resume")
    view = jump_box.until_over()

    assert view.state is RunState.DONE
    assert view.verdict == "healthy"
    assert jump_box.chain(step="oak/place") == [f"oak/place {word}" for word in [*before, *after]]
    assert jump_box.chain(step="oak/park")[-2:] == ["oak/park check ...", "oak/park check done"]
    assert jump_box.states() == {"oak/park": "done", "oak/place": "done"}
    assert jump_box.ground.tree() == {"oak/park": "new", "oak/place": "new"}


@pytest.mark.parametrize("place", [row[0] for row in FORWARD])
def test_a_run_killed_going_forward_can_be_undone_instead(jump_box: JumpBox, place: str) -> None:
    (jump_box.root / "hosts" / "oak").mkdir(parents=True)
    (jump_box.root / "hosts" / "oak" / "place").write_text("what was there before")
    jump_box.script(STAGE)
    jump_box.ground.lay(f"oak.place.{place}", "kill")
    jump_box.start()
    jump_box.until_over()

    jump_box.start(mode="undo")

    assert jump_box.until_over().state is RunState.ROLLED_BACK
    assert jump_box.states()["oak/park"] == "undone"
    assert jump_box.ground.tree() == {"oak/place": "what was there before"}


@pytest.mark.parametrize("place", ["undo.before", "undo.after"])
def test_an_undo_that_is_killed_is_undone_by_the_next_runner(jump_box: JumpBox, place: str) -> None:
    jump_box.script(STAGE)
    jump_box.start()
    assert jump_box.until_over().state is RunState.DONE
    jump_box.ground.lay(f"oak.place.{place}", "kill")

    jump_box.start(mode="undo")
    assert jump_box.until_over().state is RunState.INTERRUPTED
    assert jump_box.chain()[-1] == "oak/place undo ..."
    jump_box.start(mode="undo")

    assert jump_box.until_over().state is RunState.ROLLED_BACK
    assert jump_box.chain()[-4:] == [
        "oak/place undo ...",
        "oak/place undo undone",
        "oak/park undo ...",
        "oak/park undo undone",
    ]
    assert jump_box.ground.tree() == {}


def test_an_undo_that_is_killed_can_be_turned_into_going_forward(jump_box: JumpBox) -> None:
    jump_box.script(STAGE)
    jump_box.start()
    jump_box.until_over()
    jump_box.ground.lay("oak.park.undo.after", "kill")
    jump_box.start(mode="undo")
    assert jump_box.until_over().state is RunState.INTERRUPTED

    jump_box.start(mode="resume")

    assert jump_box.until_over().state is RunState.DONE
    assert jump_box.ground.tree() == {"oak/park": "new", "oak/place": "new"}
