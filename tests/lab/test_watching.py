"""Watching three embedded hosts: what faults look like on the dashboard, and what is kept for the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.conftest import leaks
from tests.lab.jump_box import JumpBox, jump_box, until
from tui.health import monitor as monitor_module
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.runbook import watching as watching_module
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


def problems(watched: Watching) -> set[str]:
    return {problem.id for problem in watched.monitor.status().problems}


def test_a_healthy_cluster_is_healthy_and_its_log_is_at_hand(box: JumpBox) -> None:
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        assert all(len(view.latencies) > 0 for view in watched.monitor.views())
        assert "Agent accepted" in watched.log("oak")
        assert box.lab.tenant.ticket not in watched.log("oak")


def test_the_last_known_state_is_there_at_once_the_next_time(box: JumpBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching_module, "REMEMBER_EVERY_S", 0.0)
    with box.operations() as operations:
        with watching(operations) as watched:
            until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
            # Kept while the watching goes on: a program that is killed closes nothing.
            until(lambda: [status.verdict for status in last_seen("lab").values()] == [Verdict.HEALTHY] * 3)
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
    with box.operations() as operations, watching(operations) as later:
        kept = later.earlier_events()
    assert {event.host for event in kept} == set(NAMES)
    assert any(event.text == "hub connected → connecting" for event in kept)


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


def test_a_host_that_hangs_turns_old_by_itself_and_the_others_keep_their_rounds(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor_module, "OVERDUE_S", 1.0)
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.monitor.status().verdict is Verdict.HEALTHY)
        box.lab.fault("host_hangs", "elm")
        try:
            rounds: dict[str, set[str]] = {"fir": set(), "oak": set()}

            def stale() -> bool:
                for name, seen in rounds.items():
                    seen.add(str(watched.monitor.view(name).seen))
                return watched.monitor.view("elm").failure is not None

            until(stale, seconds=15)
            assert all(len(seen) >= 3 for seen in rounds.values()), "a round every two seconds, whatever elm does"
            view = watched.monitor.view("elm")
            assert "no answer for 4 s" in str(view.failure)
            assert view.status is not None
            assert view.status.verdict is Verdict.HEALTHY
            assert {each.name: each.verdict for each in watched.status().hosts}["elm"] is Verdict.UNKNOWN
        finally:
            box.lab.fault("host_hangs", "elm", False)
        until(lambda: watched.monitor.view("elm").failure is None)


def test_a_tenant_that_cannot_be_asked_is_not_known_and_nothing_is_blamed_on_it(box: JumpBox) -> None:
    with box.operations() as operations, watching(operations) as watched:
        until(lambda: watched.tenant().online is True)
        asked = watched.tenant().asked
        box.lab.fault("auth0_down")
        try:
            looking_anew(watched, lambda: watched.tenant().online is None)
            view = watched.tenant()
            assert view.why
            assert view.asked is not None
            assert asked is not None
            assert view.asked >= asked
            assert "tenant-offline" not in problems(watched)
        finally:
            box.lab.fault("auth0_down", on=False)
