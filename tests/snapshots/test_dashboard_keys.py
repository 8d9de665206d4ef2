"""What an operator does at the dashboard, and what must never happen by itself."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.snapshots import fixture_acts as acts
from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots import fixture_watch as watch
from tests.snapshots.conftest import at, eventually, make_app, perform, settle
from tests.snapshots.seen import SIZE, core, line_of, screen_name, text_of
from tests.snapshots.test_dashboard import alone, opened
from tui.app import AdldapHaApp
from tui.remote.errors import HostKeyUnknown
from tui.runbook.model import RunState
from tui.widgets.stage import Stage
from tui.widgets.trend import steady, trend


def unknown_key() -> HostKeyUnknown:
    found = data.connected(data.SECOND)
    return HostKeyUnknown(
        data.SECOND, address=found.address, port=22, key_type=found.key_type, fingerprint=found.fingerprint, key=b"key"
    )


async def test_what_a_thread_has_seen_is_shown_and_nothing_is_painted_when_nothing_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operations = core()
    painted: list[object] = []
    display = AdldapHaApp._display

    def recorded(app: AdldapHaApp, screen: Any, renderable: Any) -> None:
        painted.append(renderable)
        display(app, screen, renderable)

    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened)
        monkeypatch.setattr(AdldapHaApp, "_display", recorded)
        await pilot.pause(0.4)
        painted.clear()
        same = watch.view(data.SECOND, latencies=(3.0, 3.3, 12.0, 4.0, 3.1, 3.2))
        for _ in range(3):
            looker = threading.Thread(target=operations.watched.put, args=(same,))
            looker.start()
            looker.join()
            await pilot.pause(0.4)
        assert painted == []
        looker = threading.Thread(target=operations.watched.put, args=(watch.degraded()[1],))
        looker.start()
        looker.join()
        await eventually(pilot, lambda: "crash loop" in line_of(app, data.SECOND))
        assert painted


async def test_below_a_dialog_looks_paint_nothing_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    operations = core()
    painted: list[object] = []
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "i")
        monkeypatch.setattr(AdldapHaApp, "_display", lambda _app, _screen, renderable: painted.append(renderable))
        operations.watched.put(watch.view(data.THIRD))
        await pilot.pause(0.6)
        painted.clear()
        for _ in range(3):
            operations.watched.put(watch.degraded()[1])
            await pilot.pause(0.4)
        assert painted == []
        monkeypatch.undo()
        await perform(pilot, "escape")
        await eventually(pilot, lambda: "crash loop" in line_of(app, data.SECOND))


async def test_filter_errors_only_and_order() -> None:
    operations = core()
    operations.watched.known = watch.many(12)
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "e")
        assert "ldap-fra-09" in text_of(app)
        assert "ldap-ams-10" not in text_of(app)
        await perform(pilot, "escape", "slash", *"crash", "enter")
        assert "ldap-fra-09" in text_of(app)
        assert "ldap-ams-10" not in text_of(app)
        await perform(pilot, "escape", "o")
        assert screen_name(app) == "DashboardScreen"
        assert text_of(app).index("ldap-fra-09") < text_of(app).index("ldap-iad-02")


async def test_pause_look_now_and_interval() -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "p")
        assert operations.watched.paused
        assert "Paused" in text_of(app)
        await perform(pilot, "p", "r", "i", "2")
        assert not operations.watched.paused
        assert operations.watched.refreshed == [None]
        assert operations.watched.interval == 2
        assert "every 2 s" in text_of(app)


async def test_nothing_can_be_done_before_it_is_unlocked() -> None:
    operations = core(views=[acts.act_run("restart", 2)])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "x")
        assert screen_name(app) == "DashboardScreen"
        await perform(pilot, "u", "x", "r")
        assert screen_name(app) == "ActDialog"
        assert operations.acts.started == []
        await perform(pilot, "escape")
        assert operations.acts.started == []
        await perform(pilot, "x", "r", "y")
        assert operations.acts.started == [("restart", (data.FIRST,), False)]
        assert screen_name(app) == "ProgressScreen"
        assert "Restarting" in text_of(app)
        await perform(pilot, "escape")
        assert screen_name(app) == "DashboardScreen"
        assert "read-only" in text_of(app)


async def test_what_interrupts_logins_wants_the_hosts_name_typed() -> None:
    operations = core()
    operations.watched.known = alone()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "u", "x", "r", "y", *"ldap-fra-02", "enter")
        assert operations.acts.started == []
        assert screen_name(app) == "ActDialog"
        for _ in range(len("yldap-fra-02")):
            await pilot.press("backspace")
        await perform(pilot, *data.FIRST, "enter")
        assert operations.acts.started == [("restart", (data.FIRST,), True)]


async def test_what_a_host_asks_is_put_to_the_operator_and_the_host_is_looked_at_again() -> None:
    operations = core(unknown_keys={data.SECOND})
    operations.watched.known = [
        watch.view(data.FIRST),
        watch.view(data.SECOND, status=None, seen=None, failure=unknown_key()),
    ]
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened)
        assert app.screen.is_modal
        await perform(pilot, "escape")
        assert "asks you" in line_of(app, data.SECOND)
        await perform(pilot, "down", "enter")
        assert app.screen.is_modal


async def test_the_troubleshooters_result_stands_in_the_row() -> None:
    app = make_app(core())
    async with app.run_test(size=(120, 36)) as pilot:
        await perform(pilot, opened, "t")
        assert "✓ now" in line_of(app, data.FIRST)
        assert "6 passed, 1 not applicable" in text_of(app)


async def test_leaving_the_dashboard_ends_the_watching() -> None:
    operations = core()
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "escape")
        assert screen_name(app) == "HomeScreen"
        await eventually(pilot, lambda: operations.watched.closed)


async def test_home_leads_to_the_dashboard_of_a_cluster_in_service() -> None:
    app = make_app(core(past=[runs.run_view(runs.TOTAL, state=RunState.DONE)]))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "Watch corp-ldap" in text_of(app)
        await perform(pilot, "enter")
        assert screen_name(app) == "DashboardScreen"


async def test_a_finished_run_leads_to_the_dashboard_and_from_there_home() -> None:
    operations = core(views=[runs.run_view(runs.TOTAL, state=RunState.DONE)])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, at(Stage.SUMMARY, run=runs.RUN), "enter")
        assert screen_name(app) == "DashboardScreen"
        await perform(pilot, "escape")
        assert screen_name(app) == "HomeScreen"


async def test_an_interrupted_drill_is_resumed_without_a_passphrase() -> None:
    interrupted = acts.act_run("drill", 3, RunState.INTERRUPTED)
    operations = core(past=[interrupted], views=[interrupted])
    app = make_app(operations)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "failover drill interrupted" in text_of(app)
        await perform(pilot, "enter", "enter")
        assert "start again an instance that was stopped" in text_of(app)
        await perform(pilot, "f")
        assert operations.resumed == [False]


async def test_the_pager_has_the_log_and_a_terminal_that_cannot_be_handed_over_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAGER", "less")
    app = make_app(core())
    async with app.run_test(size=SIZE) as pilot:
        await perform(pilot, opened, "l", "v")
        assert "cannot be handed to a pager" in text_of(app)


def test_a_latency_that_wavers_does_not_change_what_is_shown() -> None:
    assert steady(None, ()) is None
    assert steady(None, (3.0, 3.4, 2.9)) == 3.0
    assert steady(3.0, (3.4, 3.9, 3.6)) == 3.0
    assert steady(30.0, (31.0, 36.0, 28.0)) == 30.0
    assert steady(30.0, (90.0, 95.0, 99.0)) == 95.0


def test_a_trend_is_one_cell_a_reading_on_one_scale() -> None:
    assert trend((3.0, 4.0, 3.5)) == "▁▁▁"
    assert trend((1.0, 7.0, 12.0, 30.0, 70.0, 120.0, 400.0, 2000.0), 8) == "▁▂▃▄▅▆▇█"
