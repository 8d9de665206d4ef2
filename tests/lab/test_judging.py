"""Every state that a verdict knows, made by a fault in the lab: recognised, named, and given its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.jump_box import JumpBox, jump_box, until
from tui.findings import Finding
from tui.health.model import HostStatus, Verdict
from tui.lab.host import in_parallel
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_WINRM
from tui.runbook.watching import Watching

NAMES = ("fir", "oak", "elm", "ash", "yew")
"""`yew` is a Windows host. A state outlasts its fault in a log, so that each host has only so many of them."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster of five in service."""
    furnishings = {"yew": WINDOWS_WINRM}
    folder = tmp_path_factory.mktemp("lab")
    with Lab(folder, names=NAMES, configured=NAMES, furnishings=furnishings, speed=20) as made:
        yield made


@pytest.fixture(scope="module")
def box(lab: Lab) -> Iterator[JumpBox]:
    with pytest.MonkeyPatch.context() as patch, jump_box(lab, patch) as made:
        yield made


@pytest.fixture(scope="module")
def watched(box: JumpBox) -> Iterator[Watching]:
    """One watching for all tests, which look when they want to."""
    with box.operations() as operations:
        made = operations.watch(interval=60)
        try:
            until(lambda: all(view.seen for view in made.views()))
            yield made
        finally:
            made.close()


@contextmanager
def fault(lab: Lab, name: str, host: str | None = None) -> Iterator[None]:
    lab.fault(name, host)
    try:
        yield
    finally:
        lab.fault(name, host, on=False)


def status(watched: Watching, name: str) -> HostStatus:
    found = watched.monitor.view(name).status
    assert found is not None
    return found


def looking(watched: Watching, name: str | None, condition: Callable[[], bool]) -> None:
    """Have a host looked at again and again, each time when the last look is over."""
    looked: set[str | None] = set()

    def seen() -> bool:
        stamps = {f"{view.seen} {id(view.failure)}" for view in watched.views() if name in (None, view.name)}
        if not stamps & looked:
            looked.update(stamps)
            watched.refresh(name)
        return condition()

    until(seen, seconds=60)


def named(watched: Watching, name: str, *problems: str) -> Finding:
    """Look until one of these problems is told of a host; every one has a remedy."""

    def found() -> list[Finding]:
        return [problem for problem in status(watched, name).problems if problem.id in problems]

    looking(watched, name, lambda: bool(found()))
    problem = found()[0]
    assert problem.remedy
    return problem


def worded(watched: Watching, name: str, verdict: Verdict) -> None:
    """Look until a host is judged so. All are looked at: it is compared with the first, and with what that says of the tenant."""
    looking(watched, None, lambda: status(watched, name).verdict is verdict)


def test_a_healthy_cluster_has_nothing_to_tell(watched: Watching) -> None:
    looking(watched, None, lambda: watched.status().verdict is Verdict.HEALTHY)
    told = {problem.id for host in watched.status().hosts for problem in host.problems}
    assert told <= {"version-advisory", "firewall-rule-created"}

    def known() -> bool:
        return all(host.certificate and host.certificate.matches_tenant for host in watched.status().hosts)

    looking(watched, None, known)


def test_a_stray_environment_override_is_named_on_either_system(lab: Lab, watched: Watching) -> None:
    with fault(lab, "stray_environment"):
        for name in ("oak", "yew"):
            assert "PORT" in named(watched, name, "environment-overrides").summary
            assert status(watched, name).verdict is Verdict.HEALTHY


def test_a_clock_that_runs_away_is_told_before_the_connector_dies_of_it(lab: Lab, watched: Watching) -> None:
    with fault(lab, "clock_drifts", "oak"):
        assert "runs away by +" in named(watched, "oak", "clock-drifts").summary
        assert abs(status(watched, "oak").clock_skew_s or 9) < 5
    assert not {problem.id for problem in status(watched, "elm").problems} & {"clock-drifts"}


def test_a_log_that_is_silent_leaves_it_untold_and_not_red(lab: Lab, watched: Watching) -> None:
    with fault(lab, "log_silent", "oak"):
        assert "Input/output error" in " ".join(named(watched, "oak", "log-not-read").summary.split())
        seen = status(watched, "oak")
        assert (seen.verdict, seen.hub, seen.services["connector"]) == (Verdict.UNKNOWN, "unknown", "running")
        assert watched.monitor.view("oak").failure is None
        looking(watched, None, lambda: watched.status().verdict is Verdict.UNKNOWN)
    worded(watched, "oak", Verdict.HEALTHY)


def test_a_certificate_near_its_end_is_told_of_every_host_and_of_nobody_as_red(lab: Lab, watched: Watching) -> None:
    with fault(lab, "old_certificate"):
        assert "expires on" in named(watched, "fir", "certificate-expires-soon").summary
        named(watched, "yew", "certificate-expires-soon")
        assert not {p.id for p in status(watched, "fir").problems} & {"certificate-expired", "key-mismatch"}
    lab.tenant.hub.wait_for(lambda accepted: len(accepted) == len(NAMES), 20)


