"""The poller behind the dashboard: own schedules, ages, events, and what several instances did together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from tests.unit.health.material import CONNECTED, CONNECTING, NOW, observation, service
from tui.errors import OperatorError
from tui.health.events import HealthEvent
from tui.health.instance_watch import Look
from tui.health.model import Verdict
from tui.health.monitor import SHORTEST_INTERVAL_S, Monitor, age_seconds

_SECONDS = 20.0


class Hosts:
    """Hosts whose next look can be scripted, and a record of what the monitor told."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.logs = dict.fromkeys(names, CONNECTED)
        self.failing: dict[str, OperatorError] = {}
        self.held: dict[str, threading.Event] = {}
        self.told: queue.Queue[str] = queue.Queue()
        self.events: list[HealthEvent] = []
        self.looks: list[str] = []

    def look(self, name: str) -> Look:
        self.looks.append(name)
        if name in self.held:
            self.held[name].wait(_SECONDS)
        if name in self.failing:
            raise self.failing[name]
        return Look(observation(name=name, log=self.logs[name], connector=service(state="running")), 3.0)

    def record(self, events: Sequence[HealthEvent]) -> None:
        self.events.extend(events)

    def heard(self, *names: str) -> None:
        """Wait until the monitor has told of each of these once more."""
        missing = list(names)
        while missing:
            name = self.told.get(timeout=_SECONDS)
            if name in missing:
                missing.remove(name)


@pytest.fixture
def watch() -> Iterator[Callable[[Hosts], Monitor]]:
    made: list[Monitor] = []

    def begin(hosts: Hosts) -> Monitor:
        monitor = Monitor(
            "lab",
            hosts.names,
            hosts.names[0],
            hosts.look,
            interval=60,
            on_change=hosts.told.put,
            on_events=hosts.record,
        )
        made.append(monitor)
        monitor.start()
        return monitor

    yield begin
    for monitor in made:
        monitor.stop()


