"""The log in the operator's pager, on a real terminal: it gets the terminal whole, and the dashboard gets it back."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.lab.command_line import CommandLine, Terminal

_LOG = """
import typer
from screens.dashboard_log import LogDialog
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp, run_app
from tui.console import leave
from tui.endings import ending, run_program

class Watched:
    def log(self, name):
        return "first line\\nthe last line of all\\n"

AdldapHaApp.on_ready = lambda app: app.push_screen(LogDialog("fir", Watched()))
app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
@ending()
def wizard() -> None:
    leave(run_app(FixtureOperations()))

run_program(app)
"""
_PAGER = """#!/bin/sh
trap 'echo THE PAGER WAS INTERRUPTED' INT
cat > "$HOME/paged"
echo "THE PAGER RUNS WITH $*"
until read -r answer; do :; done < /dev/tty
echo "THE PAGER ENDS ON $answer"
"""


def test_a_pager_with_arguments_has_the_terminal_and_ctrl_c_until_it_ends(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home")
    pager = tmp_path / "my pager"
    pager.write_text(_PAGER)
    pager.chmod(0o755)
    environment = {**command.environment, "PAGER": f"'{pager}' -x two"}
    with Terminal((sys.executable, "-c", _LOG), environment) as terminal:
        terminal.expect("the last line of all")
        terminal.press(b"v")
        terminal.expect("THE PAGER RUNS WITH -x two")
        terminal.press(b"\x03")
        terminal.expect("THE PAGER WAS INTERRUPTED")
        terminal.enter("q")
        terminal.expect("THE PAGER ENDS ON q")
        terminal.expect("the last line of all")
        terminal.press(b"\x1b")
        terminal.expect("What would you like to do?")
        terminal.press(b"q")
        assert terminal.ended(seconds=20) == 0
    assert (command.home / "paged").read_text() == "first line\nthe last line of all\n"


def test_a_pager_that_is_not_there_is_told_and_the_dialog_stays(tmp_path: Path) -> None:
    command = CommandLine(tmp_path / "home")
    with Terminal((sys.executable, "-c", _LOG), {**command.environment, "PAGER": "no-such-pager"}) as terminal:
        terminal.expect("the last line of all")
        terminal.press(b"v")
        terminal.expect("There is no program called no-such-pager here.")
