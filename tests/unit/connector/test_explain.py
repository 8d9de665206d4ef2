"""A saved text is explained whatever program saved it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.connector.outputs import AUTH0, GOOD, v6, windows
from tests.unit.connector.test_log import ACCEPTED, _log
from tui.connector.errors import ExplainError
from tui.connector.explain import explain

IDS = ["auth0", "hub", "clock", "certificates", "nltest", "ldaps", "ldap"]


def test_a_troubleshooter_output() -> None:
    answer = explain(v6(GOOD).encode())
    assert list(answer) == ["kind", "complete", "passed", "tests"]
    assert (answer["kind"], answer["complete"], answer["passed"]) == ("troubleshooter", True, True)
    assert [test["id"] for test in answer["tests"]] == IDS
    assert all(list(test) == ["id", "outcome", "evidence", "remedy"] for test in answer["tests"])
    assert json.loads(json.dumps(answer)) == answer


def test_a_log() -> None:
    answer = explain(_log(*ACCEPTED, colours=True).encode())
    assert (answer["kind"], answer["state"], answer["starts"]) == ("log", "connected", 1)
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1252"])
def test_files_that_windows_saved(encoding: str) -> None:
    text = windows(v6(GOOD)).replace("\n", "\r\n").replace("√", "\x95")
    answer = explain(text.encode(encoding, "replace"))
    assert answer["passed"]


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"hello", b"{}", bytes(range(256))])
def test_anything_else_is_refused_with_a_word(data: bytes) -> None:
    with pytest.raises(ExplainError) as caught:
        explain(data)
    assert caught.value.remedy


def test_a_console_that_could_not_start_it() -> None:
    answer = explain(b"Error: Cannot find module '/opt/My'\n")
    assert (answer["kind"], answer["complete"]) == ("troubleshooter", False)


def test_a_run_that_ended_at_once_is_still_one() -> None:
    answer = explain(v6([AUTH0[0], "  > Error: {}"]).encode())
    assert (answer["kind"], answer["complete"], answer["passed"]) == ("troubleshooter", False, False)


@given(st.binary())
def test_any_bytes_are_explained_or_refused(data: bytes) -> None:
    with suppress(ExplainError):
        assert explain(data)["kind"] in ("troubleshooter", "log")
