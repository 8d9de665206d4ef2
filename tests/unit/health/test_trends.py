"""What only several looks can tell: drifting clocks and flapping instances, and what a quiet end means."""

from __future__ import annotations

import pytest

from tests.unit.health.material import CONNECTED, REJECTED, observation, service
from tui.connector.log import read_log
from tui.findings import Severity
from tui.health.model import Verdict
from tui.health.trends import ClockTrend
from tui.health.verdict import judge


def trend(*readings: tuple[float, float]) -> ClockTrend:
    made = ClockTrend()
    for minute, skew in readings:
        made.add(minute * 60, skew)
    return made


def test_a_clock_that_runs_away_is_told_before_it_is_too_late() -> None:
    drifting = trend(*((minute, 0.05 * minute) for minute in range(0, 21, 2)))
    assert drifting.per_hour == pytest.approx(3.0)
    assert [finding.id for finding in drifting.findings()] == ["clock-drifts"]


@pytest.mark.parametrize(
    "readings",
    [
        [(minute, 0.1 * (-1) ** minute) for minute in range(20)],
        [(0, 0.0), (1, 0.2), (2, 0.4)],
        [(minute, 4.0 if minute < 10 else 0.1) for minute in range(15)],
    ],
    ids=["wavering", "too short a time", "a clock that was set"],
)
def test_no_drift_is_told_without_one(readings: list[tuple[float, float]]) -> None:
    assert trend(*readings).findings() == []


def log_of(*minutes: int) -> str:
    lines = ["[2026-11-23 10:00:00] STARTING AD-LDAP CONNECTOR"]
    for minute in minutes:
        lines += [
            f"[2026-11-23 11:{minute:02}:00] auth0: Agent accepted.",
            f"[2026-11-23 11:{minute:02}:30] websocket deconnected. reconnecting",
        ]
    return "\n".join([*lines, "[2026-11-23 11:59:00] auth0: Agent accepted.\n"])


def test_an_instance_that_comes_and_goes_is_degraded_though_it_is_accepted_now() -> None:
    flapping = read_log(log_of(50, 53, 56))
    assert "flapping" in {finding.id for finding in flapping.findings}
    status = judge(observation(log=log_of(50, 53, 56), findings=flapping.findings))
    assert (status.hub, status.verdict) == ("connected", Verdict.DEGRADED)


def test_a_connection_lost_now_and_then_is_no_flapping() -> None:
    assert "flapping" not in {finding.id for finding in read_log(log_of(5, 30, 56)).findings}


def test_a_quiet_end_that_nothing_restarts_is_named() -> None:
    ended = service(state="stopped", restart_policy="on-failure")
    problems = {problem.id: problem for problem in judge(observation(connector=ended, log=REJECTED)).problems}
    assert problems["ended-with-zero"].severity is Severity.BLOCKER
    by_hand = judge(observation(connector=ended, log=CONNECTED))
    assert "ended-with-zero" not in {problem.id for problem in by_hand.problems}


def test_a_drift_is_told_at_the_usual_interval_from_readings_that_are_told_again_at_every_look() -> None:
    made = ClockTrend()
    for look in range(0, 1200, 5):
        made.add(look, 0.001 * (look // 30 * 30))
    assert made.per_hour == pytest.approx(3.6, rel=0.05)


def test_a_clock_that_runs_away_fast_is_told_within_seconds_and_one_that_is_set_right_is_not() -> None:
    fast = trend(*((second / 60, 0.3 * second) for second in range(6)))
    assert [finding.id for finding in fast.findings()] == ["clock-drifts"]
    slewed = trend(*((second / 60, 4.0 - 0.3 * second) for second in range(6)))
    assert slewed.findings() == []


def test_a_drift_that_all_hosts_share_is_the_jump_boxs() -> None:
    drifting = trend(*((minute, 0.05 * minute) for minute in range(0, 21, 2)))
    assert drifting.findings([3.1]) == []
    assert [finding.id for finding in drifting.findings([0.0])] == ["clock-drifts"]
