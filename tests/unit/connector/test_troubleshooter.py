"""The troubleshooter's text is judged by what each test said, never by its exit status or by one mark."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.connector.outputs import (
    AUTH0,
    CERTIFICATES,
    CLOCK,
    DONE,
    GOOD,
    HUB,
    LDAP,
    LDAPS,
    LDAPS_SILENT,
    NLTEST,
    STACK,
    v6,
    v7,
    windows,
)
from tui.connector.model import Outcome, TroubleshooterReport
from tui.connector.text import plain
from tui.connector.troubleshooter import read_troubleshooter

IDS = ["auth0", "hub", "clock", "certificates", "nltest", "ldaps", "ldap"]


def _outcomes(report: TroubleshooterReport) -> dict[str, str]:
    return {test.id: test.outcome.value for test in report.tests}


def _finding_ids(report: TroubleshooterReport) -> set[str]:
    return {finding.id for finding in report.findings}


def _read(*parts: tuple[str, ...]) -> TroubleshooterReport:
    return read_troubleshooter(v6(line for part in parts for line in part))


@pytest.mark.parametrize("text", [v6(GOOD), v7(GOOD), windows(v6(GOOD)), windows(v7(GOOD))])
def test_a_good_run_passes_with_either_set_of_marks(text: str) -> None:
    report = read_troubleshooter(text)
    assert report.complete
    assert report.passed
    assert [test.id for test in report.tests] == IDS
    assert _outcomes(report) == {**dict.fromkeys(IDS, "passed"), "nltest": "not_applicable"}
    assert all(test.remedy is None for test in report.tests)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp850"])
def test_marks_that_were_read_in_the_wrong_encoding_do_no_harm(encoding: str) -> None:
    garbled = v6(GOOD).encode().decode(encoding, "replace")
    assert read_troubleshooter(garbled).passed
    failed = v6([*AUTH0, "✭ Testing hub connectivity (WS).", "✖ Connection to hub failed."])
    assert _outcomes(read_troubleshooter(failed.encode().decode(encoding, "replace")))["hub"] == "failed"


def test_colours_are_ignored() -> None:
    coloured = v6(GOOD).replace("info:", "\x1b[32minfo\x1b[39m:").replace("✔", "\x1b[32m✔\x1b[0m")
    assert read_troubleshooter(coloured).passed


@pytest.mark.parametrize(
    ("replaced", "lines", "test", "outcome"),
    [
        (HUB, (HUB[0], "✖ Connection to hub failed."), "hub", "failed"),
        (CLOCK, (CLOCK[0], "✖ Clock skew detected:", "  > Local: 10:15:07", "  > Auth0: 10:15:00"), "clock", "failed"),
        (CLOCK, (CLOCK[0], "✖ Error calling the test endpoint."), "clock", "not_compared"),
        (CERTIFICATES, (CERTIFICATES[0], "✖ Local and server certificates don't match."), "certificates", "failed"),
        (CERTIFICATES, (CERTIFICATES[0], "Unable to read the local certificate."), "certificates", "not_compared"),
        (CERTIFICATES, (CERTIFICATES[0],), "certificates", "not_compared"),
        (NLTEST, (NLTEST[0], "|Trusted DC Connection Status Status = 0 0x0 NERR_Success"), "nltest", "passed"),
        (NLTEST, (NLTEST[0], "|Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN"), "nltest", "failed"),
        (NLTEST, (NLTEST[0],), "nltest", "not_run"),
        (LDAPS, LDAPS_SILENT, "ldaps", "not_applicable"),
        (LDAPS, (), "ldaps", "not_applicable"),
        (LDAPS, (LDAPS[0], "  > Error: self signed certificate in chain"), "ldaps", "failed"),
        (LDAP, (LDAP[0], "✖ Connection to LDAP failed.", "  > Error: Invalid Credentials"), "ldap", "failed"),
        (LDAP, (LDAP[0], "✖ Unable to find users. Check your settings."), "ldap", "failed"),
        (LDAP, (LDAP[0], "✔ Connection to LDAP succeeded."), "ldap", "passed"),
        (LDAP, (LDAP[0], "  > Found user: Jane"), "ldap", "not_run"),
        (LDAP, (LDAP[0],), "ldap", "not_run"),
    ],
)
def test_each_test_is_judged_by_its_own_words(
    replaced: tuple[str, ...], lines: tuple[str, ...], test: str, outcome: str
) -> None:
    parts = [
        lines if part is replaced else part for part in (AUTH0, HUB, CLOCK, CERTIFICATES, NLTEST, LDAPS, LDAP, DONE)
    ]
    report = _read(*parts)
    others = {**dict.fromkeys(IDS, "passed"), "nltest": "not_applicable"}
    assert _outcomes(report) == {**others, test: outcome}
    assert report.complete
    assert report.passed is (outcome not in ("failed", "not_run"))
    found = next(each for each in report.tests if each.id == test)
    assert bool(found.remedy) is (outcome in ("failed", "not_run", "not_compared"))


def test_auth0_down_ends_the_run_silently() -> None:
    report = _read((AUTH0[0], '  > Error: {"code":"ENOTFOUND","hostname":"acme.example.com"}'))
    assert not report.complete
    assert not report.passed
    assert _outcomes(report) == {**dict.fromkeys(IDS, "not_run"), "auth0": "failed"}
    assert "ENOTFOUND" in report.tests[0].evidence[0]
    assert "troubleshooter-incomplete" in _finding_ids(report)


def test_a_directory_that_is_down_crashes_the_run() -> None:
    report = _read(AUTH0, HUB, CLOCK, CERTIFICATES, NLTEST, LDAPS_SILENT, (LDAP[0], *STACK))
    assert not report.complete
    assert not report.passed
    assert _outcomes(report)["ldap"] == "failed"
    assert _outcomes(report)["ldaps"] == "not_applicable"
    assert any("ECONNREFUSED" in line for line in report.tests[-1].evidence)


def test_a_run_without_done_has_not_passed() -> None:
    report = _read(AUTH0, HUB, CLOCK, CERTIFICATES, NLTEST, LDAPS, LDAP)
    assert not report.complete
    assert not report.passed
    assert _outcomes(report)["ldap"] == "passed"


def test_noise_between_the_lines_does_no_harm() -> None:
    noise = (
        "|(node:4242) [DEP0123] DeprecationWarning: setting the TLS ServerName is not permitted",
        "|(Use `node --trace-deprecation ...` to show where the warning was created)",
        "|",
        '|{"some": "json",',
        '| "more": [1, 2]}',
    )
    assert _read(noise, AUTH0, noise, HUB, CLOCK, noise, CERTIFICATES, NLTEST, LDAPS, noise, LDAP, noise, DONE).passed


def test_lines_that_were_copied_without_their_times_are_read() -> None:
    bare = "\n".join(line.split(": ", 1)[1] for line in v6(GOOD).splitlines())
    report = read_troubleshooter(bare)
    assert report.complete
    assert report.passed


def test_a_wrong_bind_password_that_anonymous_search_hides_is_found() -> None:
    text = v6([*AUTH0, *HUB, *CLOCK, *CERTIFICATES, *NLTEST, *LDAPS_SILENT, *LDAP, *DONE])
    report = read_troubleshooter(text + "Error binding to LDAP dn: cn=svc code: 49\n")
    assert report.complete
    assert not report.passed
    assert _outcomes(report)["ldap"] == "failed"
    assert "bind-error-hidden" in _finding_ids(report)


def test_a_console_that_cannot_start_it_is_recognised() -> None:
    text = (
        "node:internal/modules/cjs/loader:1143\nError: Cannot find module '/opt/My'\n    at Module._resolveFilename\n"
    )
    report = read_troubleshooter(text)
    assert set(_outcomes(report).values()) == {"not_run"}
    assert "troubleshooter-not-started" in _finding_ids(report)
    assert "node troubleshoot.js" in (report.tests[0].remedy or "")


def test_of_several_runs_the_last_one_counts() -> None:
    failed = (*AUTH0, HUB[0], "✖ Connection to hub failed.", *DONE)
    assert _read(failed, GOOD).passed
    assert not _read(GOOD, failed).passed


def test_v7_proves_less_and_is_named() -> None:
    assert "troubleshooter-v7" in _finding_ids(read_troubleshooter(v7(GOOD)))
    assert "troubleshooter-v7" not in _finding_ids(read_troubleshooter(v6(GOOD)))


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    report = read_troubleshooter(text)
    assert [test.id for test in report.tests] == IDS
    if not report.complete:
        assert not report.passed


@given(st.lists(st.sampled_from([*GOOD, *STACK, "✖ Connection to hub failed.", "  > Error: x", "?"])))
def test_passed_means_that_nothing_failed_and_everything_ran(lines: list[str]) -> None:
    report = read_troubleshooter(v6(lines))
    if report.passed:
        assert report.complete
        assert not {Outcome.FAILED, Outcome.NOT_RUN} & {test.outcome for test in report.tests}


@given(st.text())
def test_plain_text_has_no_control_characters(text: str) -> None:
    assert not any(ord(character) < 32 and character not in "\t\n" for character in plain(text))