def test_a_key_that_does_not_match_degrades_though_the_instance_is_connected(lab: Lab, watched: Watching) -> None:
    for name in ("oak", "yew"):
        with fault(lab, "other_key", name):
            named(watched, name, "key-mismatch")
            assert (status(watched, name).hub, status(watched, name).verdict) == ("connected", Verdict.DEGRADED)
    worded(watched, "oak", Verdict.HEALTHY)


def test_all_instances_dropping_together_are_the_tenants_side(lab: Lab, watched: Watching) -> None:
    looking(watched, None, lambda: all(host.hub == "connected" for host in watched.status().hosts))
    with fault(lab, "hub_down"):
        looking(watched, None, lambda: "all-dropped-together" in {p.id for p in watched.status().problems})
        problem = next(each for each in watched.status().problems if each.id == "all-dropped-together")
        assert len(problem.evidence) == len(NAMES)
        assert "not on the hosts" in (problem.remedy or "")
    looking(watched, None, lambda: all(host.hub == "connected" for host in watched.status().hosts))


def test_another_certificate_at_the_tenant_is_told_of_the_hosts_that_did_not_ask(lab: Lab, watched: Watching) -> None:
    with fault(lab, "other_certificate"):
        named(watched, "fir", "certificate-not-tenants")
        assert "tenant" in " ".join(named(watched, "elm", "certificate-not-tenants").evidence)
        assert status(watched, "elm").certificate.matches_tenant is False  # type: ignore[union-attr]
    lab.tenant.know(lab.set.thumbprint)
    in_parallel([machine.restart_connector for machine in lab.machines.values()])
    lab.tenant.hub.wait_for(lambda accepted: len(accepted) == len(NAMES), 20)


def test_one_that_can_never_decrypt_is_alive_and_never_connected(lab: Lab, watched: Watching) -> None:
    with fault(lab, "bad_decrypt", "oak"):
        problem = named(watched, "oak", "hub-stuck")
        seen = status(watched, "oak")
        assert (seen.verdict, seen.services["connector"], seen.hub) == (Verdict.DOWN, "running", "stuck")
        assert "bad decrypt" in " ".join(problem.evidence)
    lab.tenant.hub.wait_for(lambda accepted: "oak" in accepted, 20)


def test_one_that_is_accepted_and_gone_again_and_again_flaps(lab: Lab, watched: Watching) -> None:
    with fault(lab, "flapping", "elm"):
        assert "lost its connection" in named(watched, "elm", "flapping").summary
        worded(watched, "elm", Verdict.DEGRADED)


def test_an_end_with_zero_that_on_failure_does_not_restart_is_named(lab: Lab, watched: Watching) -> None:
    with fault(lab, "restart_on_failure", "elm"), fault(lab, "other_key", "elm"):
        lab.machines["elm"].restart_connector()
        problem = named(watched, "elm", "ended-with-zero")
        assert "Restart=always" in (problem.remedy or "")
        assert (status(watched, "elm").verdict, status(watched, "elm").hub) == (Verdict.DOWN, "rejected")


def test_a_crash_loop_is_named_with_its_cause_and_ends_in_a_start_limit(lab: Lab, watched: Watching) -> None:
    with fault(lab, "clock", "ash"):
        loop = named(watched, "ash", "restarting", "hub-crash-loop", "connector-crash-loop")
        assert "the clock is more than 5 seconds off" in (loop.remedy or "")
        assert status(watched, "ash").verdict is Verdict.DOWN
        given_up = named(watched, "ash", "start-limit")
        assert "Clock skew" in " ".join(given_up.evidence)
        assert "systemctl reset-failed" in (given_up.remedy or "")
        assert (status(watched, "ash").verdict, status(watched, "ash").hub) == (Verdict.DOWN, "crash_loop")


def test_a_windows_service_that_nssm_pauses_is_in_a_crash_loop(lab: Lab, watched: Watching) -> None:
    with fault(lab, "program_broken", "yew"):
        told: list[HostStatus] = []

        def paused() -> bool:
            told.append(status(watched, "yew"))
            return told[-1].services.get("connector") == "crash_loop"

        looking(watched, "yew", paused)
        assert (told[-1].verdict, told[-1].hub) == (Verdict.DOWN, "disconnected")
        problem = next(each for each in told[-1].problems if each.id == "connector-crash-loop")
        assert "NSSM" in " ".join(problem.evidence)
        assert "logs.log" in (problem.remedy or "")


def test_an_instance_that_published_its_own_certificate_is_named_and_the_others_say_who_knows_it(
    lab: Lab, watched: Watching
) -> None:
    with fault(lab, "own_certificate", "ash"):
        problem = named(watched, "ash", "certificate-generated")
        assert "stop this connector at once" in (problem.remedy or "")
        looking(watched, None, lambda: "certificates-differ" in {p.id for p in watched.status().problems})
