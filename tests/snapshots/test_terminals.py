"""Which terminals are served how: colours, characters, sizes, and those that are refused."""

from __future__ import annotations

import asyncio
import copy
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.snapshots import fixture_data as data
from tests.snapshots.conftest import make_app, perform, settle
from tests.snapshots.fixture_operations import FixtureOperations
from tests.snapshots.test_screens import BY_NAME, Scene
from tui.app import AdldapHaApp
from tui.runbook.survey import Connected
from tui.terminal import Colours, Glyphs, Terminal, detect, refusal
from tui.widgets.key_bar import KeyBar

UTF8 = {"LANG": "en_GB.UTF-8"}
SOME = ("hosts", "host_form", "first_host_broken", "progress", "progress_failure")
ONE_EACH = (
    *("home", "hosts", "host_form", "connect_failed", "first_host", "backup_done", "additional_hosts", "key_by_key"),
    *("confirmation_typed", "progress", "progress_failure", "services", "troubleshooter", "tenant", "summary"),
)


@pytest.mark.parametrize(
    ("environment", "encoding", "expected"),
    [
        (UTF8 | {"TERM": "xterm-256color"}, None, Terminal()),
        (UTF8 | {"TERM": "tmux-256color"}, "utf-8", Terminal()),
        (UTF8 | {"TERM": "xterm", "COLORTERM": "truecolor"}, None, Terminal()),
        (UTF8 | {"TERM": "xterm-256color", "COLORFGBG": "0;15"}, None, Terminal(light=True)),
        (UTF8 | {"TERM": "xterm-256color", "NO_COLOR": "1"}, None, Terminal(colours=Colours.NONE)),
        (UTF8 | {"TERM": "xterm-256color", "NO_COLOR": ""}, None, Terminal()),
        (UTF8 | {"TERM": "xterm"}, None, Terminal(colours=Colours.SIXTEEN)),
        (UTF8 | {"TERM": "linux"}, None, Terminal(Glyphs.CONSOLE, Colours.SIXTEEN)),
        (UTF8 | {"TERM": "vt100"}, None, Terminal(colours=Colours.NONE)),
        ({"TERM": "xterm-256color", "LANG": "C"}, None, Terminal(Glyphs.ASCII)),
        ({"TERM": "xterm-256color", "LANG": "de_DE.ISO-8859-1"}, None, Terminal(Glyphs.ASCII)),
        ({"TERM": "xterm-256color", "LC_ALL": "C", "LANG": "de_DE.UTF-8"}, None, Terminal(Glyphs.ASCII)),
        (UTF8 | {"TERM": "xterm-256color"}, "ascii", Terminal(Glyphs.ASCII)),
    ],
)
def test_a_terminal_is_told_by_its_environment(
    environment: dict[str, str], encoding: str | None, expected: Terminal
) -> None:
    assert detect(environment, encoding) == expected


def test_the_c_locale_gets_only_what_ascii_can_draw() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from tui.terminal import output_encoding as told; print(told())"],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "ascii"


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_is_refused_with_the_commands_to_use(term: str) -> None:
    lines = refusal({"TERM": term}, interactive=True)
    assert lines is not None
    assert any("adldap-ha status CLUSTER" in line for line in lines)
    assert any("adldap-ha apply CLUSTER" in line for line in lines)


def test_a_pipe_is_refused_and_a_usual_terminal_is_not() -> None:
    assert refusal({"TERM": "xterm"}, interactive=False) is not None
    assert refusal({"TERM": "xterm"}, interactive=True) is None


def app_for(scene: Scene, terminal: Terminal) -> AdldapHaApp:
    operations = FixtureOperations()
    for name, value in scene.core.items():
        setattr(operations, name, copy.copy(value))
    return make_app(operations, terminal=terminal)


@pytest.mark.parametrize("name", SOME)
async def test_an_ascii_terminal_gets_nothing_but_ascii(name: str) -> None:
    app = app_for(BY_NAME[name], Terminal(Glyphs.ASCII))
    async with app.run_test(size=(80, 24)) as pilot:
        await perform(pilot, *BY_NAME[name].acts)
        text = "".join(strip.text for strip in app.screen._compositor.render_strips())
        assert text.isascii(), sorted({character for character in text if not character.isascii()})


