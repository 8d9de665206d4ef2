"""Which pager is meant: PAGER with its arguments, or what nearly every machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.errors import OperatorError
from tui.pager import pager_command, show_in_pager


def programs(folder: Path, *names: str) -> str:
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("told", "there", "command"),
    [
        ("most -w", ("most", "less"), ["most", "-w"]),
        (None, ("less", "more"), ["less"]),
        ("  ", ("more",), ["more"]),
    ],
)
def test_the_pager_is_what_is_wished_or_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, there: tuple[str, ...], command: list[str]
) -> None:
    monkeypatch.setenv("PATH", programs(tmp_path, *there))
    monkeypatch.delenv("PAGER", raising=False)
    if told is not None:
        monkeypatch.setenv("PAGER", told)
    assert pager_command() == command


@pytest.mark.parametrize(("told", "said"), [("less 'open", "cannot be understood"), ("nowhere", "no program called")])
def test_a_pager_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, told: str, said: str) -> None:
    monkeypatch.setenv("PAGER", told)
    with pytest.raises(OperatorError, match=said):
        pager_command()


def test_a_pager_that_ends_before_it_has_read_all_is_no_failure() -> None:
    show_in_pager(["true"], "a line\n" * 100_000)
