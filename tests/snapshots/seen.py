"""What a test reads off a screen."""

from __future__ import annotations

from typing import Any

from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp
from tui.widgets.next_bar import Primary

SIZE = (100, 30)


def screen_name(app: AdldapHaApp) -> str:
    return type(app.screen).__name__


def text_of(app: AdldapHaApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def line_of(app: AdldapHaApp, word: str) -> str:
    return next(line for line in text_of(app).splitlines() if word in line)


def primary(app: AdldapHaApp) -> Primary:
    return app.screen.query_one(Primary)


def core(**fields: Any) -> FixtureOperations:
    made = FixtureOperations()
    for name, value in fields.items():
        setattr(made, name, value)
    return made