@pytest.mark.parametrize("name", ["first_host_broken", "progress_failure"])
async def test_a_terminal_without_colour_gets_none(name: str) -> None:
    app = app_for(BY_NAME[name], Terminal(colours=Colours.NONE))
    async with app.run_test(size=(80, 24)) as pilot:
        await perform(pilot, *BY_NAME[name].acts)
        styles = [
            segment.style for strip in app.screen._compositor.render_strips() for segment in strip if segment.style
        ]
        coloured = [
            style for style in styles if any(each and not each.is_default for each in (style.color, style.bgcolor))
        ]
        assert coloured == []


@pytest.mark.parametrize("name", SOME)
async def test_sixteen_colours_are_the_terminals_own(name: str) -> None:
    app = app_for(BY_NAME[name], Terminal(colours=Colours.SIXTEEN))
    async with app.run_test(size=(80, 24)) as pilot:
        await perform(pilot, *BY_NAME[name].acts)
        styles = [
            segment.style for strip in app.screen._compositor.render_strips() for segment in strip if segment.style
        ]
        mixed = [each for style in styles for each in (style.color, style.bgcolor) if each and each.triplet is not None]
        assert mixed == []


@pytest.mark.parametrize("name", SOME)
async def test_a_small_terminal_crashes_nothing(name: str) -> None:
    app = app_for(BY_NAME[name], Terminal())
    async with app.run_test(size=(20, 6)) as pilot:
        await perform(pilot, *BY_NAME[name].acts)
        for size in ((80, 24), (40, 12), (10, 3), (20, 6), (1, 1)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            assert app.is_running


@pytest.mark.parametrize("name", ONE_EACH)
async def test_every_key_of_a_screen_is_on_its_footer(name: str) -> None:
    app = app_for(BY_NAME[name], Terminal())
    async with app.run_test(size=(80, 24)) as pilot:
        await perform(pilot, *BY_NAME[name].acts)
        bar = app.screen.query_one(KeyBar)
        assert len(bar._lines(bar.size.width)) <= 2
        shown = str(bar.render())
        missing = [binding.description for binding in bar._shown() if binding.description not in shown]
        assert missing == []


class Stuck(FixtureOperations):
    """A host that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()

    def connect(self, host: str) -> Connected:
        self.freed.wait(60)
        return data.connected(host)


def test_leaving_does_not_wait_for_a_host_that_does_not_answer() -> None:
    operations = Stuck()

    async def leave() -> None:
        app = make_app(operations)
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await app.workers.wait_for_complete()
            await pilot.press("enter", "enter")
            await pilot.pause()
            await pilot.press("ctrl+c")

    begun = time.monotonic()
    try:
        asyncio.run(leave())
        assert time.monotonic() - begun < 20
    finally:
        operations.freed.set()


SHOW = """
import sys
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import run_app
operations = FixtureOperations()
code = run_app(operations)
open(sys.argv[1], "w").write(f"{code} {operations.closed}")
"""


def test_a_terminal_that_goes_away_ends_the_wizard_cleanly(tmp_path: Path) -> None:
    told = tmp_path / "told"
    master, slave = pty.openpty()
    environment = os.environ | UTF8 | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(told)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment,
        start_new_session=True,
    )
    os.close(slave)
    try:
        wait_for(master, b"corp-ldap")
        process.send_signal(signal.SIGHUP)
        drain(master, process)
        assert process.wait(20) == 0
        assert told.read_text() == "0 True"
    finally:
        process.kill()
        os.close(master)


def wait_for(master: int, text: bytes, seconds: float = 30.0) -> None:
    """Read what the terminal is sent until `text` comes."""
    seen = b""
    deadline = time.monotonic() + seconds
    while text not in seen:
        assert time.monotonic() < deadline, seen[-2000:]
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65536)


def drain(master: int, process: subprocess.Popen[bytes], seconds: float = 20.0) -> None:
    """Read on, as a terminal does, until the process has ended."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        assert time.monotonic() < deadline
        if select.select([master], [], [], 0.1)[0]:
            try:
                os.read(master, 65536)
            except OSError:
                return
