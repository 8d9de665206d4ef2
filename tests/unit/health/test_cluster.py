"""The verdict on a cluster: healthy only when every instance is, and honest about what could not be told."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tests.unit.connector.material import configuration_set, other_pair
from tests.unit.health.material import REJECTED, facts, observation
from tui.errors import OperatorError
from tui.health.cluster import connected_clock, judge_all, observe_all
from tui.health.model import Verdict
from tui.health.observation import Observation
from tui.health.probes import unobserved

HEALTHY = observation("oak")
DOWN = observation("oak", log=REJECTED)
UNSEEN = unobserved("oak", OperatorError("no route to host"))


@pytest.mark.parametrize(
    ("second", "verdict"), [(HEALTHY, Verdict.HEALTHY), (DOWN, Verdict.DEGRADED), (UNSEEN, Verdict.UNKNOWN)]
)
def test_the_cluster_is_as_good_as_what_is_known_of_every_host(second: Observation, verdict: Verdict) -> None:
    assert judge_all("corp", "fir", [observation("fir"), second]).verdict is verdict


def test_a_cluster_without_a_connected_instance_is_down_or_unknown() -> None:
    down = observation("fir", log=REJECTED)
    assert judge_all("corp", "fir", [down, DOWN]).verdict is Verdict.DOWN
    assert judge_all("corp", "fir", [down, UNSEEN]).verdict is Verdict.UNKNOWN
    assert judge_all("corp", "fir", [unobserved("fir", OperatorError("x")), UNSEEN]).verdict is Verdict.UNKNOWN


def test_a_lost_redundancy_is_said_so() -> None:
    status = judge_all("corp", "fir", [observation("fir"), DOWN])
    assert "no-redundancy" in {problem.id for problem in status.problems}


def test_different_certificates_degrade_the_cluster() -> None:
    cert, key = other_pair()
    status = judge_all(
        "corp", "fir", [observation("fir"), observation("oak", configuration=configuration_set(cert=cert, key=key))]
    )
    assert status.verdict is Verdict.DEGRADED
    assert "certificates-differ" in {problem.id for problem in status.problems}


def test_one_clock_that_is_off_is_blamed_and_not_the_others() -> None:
    observations = [observation("fir"), observation("oak"), observation("elm", facts=facts(clock_skew_s=7.0))]
    status = judge_all("corp", "fir", observations)
    assert [host.verdict for host in status.hosts] == [Verdict.HEALTHY, Verdict.HEALTHY, Verdict.DEGRADED]


def test_a_wrong_jump_box_clock_is_blamed_on_no_host() -> None:
    observations = [observation(name, facts=facts(clock_skew_s=61.0)) for name in ("fir", "oak")]
    assert judge_all("corp", "fir", observations).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(("skews", "clock"), [((), None), ((3.0,), 3.0), ((0.1, 7.0), 0.1), ((0.0, 0.2, 9.0), 0.2)])
def test_the_clock_of_the_connected_hosts_is_their_middle(skews: tuple[float, ...], clock: float | None) -> None:
    assert connected_clock([observation(facts=facts(clock_skew_s=skew)) for skew in skews]) == clock


def test_probes_run_side_by_side_within_a_limit_and_keep_their_order() -> None:
    together = threading.Barrier(3)

    def probe(name: str) -> Observation:
        together.wait(timeout=10)
        return observation(name)

    names = [f"host{number}" for number in range(6)]
    seen = observe_all([partial(probe, name) for name in names], at_once=3)
    assert [each.name for each in seen] == names
