"""What the dashboard looks like: healthy, ill, silent, long, and each kind of its details."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.snapshots import fixture_acts as acts
from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots import fixture_watch as watch
from tests.snapshots.conftest import Act, at, fill, make_app, perform
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.test_screens import SIZES, TERMINALS, Compare
from tui.app import AdldapHaApp
from tui.errors import OperatorError
from tui.health.monitor import InstanceView
from tui.runbook.model import RunState, RunView
from tui.runbook.typed_change import TypedWrong
from tui.terminal import Terminal
from tui.widgets.stage import Stage


def opened(app: AdldapHaApp) -> None:
    """Open the dashboard of the fixture's cluster."""
    app.begin(data.cluster())
    app.open_dashboard()


def alone() -> list[InstanceView]:
    """Only the first host serves."""
    return [watch.healthy()[0], watch.degraded()[1]]


@dataclass(frozen=True)
class Scene:
    """What is known, what the operator does, and what the core answers to that."""

    name: str
    known: Callable[[], list[InstanceView]] = watch.healthy
    acts: tuple[Act, ...] = (opened,)
    views: tuple[RunView, ...] = ()
    core: dict[str, Any] = field(default_factory=dict)


VAULT = {"identity": True, "supplied_vault": "correct horse", "kept": acts.backups()}
NO_NUMBER = TypedWrong(OperatorError("PORT is a whole number"), 1)


def typed(*settings: str) -> tuple[Act, ...]:
    """Type a change of these keys into the form, and hand it on."""
    return (*(fill(f"#setting-{place}", text) for place, text in enumerate(settings)), "enter")


SCENES = (
    Scene("dashboard"),
    Scene("dashboard_degraded", watch.degraded, (opened, "down")),
    Scene("dashboard_stale", watch.stale, (opened, "end")),
    Scene("dashboard_remembered", watch.remembered),
    Scene("dashboard_many", watch.many),
    Scene("dashboard_many_ill", watch.many, (opened, "e", "o")),
    Scene("dashboard_configuration", watch.degraded, (opened, "down", "2")),
    Scene("dashboard_log", acts=(opened, "3")),
    Scene("dashboard_history", acts=(opened, "down", "4")),
    Scene("dashboard_log_whole", acts=(opened, "l")),
    Scene("dashboard_unlocked", acts=(opened, "t", "u")),
    Scene("dashboard_filter", acts=(opened, "slash", "a", "m", "s")),
    Scene("dashboard_acts", acts=(opened, "u", "x")),
    Scene("dashboard_drill", acts=(opened, "u", "x", "d")),
    Scene("dashboard_interrupts", alone, (opened, "u", "x", "r")),
    Scene("dashboard_console", acts=(opened, "u", "x", "c")),
    Scene("dashboard_refused", acts=(opened, "u", "x", "v"), core=VAULT),
    Scene("dashboard_converge", watch.degraded, (opened, "down", "u", "x", "v"), core=VAULT),
    Scene("dashboard_promote", watch.degraded, (opened, "down", "u", "x", "p")),
    Scene("dashboard_backups", acts=(opened, "u", "x", "b"), core=VAULT),
    Scene("dashboard_restore", acts=(opened, "u", "x", "b", "end", "enter"), core=VAULT),
    Scene(
        "dashboard_change",
        acts=(opened, "u", "x", "e", fill("#mapper", "~/mapper.js"), *typed("SITE_NAME=North", "PORT=many")),
        core={**VAULT, "acts": acts.FixtureActs(wrong=NO_NUMBER)},
    ),
    Scene("dashboard_renew", acts=(opened, "u", "x", "n"), core=VAULT),
    Scene("progress_drill", acts=(at(Stage.PROGRESS, run=runs.RUN),), views=(acts.act_run("drill", 4),)),
    Scene(
        "summary_drill",
        acts=(at(Stage.SUMMARY, run=runs.RUN),),
        views=(acts.act_run("drill", 24, RunState.DONE),),
    ),
)


def shows(compare: Compare, scene: Scene, size: tuple[int, int], terminal: Terminal) -> bool:
    """Whether a scene looks as it was accepted."""
    operations = FixtureOperations()
    operations.watched.known = scene.known()
    operations.views = list(scene.views) or operations.views
    for name, answer in scene.core.items():
        setattr(operations, name, copy.copy(answer))

    async def play(pilot: Pilot[int]) -> None:
        await perform(pilot, *scene.acts)

    return compare(make_app(operations, terminal=terminal), terminal_size=size, run_before=play)


@pytest.fixture(autouse=True)
def jump_box_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """One name for whatever machine runs the tests."""
    monkeypatch.setattr("socket.gethostname", lambda: "jump")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_screen(snap_compare: Compare, scene: Scene, size: tuple[int, int]) -> None:
    assert shows(snap_compare, scene, size, Terminal())


@pytest.mark.parametrize("kind", TERMINALS)
def test_form_for_other_terminals(snap_compare: Compare, kind: str) -> None:
    assert shows(snap_compare, Scene("dashboard", watch.degraded, (opened, "down")), (80, 24), TERMINALS[kind])


def test_room_for_everything(snap_compare: Compare) -> None:
    assert shows(snap_compare, Scene("dashboard", watch.degraded), (160, 40), Terminal())
