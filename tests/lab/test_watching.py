"""Watching three embedded hosts: what faults look like on the dashboard, and what is kept for the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, jump_box, until
from tui.health.model import HostStatus, Verdict
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.watching import Watching, last_seen

NAMES = ("fir", "oak", "elm")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster of three in service; whoever changes it puts it back."""
    with Lab(tmp_path_factory.mktemp("lab"), configured=NAMES, speed=20) as made:
        yield made


@pytest.fixture
def box(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with jump_box(lab, monkeypatch) as made:
        yield made
    until(lambda: len(lab.tenant.accepted()) == 3)


@contextmanager
def watching(operations: ClusterOperations) -> Iterator[Watching]:
    made = operations.watch(interval=2.0)
    try:
        until(lambda: all(view.seen and not view.remembered for view in made.monitor.views()))
        yield made
    finally:
        made.close()


def looking_anew(watched: Watching, condition: Callable[[], bool], name: str | None = None) -> None:
    """Have everything looked at again and again until something holds."""

    def seen() -> bool:
        watched.refresh(name)
        return condition()

    until(seen)


def status_of(watched: Watching, name: str) -> HostStatus:
    status = watched.monitor.view(name).status
    assert status is not None
    return status


def problems(watched: Watching) -> set[str]:
    return {problem.id for problem in watched.monitor.status().problems}


def test_a_healthy_cluster_is_healthy_and_its_log_is_at_hand(box: JumpBox) -> None:
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        assert all(len(view.latencies) > 0 for view in watched.monitor.views())
        assert "Agent accepted" in watched.log("oak")
        assert box.lab.tenant.ticket not in watched.log("oak")


def test_the_last_known_state_is_there_at_once_the_next_time(box: JumpBox) -> None:
    with box.operations() as operations:
        with watching(operations) as watched:
            until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        known = last_seen("lab")
        assert {name: status.verdict for name, status in known.items()} == dict.fromkeys(NAMES, Verdict.HEALTHY)
        again = operations.watch(interval=60)
        try:
            view = again.monitor.view("fir")
            assert view.status is not None
            assert view.remembered or not view.failure
        finally:
            again.close()
    assert leaks(box.lab.canaries(), box.home) == []


def test_a_tenant_that_drops_everybody_is_named_as_the_cause(box: JumpBox) -> None:
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        box.lab.fault("hub_down")
        try:
            looking_anew(watched, lambda: "all-dropped-together" in problems(watched))
            assert watched.monitor.status().verdict is not Verdict.HEALTHY
        finally:
            box.lab.fault("hub_down", on=False)
        looking_anew(watched, lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        assert any(event.kind == "hub" for event in watched.monitor.events())
        kept = watched.earlier_events()
    assert {event.host for event in kept} == set(NAMES)


def test_a_dead_host_goes_stale_and_the_others_go_on(box: JumpBox) -> None:
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        box.lab.fault("host_down", "elm")
        try:
            looking_anew(watched, lambda: watched.monitor.view("elm").failure is not None, "elm")
            view = watched.monitor.view("elm")
            assert view.status is not None
            assert view.status.verdict is Verdict.HEALTHY
            seen = watched.monitor.view("oak").seen
            until(lambda: watched.monitor.view("oak").seen != seen)
            assert watched.monitor.status().verdict is Verdict.UNKNOWN
        finally:
            box.lab.fault("host_down", "elm", False)
        looking_anew(watched, lambda: watched.monitor.view("elm").failure is None, "elm")


@pytest.mark.parametrize(
    ("fault", "hosts", "verdict", "problem"),
    [
        ("clock", "oak", Verdict.DOWN, "clock-skew"),
        ("other_certificate", None, Verdict.DOWN, "certificate-not-tenants"),
    ],
)
def test_a_fault_is_recognised_and_named(
    box: JumpBox, fault: str, hosts: str | None, verdict: Verdict, problem: str
) -> None:
    with box.operations() as operations, watching(operations) as watched:
        box.lab.fault(fault, hosts)
        name = hosts or "fir"
        try:
            looking_anew(watched, lambda: problem in {each.id for each in status_of(watched, name).problems})
            looking_anew(watched, lambda: status_of(watched, name).verdict is verdict)
        finally:
            box.lab.fault(fault, hosts, False)
            if fault == "other_certificate":
                box.lab.tenant.know(box.lab.set.thumbprint)
