"""Running is not healthy: what makes an instance healthy, degraded, down or unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.connector.material import configuration_set, other_pair
from tests.unit.health.material import (
    BAD_DECRYPT,
    CONNECTED,
    CONNECTING,
    NOW,
    REJECTED,
    facts,
    files,
    observation,
    service,
    ticket,
)
from tui.connector.configuration_set import set_findings
from tui.connector.model import ConfigurationSet, Layout, Role
from tui.errors import OperatorError
from tui.findings import Severity
from tui.health.model import HostStatus, Verdict
from tui.health.observation import Observation
from tui.health.probes import unobserved
from tui.health.verdict import judge


def ids(status: HostStatus) -> set[str]:
    """What is wrong, by id; every problem says what to do or is only a note."""
    return {problem.id for problem in status.problems}


def test_a_connected_stable_instance_is_healthy() -> None:
    status = judge(observation(), reference=files())
    assert status.verdict is Verdict.HEALTHY
    assert status.hub == "connected"
    assert status.certificate is not None
    assert status.certificate.matches_tenant is True
    assert status.drift == ()


@pytest.mark.parametrize("state", ["stopped", "failed", "masked", "crash_loop"])
def test_an_instance_that_does_not_run_is_down_whatever_its_log_says(state: str) -> None:
    status = judge(observation(connector=service(state=state)))
    assert status.verdict is Verdict.DOWN
    assert f"connector-{state.replace('_', '-')}" in ids(status)


@pytest.mark.parametrize(
    ("log", "problem"), [(REJECTED, "hub-rejected"), (BAD_DECRYPT, "hub-stuck"), (CONNECTING, "hub-connecting")]
)
def test_an_instance_that_runs_without_being_accepted_is_down(log: str, problem: str) -> None:
    status = judge(observation(log=log))
    assert status.verdict is Verdict.DOWN
    assert problem in ids(status)


def test_an_instance_that_was_just_started_is_only_degraded() -> None:
    connector = service(started=NOW - timedelta(seconds=20))
    assert judge(observation(log=CONNECTING, connector=connector)).verdict is Verdict.DEGRADED


def test_the_uptime_is_counted_by_the_hosts_own_clock() -> None:
    connector = service(started=NOW - timedelta(seconds=20) + timedelta(hours=2))
    ahead = facts(clock_skew_s=7200.0)
    status = judge(observation(log=CONNECTING, connector=connector, facts=ahead), clock_reference_s=7200.0)
    assert status.verdict is Verdict.DEGRADED


def test_accepted_between_two_restarts_is_down() -> None:
    connector = service(started=NOW - timedelta(seconds=3), restarts=5)
    status = judge(observation(connector=connector))
    assert status.verdict is Verdict.DOWN
    assert "restarting" in ids(status)


def test_a_certificate_that_the_tenant_does_not_know_degrades() -> None:
    status = judge(observation(ticket=ticket("ab" * 20)))
    assert status.verdict is Verdict.DEGRADED
    assert status.certificate is not None
    assert status.certificate.matches_tenant is False
    assert "certificate-not-tenants" in ids(status)


def test_a_tenant_that_could_not_be_asked_is_no_verdict_on_the_certificate() -> None:
    status = judge(observation(ticket=None))
    assert status.certificate is not None
    assert status.certificate.matches_tenant is None
    assert status.verdict is Verdict.HEALTHY


def test_a_key_of_another_certificate_degrades_although_it_is_connected() -> None:
    spoiled = configuration_set(key=other_pair()[1])
    status = judge(observation(configuration=spoiled))
    assert status.verdict is Verdict.DEGRADED
    assert "key-mismatch" in ids(status)


def test_a_clock_that_is_off_degrades_unless_it_is_the_jump_boxs_own() -> None:
    off = observation(facts=facts(clock_skew_s=7.2))
    assert judge(off).verdict is Verdict.DEGRADED
    assert "clock-skew" in ids(judge(off))
    agreeing = judge(off, clock_reference_s=7.1)
    assert agreeing.verdict is Verdict.HEALTHY
    assert "jump-box-clock" in ids(agreeing)


def test_drift_names_the_key_and_never_the_secret() -> None:
    reference = files(LDAP_BASE="dc=other", SESSION_SECRET="CANARY-other-session")
    status = judge(observation("oak"), reference=reference)
    assert status.verdict is Verdict.DEGRADED
    assert {difference.key for difference in status.drift} == {"LDAP_BASE", "SESSION_SECRET"}
    assert "CANARY" not in status.model_dump_json()


def test_what_a_site_may_choose_is_no_drift() -> None:
    status = judge(observation("oak"), reference=files(LDAP_URL="ldap://elsewhere", LAST_SENT_THUMBPRINT="x"))
    assert status.drift == ()
    assert status.verdict is Verdict.HEALTHY


def test_another_profile_mapper_is_drift() -> None:
    other = configuration_set(mapper=b"// another\n")
    status = judge(observation("oak"), reference=other)
    assert [difference.key for difference in status.drift] == ["lib/profileMapper.js"]


def test_another_connection_is_said_so() -> None:
    other = files(PROVISIONING_TICKET="https://acme.example.com/p/ad/CANARYother")
    status = judge(observation("oak"), reference=other)
    assert "other-connection" in ids(status)
    assert "CANARY" not in status.model_dump_json()


def test_a_host_that_could_not_be_looked_at_is_unknown() -> None:
    status = judge(unobserved("oak", OperatorError("no route to host", tried="port 22", remedy="check the firewall")))
    assert status.verdict is Verdict.UNKNOWN
    assert [problem.id for problem in status.problems] == ["not-observed"]
    assert status.problems[0].evidence == ("port 22",)
    assert status.problems[0].remedy == "check the firewall"


def test_a_log_that_could_not_be_read_leaves_it_unknown() -> None:
    assert judge(observation(log=None)).verdict is Verdict.UNKNOWN


def test_services_that_could_not_be_read_leave_it_unknown_whatever_the_log_says() -> None:
    assert judge(observation(connector=None)).verdict is Verdict.UNKNOWN
    assert judge(observation(connector=service(state="unknown"))).verdict is Verdict.UNKNOWN


def test_a_dead_console_is_a_warning_only() -> None:
    services = {Role.CONNECTOR: service(), Role.ADMIN: service(Role.ADMIN, "failed")}
    status = judge(observation(services=services))
    assert status.verdict is Verdict.HEALTHY
    assert "admin-failed" in ids(status)


def test_an_earlier_crash_does_not_count_once_it_is_connected() -> None:
    log = CONNECTING + "[2026-11-23 10:00:00] Clock skew detected.\n" + CONNECTED
    assert judge(observation(log=log)).verdict is Verdict.HEALTHY


def waiting(**more: object) -> Observation:
    """A host on which the connector is installed and nothing else."""
    values: dict[str, object] = {
        "configuration": ConfigurationSet(
            Layout.V6, "6.4.1", {path: file for path, file in files().files.items() if path.startswith("lib/")}, {}
        ),
        "connector": service(state="failed", detail="failed (start-limit-hit)"),
        "log": "[2026-11-23 11:59:00] STARTING AD-LDAP CONNECTOR\n",
        "ticket": None,
    }
    return observation("oak", **{**values, **more})


@pytest.mark.parametrize("state", ["failed", "stopped", "crash_loop", "starting", "running"])
def test_a_host_that_waits_for_the_set_has_one_problem_and_no_dangerous_advice(state: str) -> None:
    status = judge(waiting(connector=service(state=state)), reference=files())
    assert status.verdict is Verdict.DOWN
    (blocker,) = [problem for problem in status.problems if problem.severity is Severity.BLOCKER]
    assert blocker.summary == "it is not configured yet: it waits for the first host's set"
    assert blocker.remedy == "run the procedure for this host"
    assert status.drift == ()
    assert not any("restore" in (problem.remedy or "") for problem in status.problems)


def test_a_host_that_waits_still_tells_what_has_another_cause() -> None:
    off = judge(waiting(facts=facts(clock_skew_s=7.2)), reference=files())
    assert {"waits-for-set", "clock-skew"} <= ids(off)
    masked = judge(waiting(connector=service(state="masked")), reference=files())
    assert "connector-masked" in ids(masked)


def test_lost_files_are_not_taken_for_a_host_that_waits() -> None:
    pair_only = {path: file for path, file in files().files.items() if path != "config.json"}
    lost = ConfigurationSet(Layout.V6, "6.4.1", pair_only, files().directories)
    assert "waits-for-set" not in ids(judge(waiting(configuration=lost), reference=files()))
    assert "waits-for-set" not in ids(judge(waiting()))


def test_a_firewall_rule_of_its_own_is_told_of_the_first_host_only() -> None:
    configured = files(FIREWALL_RULE_CREATED=True)
    seen = observation("oak", configuration=configured, findings=tuple(set_findings(configured)))
    assert "firewall-rule-created" in ids(judge(seen))
    assert "firewall-rule-created" not in ids(judge(seen, reference=files()))
