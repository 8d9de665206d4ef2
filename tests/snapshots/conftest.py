"""Screens at a chosen stage, over fixed answers, holding still."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot
from textual.widgets import Input
from textual.worker import WorkerCancelled

from tests.snapshots import fixture_data as data
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp
from tui.terminal import Terminal
from tui.widgets.next_bar import Spinner
from tui.widgets.stage import Stage

_GENERATIONS = 16
"""More than any act needs: each is a message, a question to the core, its answer, and what is painted of that."""

CONNECTED = {name: data.connected(name) for name in (data.FIRST, data.SECOND, data.THIRD)}


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No spinner turns, and no variable of the terminal that runs the tests counts."""
    monkeypatch.setattr(Spinner, "turning", False)
    for name in ("NO_COLOR", "COLORFGBG", "TEXTUAL", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(os.environ, "TERM", "xterm-256color")
    monkeypatch.setitem(os.environ, "COLORTERM", "truecolor")


def make_app(operations: FixtureOperations | None = None, **arguments: Any) -> AdldapHaApp:
    """The app over fixed answers, at a fixed time."""
    arguments.setdefault("terminal", Terminal())
    app = AdldapHaApp(operations or FixtureOperations(), now=lambda: data.NOW, **arguments)
    app.animation_level = "none"
    return app


async def settle(pilot: Pilot[int]) -> None:
    """Wait until no question to the core is under way, every message is handled and everything is painted.

    Textual's own pause takes a process that gets no processor time for one that has nothing to do. A screen that follows a
    run asks again and again and may never rest: then it is enough that messages were handled many times over.
    """
    app = pilot.app
    at_rest = 0
    for _ in range(_GENERATIONS):
        # A question that is asked anew takes the place of the one before, which is then cancelled.
        with contextlib.suppress(WorkerCancelled):
            await app.workers.wait_for_complete()
        await _handled(app)
        app.screen._on_timer_update()
        await asyncio.sleep(0)
        at_rest = at_rest + 1 if _at_rest(app) else 0
        if at_rest == 2 or app._exception is not None:
            return


async def _handled(app: App[int]) -> None:
    """Wait until everything on every screen has handled what was in its queue just now."""
    marks = []
    for pump in _pumps(app):
        mark = asyncio.Event()
        if pump.call_later(mark.set):
            marks.append(asyncio.ensure_future(mark.wait()))
    _, late = await asyncio.wait(marks, timeout=5)
    for each in late:
        each.cancel()


def _pumps(app: App[int]) -> list[MessagePump]:
    return [app, *(node for screen in app.screen_stack for node in screen.walk_children(with_self=True))]


def _at_rest(app: App[int]) -> bool:
    top = app.screen
    unpainted = (top._layout_required, top._scroll_required, top._repaint_required, top._dirty_widgets, top._callbacks)
    waiting = any(pump.message_queue_size or pump._next_callbacks for pump in _pumps(app))
    return not waiting and not any(unpainted) and not any(worker.is_running for worker in app.workers)


async def eventually(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for what comes with the next look at the journal."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        await pilot.pause(0.05)


def at(stage: Stage, **learned: Any) -> Callable[[AdldapHaApp], None]:
    """Go straight to a stage, with what the earlier ones would have learned."""

    def go(app: AdldapHaApp) -> None:
        app.begin(data.cluster())
        app.state.done = set(list(Stage)[: stage.number - 1])
        app.state.connected = dict(CONNECTED)
        for name, value in learned.items():
            setattr(app.state, name, copy.copy(value))
        app.go(stage)

    return go


def fill(selector: str, text: str) -> Callable[[AdldapHaApp], None]:
    """Put a text into a field of the screen on top."""

    def put(app: AdldapHaApp) -> None:
        app.screen.query_one(selector, Input).value = text

    return put


Act = str | Callable[[AdldapHaApp], None]


async def perform(pilot: Pilot[int], *acts: Act) -> None:
    """Press keys and do other things, each once the one before has come to rest."""
    app = pilot.app
    assert isinstance(app, AdldapHaApp)
    await settle(pilot)
    for act in acts:
        if isinstance(act, str):
            await pilot.press(act)
        else:
            act(app)
        await settle(pilot)
