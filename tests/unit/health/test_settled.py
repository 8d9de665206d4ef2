"""What a log says is weighed against the service and the time: it does not know when it is read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.health.material import CONNECTED, NOW, observation, service
from tui.connector.model import Role
from tui.health.model import HostStatus, Verdict
from tui.health.verdict import judge

LOOPED = "".join(
    f"[2026-11-23 11:{minute}:00] STARTING AD-LDAP CONNECTOR\n[2026-11-23 11:{minute}:02] Error binding to LDAP code: 49\n"
    for minute in (30, 31, 32)
)
BACK = "[2026-11-23 11:33:00] STARTING AD-LDAP CONNECTOR\n[2026-11-23 11:33:02] auth0: Agent accepted.\n"
LOST = "[2026-11-23 {at}] Connection closed, reconnecting\n"


def judged(log: str, state: str = "running", **more: object) -> HostStatus:
    told = {"started": NOW - timedelta(minutes=27), **more}
    return judge(observation(log=log, connector=service(Role.CONNECTOR, state, **told)))


def ids(status: HostStatus) -> set[str]:
    return {problem.id for problem in status.problems}


def test_a_crash_loop_is_over_once_the_instance_has_stayed_though_it_logs_nothing_more() -> None:
    assert judged(LOOPED + BACK).hub == "connected"
    assert judged(LOOPED + BACK).verdict is Verdict.HEALTHY
    fresh = BACK.replace("11:33", "11:59").replace(":02]", ":30]")
    assert judged(LOOPED.replace("11:3", "11:5") + fresh, started=NOW - timedelta(seconds=60)).hub == "crash_loop"


def test_a_flapping_that_is_over_for_a_quarter_of_an_hour_counts_no_more() -> None:
    flapping = CONNECTED + "".join(
        f"[2026-11-23 11:0{minute}:00] websocket deconnected\n[2026-11-23 11:0{minute}:30] auth0: Agent accepted.\n"
        for minute in range(1, 5)
    )
    status = judged(flapping, started=NOW - timedelta(hours=1))
    assert "flapping" not in ids(status)
    assert status.verdict is Verdict.HEALTHY


@pytest.mark.parametrize(("at", "verdict"), [("11:59:50", Verdict.DEGRADED), ("11:50:00", Verdict.DOWN)])
def test_the_daily_reconnection_is_no_outage_while_it_takes_seconds(at: str, verdict: Verdict) -> None:
    status = judged(CONNECTED + LOST.format(at=at), started=NOW - timedelta(hours=1))
    assert (status.hub, status.verdict) == ("connecting", verdict)


@pytest.mark.parametrize("state", ["stopped", "failed", "crash_loop"])
def test_an_instance_whose_process_does_not_run_is_connected_to_nothing(state: str) -> None:
    assert judged(CONNECTED, state=state).hub == "disconnected"


def test_a_masked_unit_that_still_runs_serves_but_cannot_come_back() -> None:
    status = judged(CONNECTED, state="masked", main_pid=4711, started=NOW - timedelta(hours=1))
    assert (status.hub, status.verdict) == ("connected", Verdict.DEGRADED)
    assert "service-masked" in ids(status)


LIMIT = (
    LOOPED + "auth0-connector.service: Main process exited, code=exited, status=1/FAILURE\n"
    "auth0-connector.service: Start request repeated too quickly.\n"
)


def test_a_start_limit_is_named_once_with_its_cause() -> None:
    status = judged(LIMIT, state="failed", detail="failed/exit-code")
    problem = next(each for each in status.problems if each.id == "start-limit")
    assert any("code: 49" in line for line in problem.evidence)
    assert "LDAP_BIND_USER" in (problem.remedy or "")
    assert "reset-failed auth0-connector.service" in (problem.remedy or "")
    assert not {"service-failed", "connector-failed"} & ids(status)


def test_a_failure_after_a_good_start_is_no_start_limit() -> None:
    status = judged(LIMIT + BACK, state="failed", detail="failed/exit-code")
    assert "start-limit" not in ids(status)
    assert "connector-failed" in ids(status)


def test_a_crash_loop_says_what_its_log_says_of_why() -> None:
    status = judged(LOOPED, restarts=3, started=NOW - timedelta(seconds=2))
    problem = next(each for each in status.problems if each.id == "restarting")
    assert "the directory refused the bind account" in (problem.remedy or "")
    paused = judged(CONNECTED, state="crash_loop", system="windows", unit="Auth0 ADLDAP")
    assert "is in a crash loop" in next(each.summary for each in paused.problems if each.id == "connector-crash-loop")