def test_every_instance_is_seen_and_the_cluster_judged(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    assert [(view.name, view.first, view.failure) for view in monitor.views()] == [
        ("fir", True, None),
        ("oak", False, None),
    ]
    assert monitor.status().verdict is Verdict.HEALTHY
    assert monitor.view("oak").latencies == (3.0,)
    assert hosts.events == []


def test_a_host_that_hangs_delays_no_other(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    hosts.held["oak"] = threading.Event()
    monitor = watch(hosts)
    hosts.heard("fir")
    monitor.refresh("fir")
    hosts.heard("fir")
    assert monitor.view("oak").status is None
    assert hosts.looks.count("fir") == 2
    hosts.held.pop("oak").set()
    hosts.heard("oak")
    assert monitor.view("oak").status is not None


def test_a_host_that_no_longer_answers_stays_with_its_last_state_and_its_age(
    watch: Callable[[Hosts], Monitor],
) -> None:
    hosts = Hosts("fir", "oak")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    hosts.failing["oak"] = OperatorError("no answer from 10.0.0.2")
    monitor.refresh("oak")
    hosts.heard("oak")
    view = monitor.view("oak")
    assert view.failure is hosts.failing["oak"]
    assert view.status is not None
    assert view.status.verdict is Verdict.HEALTHY
    assert age_seconds(view, NOW + timedelta(seconds=34)) == 34
    assert monitor.status().verdict is Verdict.UNKNOWN
    hosts.failing.clear()
    monitor.refresh("oak")
    hosts.heard("oak")
    assert [(event.host, event.kind) for event in hosts.events] == [("oak", "unreachable"), ("oak", "back")]


def test_a_host_that_was_never_seen_is_unknown_and_says_why(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    hosts.failing["oak"] = OperatorError("no route")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    view = monitor.view("oak")
    assert view.seen is None
    assert view.status is not None
    assert view.status.verdict is Verdict.UNKNOWN
    assert "no route" in view.status.problems[0].summary


def test_what_changed_is_told_once(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    hosts.logs["oak"] = CONNECTING
    monitor.refresh("oak")
    hosts.heard("oak")
    told = {event.kind: event.text for event in hosts.events}
    assert told["verdict"].startswith("healthy → down")
    assert told["hub"] == "hub connected → connecting"
    count = len(hosts.events)
    monitor.refresh("oak")
    hosts.heard("oak")
    assert len(hosts.events) == count
    assert monitor.events() == hosts.events


def test_all_instances_dropping_together_are_the_tenants_affair(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    hosts.logs["oak"] = CONNECTING
    monitor.refresh("oak")
    hosts.heard("oak")
    assert "all-dropped-together" not in {problem.id for problem in monitor.status().problems}
    hosts.logs["fir"] = CONNECTING
    monitor.refresh("fir")
    hosts.heard("fir")
    problem = next(each for each in monitor.status().problems if each.id == "all-dropped-together")
    assert len(problem.evidence) == 2
    hosts.logs["fir"] = CONNECTED
    monitor.refresh("fir")
    hosts.heard("fir")
    assert "all-dropped-together" not in {each.id for each in monitor.status().problems}


def test_nothing_is_looked_at_while_paused(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir")
    monitor = watch(hosts)
    hosts.heard("fir")
    monitor.pause()
    assert monitor.paused
    monitor.resume()
    hosts.heard("fir")
    assert hosts.looks == ["fir", "fir"]


def test_what_was_known_before_is_shown_at_once_and_marked() -> None:
    hosts = Hosts("fir")
    earlier = Monitor("lab", hosts.names, "fir", hosts.look, on_change=hosts.told.put)
    earlier.start()
    hosts.heard("fir")
    earlier.stop()
    status = earlier.view("fir").status
    assert status is not None
    later = Monitor("lab", hosts.names, "fir", hosts.look, remembered={"fir": status})
    view = later.view("fir")
    assert (view.remembered, view.status, view.seen) == (True, status, status.observed)
    hosts.logs["fir"] = CONNECTING
    changed = Monitor("lab", hosts.names, "fir", hosts.look, on_change=hosts.told.put, remembered={"fir": status})
    changed.start()
    hosts.heard("fir")
    changed.stop()
    told = "healthy at 2026-11-23 12:00 UTC, when it was last watched → down"
    assert [(event.kind, event.text) for event in changed.events()] == [("verdict", told)]


def test_an_interval_is_never_shorter_than_two_seconds() -> None:
    hosts = Hosts("fir")
    monitor = Monitor("lab", hosts.names, "fir", hosts.look, interval=0.1)
    assert monitor.interval == SHORTEST_INTERVAL_S
    monitor.set_interval(1)
    assert monitor.interval == SHORTEST_INTERVAL_S


def test_an_instance_that_was_never_looked_at_is_unknown_and_so_is_its_cluster(
    watch: Callable[[Hosts], Monitor],
) -> None:
    hosts = Hosts("fir", "oak")
    hosts.held["oak"] = threading.Event()
    monitor = watch(hosts)
    hosts.heard("fir")
    status = monitor.status()
    assert [(each.name, each.verdict) for each in status.hosts] == [("fir", Verdict.HEALTHY), ("oak", Verdict.UNKNOWN)]
    assert status.verdict is Verdict.UNKNOWN
    hosts.held["oak"].set()


def test_a_host_that_hangs_turns_old_while_the_look_at_it_is_under_way() -> None:
    hosts = Hosts("fir")
    monitor = Monitor("lab", hosts.names, "fir", hosts.look, interval=2, on_change=hosts.told.put, overdue=0.3)
    monitor.start()
    hosts.heard("fir")
    hosts.held["fir"] = threading.Event()
    hosts.heard("fir")
    view = monitor.view("fir")
    assert "no answer for 0 s" in str(view.failure)
    assert view.status is not None
    hosts.held.pop("fir").set()
    hosts.heard("fir")
    assert monitor.view("fir").failure is None
    monitor.stop()


def test_an_instance_that_is_held_is_left_alone_and_looked_at_afterwards(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir", "oak")
    monitor = watch(hosts)
    hosts.heard("fir", "oak")
    with monitor.held("oak"):
        monitor.refresh()
        hosts.heard("fir")
    hosts.heard("oak")
    assert monitor.view("oak").failure is None


def test_a_line_that_comes_again_and_again_is_told_once(watch: Callable[[Hosts], Monitor]) -> None:
    hosts = Hosts("fir")
    monitor = watch(hosts)
    hosts.heard("fir")
    for second in (10, 20, 30):
        hosts.logs["fir"] += f"[2026-11-23 11:59:{second}] websocket deconnected. reconnecting\n"
        monitor.refresh("fir")
        hosts.heard("fir")
    assert sum(event.kind == "log" for event in hosts.events) == 1
