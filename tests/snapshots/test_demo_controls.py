"""What the demo adds to the wizard."""

from __future__ import annotations

import pytest

from tests.snapshots import fixture_data as data
from tests.snapshots.conftest import make_app, perform
from tests.snapshots.fixture_demo import Demo
from tests.snapshots.seen import SIZE, core, screen_name, text_of
from tui.remote.errors import SecretKind


async def test_faults_are_switched_in_the_demo_and_exist_nowhere_else() -> None:
    demo = Demo()
    app = make_app(demo=demo)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "f", "enter", "h", "down", "space", "enter")
        assert demo.switched == [
            ("clock", None, True),
            ("hub_down", data.FIRST, True),
            ("hub_down", data.FIRST, False),
        ]
    plain = make_app()
    async with plain.run_test(size=SIZE) as pilot:
        await perform(pilot, "f")
        assert screen_name(plain) == "HomeScreen"


async def test_the_demo_fills_in_what_an_operator_would_type() -> None:
    operations = core(missing_secrets={data.SECOND: SecretKind.PASSWORD})
    app = make_app(operations, demo=Demo())
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, "enter", "enter", "enter")
        assert operations.supplied == [(data.SECOND, SecretKind.PASSWORD, f"{data.SECOND}-password")]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_faults_and_their_keys_are_seen(size: tuple[int, int]) -> None:
    app = make_app(demo=Demo())
    async with app.run_test(size=size) as pilot:
        await perform(pilot, "f")
        shown = text_of(app)
        assert "everywhere" in shown
        assert "The clock is 7 seconds off." in shown
        assert "On or off" in shown
        await perform(pilot, "enter")
        assert "✔ on" in text_of(app) or " on " in text_of(app)
