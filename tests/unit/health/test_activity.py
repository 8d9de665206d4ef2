"""What a row says beside the verdict: starts within the hour, since when the hub has it, how often it was accepted anew."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.health.material import CONNECTED, NOW, observation, service
from tui.health.activity import RestartCount, activity

_HOUR = timedelta(hours=1)


def test_times_of_a_log_are_told_in_utc_whatever_zone_the_host_is_in() -> None:
    for hours in (-5, 0, 5.5):
        shift = timedelta(hours=hours)
        local = (NOW - _HOUR + shift).strftime("[%Y-%m-%d %H:%M:%S]")
        seen = observation(log=f"{local} STARTING AD-LDAP CONNECTOR\n{local} auth0: Agent accepted.\n")
        told = activity(seen, {})
        assert told.connected_since == told.last_accepted == NOW - _HOUR


def test_without_the_time_of_its_start_by_two_clocks_nothing_is_made_up() -> None:
    told = activity(observation(connector=service(started=None)), {})
    assert told.connected_since is None
    assert told.last_accepted is None
    assert "connector" not in told.restarts


def test_an_instance_that_lost_the_hub_is_connected_since_never() -> None:
    told = activity(observation(log=CONNECTED + "[2026-11-23 11:30:00] websocket deconnected\n"), {})
    assert told.connected_since is None
    assert told.last_accepted == NOW - _HOUR + timedelta(seconds=2)


def test_only_being_accepted_anew_without_a_start_is_a_reconnect() -> None:
    again = "[2026-11-23 11:{minute}:00] auth0: Agent accepted.\n"
    restarted = "[2026-11-23 11:50:00] STARTING AD-LDAP CONNECTOR\n" + again.format(minute=51)
    assert activity(observation(log=CONNECTED), {}).reconnects == 0
    assert activity(observation(log=CONNECTED + again.format(minute=20)), {}).reconnects == 1
    assert activity(observation(log=CONNECTED + restarted), {}).reconnects == 0


def test_starts_within_the_hour_are_counted_from_the_log() -> None:
    starts = "".join(
        f"[2026-11-23 {at}:00] STARTING AD-LDAP CONNECTOR\n" for at in ("10:30", "11:20", "11:40", "11:58")
    )
    looping = observation(log=starts, connector=service(started=NOW - timedelta(minutes=2)))
    assert activity(looping, {}).restarts["connector"] == 3


@pytest.mark.parametrize(
    ("readings", "within"),
    [
        ([(0, 0), (10, 2), (20, 5)], 5),
        ([(0, 7), (61, 7)], 0),
        ([(0, 0), (30, 4), (95, 4)], 0),
        ([(0, 9), (10, 0), (20, 1)], 1),
        ([(0, None)], 0),
    ],
)
def test_the_managers_count_is_taken_over_the_last_hour(readings: list[tuple[int, int | None]], within: int) -> None:
    count = RestartCount()
    for minute, reading in readings:
        count.add(NOW + timedelta(minutes=minute), reading)
    assert count.within_hour == within
