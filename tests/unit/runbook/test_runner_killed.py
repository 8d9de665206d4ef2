"""A runner that is killed at any moment leaves a run that can be resumed, or undone, to the same end."""

from __future__ import annotations

import random

import pytest

from tests.unit.runbook.jump_box import JumpBox
from tests.unit.runbook.scripted import StageSpec
from tui.runbook.model import RunState

WHEN = ("before", "after")
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


@pytest.mark.parametrize(("seed", "mode"), [(1, "resume"), (2, "resume"), (3, "undo")])
def test_a_run_over_many_hosts_killed_again_and_again_comes_to_its_end(jump_box: JumpBox, seed: int, mode: str) -> None:
    dice = random.Random(seed)
    hosts = ["ash", "elm", "fir", "yew"]
    steps = ("lock", "park", "place")
    jump_box.script(StageSpec({"oak": ("read",)}), StageSpec(dict.fromkeys(hosts, steps), parallel=3))
    places = [f"{h}.{s}.{o}.{w}" for h in hosts for s in steps for o in ("check", "apply", "verify") for w in WHEN]
    for place in dice.sample(places, 4):
        jump_box.ground.lay(place, "kill")
    if mode == "undo":
        for place in dice.sample([f"{h}.{s}.undo.{w}" for h in hosts for s in steps for w in WHEN], 2):
            jump_box.ground.lay(place, "kill")

    jump_box.start()
    for _ in range(8):
        if jump_box.until_over().state is not RunState.INTERRUPTED:
            break
        jump_box.start(mode=mode)

    if mode == "undo":
        assert jump_box.client.view("r1").state is RunState.ROLLED_BACK
        assert jump_box.ground.tree() == {}
    else:
        assert jump_box.client.view("r1").state is RunState.DONE
        assert set(jump_box.states().values()) == {"done"}
        assert len(jump_box.ground.tree()) == 1 + len(hosts) * len(steps)


def test_what_was_cut_off_is_told_as_such(jump_box: JumpBox) -> None:
    jump_box.script(STAGE)
    jump_box.ground.lay("oak.park.apply.after", "kill")
    jump_box.start()
    assert "interrupted" in jump_box.until_over().steps[0].detail
