"""The wizard on a real terminal: whatever the terminal sends, and how the wizard ends when it must."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.command_line import CommandLine, Terminal

_HOME = "What would you like to do?"
_BROKEN = """
import typer
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp, run_app
from tui.console import leave
from tui.endings import ending, run_program

def fail(app):
    raise RuntimeError("a word that must not be shown")

AdldapHaApp.action_shade = fail
app = typer.Typer(pretty_exceptions_enable=False)

@app.command()
@ending()
def wizard() -> None:
    leave(run_app(FixtureOperations()))

run_program(app)
"""


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@contextmanager
def wizard(command: CommandLine) -> Iterator[Terminal]:
    with command.terminal() as terminal:
        terminal.expect(_HOME)
        yield terminal


@pytest.mark.parametrize("keys", [b"S3cr3t\xe4typed", b"\xff", b"\x1b[M\xa0\xff\xfe", b"\xe4" * 5000])
def test_keys_that_are_not_utf8_are_told_and_the_wizard_goes_on(command: CommandLine, keys: bytes) -> None:
    with wizard(command) as terminal:
        terminal.press(keys)
        terminal.expect("What was typed could not be read")
        terminal.press(b"q")
        assert terminal.ended() == 0
        assert "Traceback" not in terminal.shown


def test_a_key_that_comes_in_two_pieces_is_one_key(command: CommandLine) -> None:
    with wizard(command) as terminal:
        terminal.press(b"\xc3")
        terminal.press(b"\xa4q")
        assert terminal.ended() == 0
        assert "could not be read" not in terminal.shown


def test_a_lost_terminal_leaves_no_fault_in_the_log(command: CommandLine) -> None:
    with wizard(command) as terminal:
        terminal.hang_up()
        assert terminal.process.wait(20) >= 0
    log = command.home / "state" / "adldap-ha" / "adldap-ha.log"
    assert not log.exists() or "fault" not in log.read_text()


def test_a_fault_in_the_wizard_ends_in_words_with_exit_2_and_its_traceback_in_the_log(command: CommandLine) -> None:
    with Terminal((sys.executable, "-c", _BROKEN), command.environment) as terminal:
        terminal.expect("corp-ldap")
        terminal.press(b"c")
        assert terminal.ended() == 2
        told = terminal.shown
    assert "adldap-ha met a fault of its own: RuntimeError at" in told
    assert "Traceback" not in told
    assert "must not be shown" not in told
    assert "Traceback" in (command.home / "state" / "adldap-ha" / "adldap-ha.log").read_text()
