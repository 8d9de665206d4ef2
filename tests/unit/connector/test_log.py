"""A connector's log shows where the instance stands, and what ended it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.connector.log import fatal_events, read_log, readable_log
from tui.connector.log_messages import MESSAGES, recognise
from tui.findings import Severity

START = (
    "STARTING AD-LDAP CONNECTOR",
    "Loading settings from ticket: https://acme.example.com/p/ad/CANARYticket/info",
    "Is Anonymous LDAP search enabled? no",
    "Local settings updated.",
    "Certificates already exist, skipping certificate generation.",
    "Posting certificates and signInEndpoint: http://fir:4000/wsfed",
    "Connection corp configured.",
    "Connected to websocket.",
)
ACCEPTED = (*START, "auth0: Agent accepted.", "latency test took avg: 12.50 ms, max: 20 ms, min: 10 ms")
_BEGIN = datetime(2026, 11, 23, 5, 0, 0)


def _log(*lines: str, step: float = 1, begin: datetime = _BEGIN, colours: bool = False) -> str:
    written = []
    for number, line in enumerate(lines):
        at = begin + timedelta(seconds=number * step)
        text = f"\x1b[32m{line}\x1b[39m" if colours else line
        written.append(f"[{at:%Y-%m-%d %H:%M:%S}] {text}\n")
    return "".join(written)


@pytest.mark.parametrize("colours", [False, True])
def test_a_healthy_start(colours: bool) -> None:
    report = read_log(_log(*ACCEPTED, colours=colours))
    assert (report.state, report.starts) == ("connected", 1)
    assert report.last_start == _BEGIN
    assert report.last_accepted == _BEGIN + timedelta(seconds=8)
    assert not report.generated_certificate
    assert fatal_events(report) == ()
    assert report.findings == ()


@pytest.mark.parametrize(
    ("line", "kind", "state"),
    [
        ("Wrong ticket. Does this connection still exist?", "wrong-ticket", "rejected"),
        ("Unable to reach Auth0", "auth0-unreachable", "crash_loop"),
        ("auth0: Agent rejected.", "rejected", "rejected"),
        ("Connection to ldap was closed", "ldap-closed", "crash_loop"),
        ("Error on heartbeat response from LDAP", "ldap-heartbeat", "crash_loop"),
        ("Error binding to LDAP dn: cn=svc code: 49", "ldap-bind", "crash_loop"),
        ("Clock skew detected. Clock skew: 7000", "clock-skew", "crash_loop"),
        ("Error: error:06065064:digital envelope routines:EVP_DecryptFinal_ex:bad decrypt", "bad-decrypt", "stuck"),
        ("unexpected error", "unexpected-error", "crash_loop"),
        ("ldap.service: Main process exited, code=exited, status=1/FAILURE", "process-exited", "crash_loop"),
    ],
)
def test_what_ends_an_instance_is_fatal(line: str, kind: str, state: str) -> None:
    report = read_log(_log(*ACCEPTED, line))
    assert [event.kind for event in fatal_events(report)] == [kind]
    assert report.state == state
    assert fatal_events(report)[0].remedy


@pytest.mark.parametrize(
    "line",
    [
        "jane: wrong password",
        "account locked",
        "Ping success after failed 2 pings",
        "No clock skew detected",
        "ldap.service: Main process exited, code=killed, status=15/TERM",
        "ldap.service: Main process exited, code=exited, status=143/n/a",
        "ldap.service: Deactivated successfully.",
    ],
)
def test_what_an_instance_survives_is_not(line: str) -> None:
    report = read_log(_log(*ACCEPTED, line))
    assert fatal_events(report) == ()
    assert report.state == "connected"


def test_a_reconnect_is_seen_through() -> None:
    assert read_log(_log(*ACCEPTED, "Connection closed, reconnecting")).state == "connecting"
    again = read_log(
        _log(*ACCEPTED, "Connection closed, reconnecting", "Connected to websocket", "auth0: Agent accepted.")
    )
    assert again.state == "connected"
    assert read_log(_log(*ACCEPTED, "websocket deconnected. reconnecting")).state == "connecting"
    assert read_log(_log(*START)).state == "connecting"


def test_a_clock_that_is_off_is_a_crash_loop_even_while_accepted() -> None:
    dying = (*ACCEPTED, "Clock skew detected.")
    report = read_log(_log(*dying, *dying, *dying, *ACCEPTED))
    assert (report.state, report.starts) == ("crash_loop", 4)
    assert "restarts" in {finding.id for finding in report.findings}
    assert fatal_events(report, last_start_only=True) == ()
    assert len(fatal_events(report)) == 3


def test_an_instance_that_recovered_long_ago_is_connected() -> None:
    dying = (*START, "Error binding to LDAP code: 49")
    later = _log(*ACCEPTED, begin=_BEGIN + timedelta(hours=2))
    assert read_log(_log(*dying, *dying, *dying) + later).state == "connected"
    soon = _log(*ACCEPTED, "jane: wrong password", begin=_BEGIN + timedelta(minutes=2), step=30)
    assert read_log(_log(*dying, *dying, *dying) + soon).state == "connected"


def test_a_generated_certificate_is_a_disaster() -> None:
    lines = [line for line in ACCEPTED if not line.startswith("Certificates")]
    lines.insert(4, "Generating a self-signed certificate")
    report = read_log(_log(*lines))
    assert report.generated_certificate
    assert [event.kind for event in fatal_events(report)] == ["certificate-generated"]
    assert [finding.id for finding in report.findings] == ["certificate-generated"]
    assert report.state == "connected"


def test_the_certificate_of_the_first_set_up_is_only_noted() -> None:
    lines = ["Generating a self-signed certificate" if line.startswith("Certificates") else line for line in ACCEPTED]
    report = read_log(_log(*lines, *ACCEPTED))
    assert report.generated_certificate
    assert [(finding.id, finding.severity) for finding in report.findings] == [
        ("certificate-generated-earlier", Severity.NOTE)
    ]


def test_troubles_of_last_week_are_no_finding() -> None:
    dying = (*START, "Error binding to LDAP code: 49")
    report = read_log(_log(*dying, *dying, *dying) + _log(*ACCEPTED, begin=_BEGIN + timedelta(days=7)))
    assert report.findings == ()
    assert len(fatal_events(report)) == 3


def test_an_unconfigured_connector() -> None:
    lines = ["STARTING AD-LDAP CONNECTOR", "No provisioning ticket: this connector is not configured."] * 5
    assert read_log(_log(*lines, "ldap.service: Start request repeated too quickly.")).state == "unconfigured"


def test_nothing_known_is_unknown() -> None:
    report = read_log("hello\nworld\n")
    assert (report.state, report.starts, report.events) == ("unknown", 0, ())
    assert read_log("").state == "unknown"


def test_lines_with_a_journal_prefix_are_read() -> None:
    text = "".join(f"Nov 23 05:00:00 fir node[42]: {line}\n" for line in _log(*ACCEPTED).splitlines())
    report = read_log(text)
    assert report.state == "connected"
    assert report.last_start == _BEGIN


def test_the_ticket_in_the_log_is_never_repeated() -> None:
    text = _log(*ACCEPTED)
    assert "CANARY" in text
    assert "CANARY" not in read_log(text).model_dump_json()
    assert "CANARY" not in readable_log(text)
    assert "CANARY" not in readable_log("GET https://acme.example.com/p/ad/CANARYticket/info failed")


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    report = read_log(text)
    assert report.starts >= 0
    assert set(fatal_events(report)) <= set(report.events)


def test_every_message_that_ends_an_instance_says_what_to_do() -> None:
    assert all(message.remedy for message in MESSAGES if message.ends)
    assert recognise("some other line") is None
