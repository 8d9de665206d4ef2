"""The log of a Windows connector is a file that is rotated; it is read on from a mark."""

from __future__ import annotations

import pytest

from tests.unit.connector.windows.scripted import DENIED, ROOT, ScriptedSession, encoded, failed, install
from tui.connector.errors import LogError
from tui.connector.instance import LogMark
from tui.connector.log import read_log
from tui.connector.model import Layout
from tui.connector.windows.log import log_mark, log_since

STARTED = (
    "[2026-11-20 10:00:00] STARTING AD-LDAP CONNECTOR\r\n"
    "[2026-11-20 10:00:01] Certificates already exist\r\n"
    "[2026-11-20 10:00:02] auth0: Agent accepted.\r\n"
)


def session(text: str | bytes, token: str = "1|2|0|") -> ScriptedSession:
    return ScriptedSession(Get_Log={"data": encoded(text), "token": token, "missing": False})


def test_crlf_lines_are_read_as_any_other() -> None:
    text, mark = log_since(session(STARTED), install(), None, 100)
    assert "\r" not in text
    assert mark == LogMark("1|2|0|")
    assert read_log(text).state == "connected"


def test_bytes_of_a_code_page_do_no_harm() -> None:
    text, _ = log_since(
        session(STARTED.encode() + b"[2026-11-20 10:00:03] Benutzer M\xfcller\r\n"), install(), None, 100
    )
    assert read_log(text).state == "connected"


def test_no_more_lines_than_asked_for() -> None:
    text, _ = log_since(session(STARTED), install(), LogMark("x"), 1)
    assert text == "[2026-11-20 10:00:02] auth0: Agent accepted.\n"


def test_the_mark_is_handed_back_as_it_came() -> None:
    asked = session("")
    log_since(asked, install(), LogMark("17|4|256|AB"), 10)
    log_since(asked, install(), None, 10)
    assert [given["Token"] for given in asked.given("Get-Log.ps1")] == ["17|4|256|AB", ""]
    assert {given["Path"] for given in asked.given("Get-Log.ps1")} == {f"{ROOT}\\logs.log"}


def test_a_log_that_does_not_exist_yet_is_read_from_its_beginning_later() -> None:
    missing = ScriptedSession(Get_Log={"data": "", "token": "", "missing": True})
    assert log_since(missing, install(), None, 10) == ("", LogMark("0|0"))
    assert log_mark(missing, install()) == LogMark("0|0")


def test_a_v7_log_lies_below_data() -> None:
    asked = session("")
    log_mark(asked, install(layout=Layout.V7))
    assert asked.given("Get-Log.ps1")[0]["Path"] == f"{ROOT}\\data\\logs\\connector\\logs.log"


def test_one_that_may_not_be_read_is_an_error() -> None:
    denied = ScriptedSession(Get_Log=failed("Get-Log.ps1", "Access to the path is denied.", DENIED))
    with pytest.raises(LogError, match="may not"):
        log_since(denied, install(), None, 10)
