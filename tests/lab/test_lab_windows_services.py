"""Services of a Windows lab host: the states of the service control manager, and what NSSM makes of a program that dies."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.lab.faults import FaultError
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_SSH, WINDOWS_WINRM
from tui.lab.windows.host import WindowsLabHost
from tui.lab.windows.services import ServiceRefusal, Win32


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    kinds = {"elm": WINDOWS_WINRM, "ash": WINDOWS_SSH}
    with Lab(tmp_path / "l", names=("elm", "ash", "fir"), configured=("elm",), speed=20, furnishings=kinds) as made:
        yield made


@pytest.fixture
def elm(lab: Lab) -> WindowsLabHost:
    return lab.windows["elm"]


@pytest.fixture
def ash(lab: Lab) -> WindowsLabHost:
    """A host that waits for its configuration."""
    return lab.windows["ash"]


def stopped(host: WindowsLabHost, name: str) -> bool:
    return host.services.wait_state(name, "Stopped", 10)


def test_a_configured_connector_runs_and_one_that_is_killed_is_started_again(lab: Lab, elm: WindowsLabHost) -> None:
    service = elm.services.service("auth0 adldap")
    assert elm.services.wait_state(service.name, "Running", 10)
    assert lab.tenant.accepted() == {"elm": 1}
    wrapper, starts = service.pid, service.started
    elm.services.kill(service.name)
    assert elm.wait_log("Agent accepted", times=2)
    assert service.pid == wrapper
    assert starts is not None
    assert service.started is not None
    assert service.started > starts


def test_an_unconfigured_connector_is_paused_by_nssm_with_longer_and_longer_pauses(ash: WindowsLabHost) -> None:
    assert ash.services.wait_state(ash.connector_unit, "Paused", 10)
    assert ash.wait_log("not configured", times=3)
    ash.services.stop(ash.connector_unit)
    assert stopped(ash, ash.connector_unit)
    assert ash.services.service(ash.connector_unit).pid == 0


def test_what_the_manager_refuses_has_windows_codes(elm: WindowsLabHost) -> None:
    services, name = elm.services, elm.connector_unit

    def refused(action: str) -> Win32:
        with pytest.raises(ServiceRefusal) as caught:
            getattr(services, action)(name)
        return caught.value.code

    assert services.wait_state(name, "Running", 10)
    assert refused("start") is Win32.ALREADY_RUNNING
    services.stop(name)
    assert stopped(elm, name)
    assert refused("stop") is Win32.NOT_ACTIVE
    services.set_start_mode(name, "Disabled")
    assert refused("start") is Win32.DISABLED
    services.set_start_mode(name, "Auto")
    services.service(name).bad_logon = True
    assert refused("start") is Win32.LOGON_FAILURE
    services.service(name).bad_logon = False
    services.start(name)
    assert services.service(name).state == "StartPending"
    assert refused("stop") is Win32.CANNOT_ACCEPT
    with pytest.raises(ServiceRefusal):
        services.start("no such service")


def test_a_stuck_service_stays_in_stop_pending_until_it_is_let_go(lab: Lab, elm: WindowsLabHost) -> None:
    lab.fault("stop_pending", "elm")
    elm.services.stop(elm.admin_unit)
    assert elm.services.service(elm.admin_unit).state == "StopPending"
    assert not elm.services.wait_state(elm.admin_unit, "Stopped", 0.5)
    lab.fault("stop_pending", "elm", on=False)
    assert stopped(elm, elm.admin_unit)


def test_a_host_that_was_off_comes_back_with_its_services(lab: Lab, elm: WindowsLabHost) -> None:
    lab.fault("host_down", "elm")
    assert lab.tenant.hub.wait_for(lambda accepted: not accepted, 10)
    lab.fault("host_down", "elm", on=False)
    assert lab.tenant.hub.wait_for(lambda accepted: accepted.get("elm") == 1, 20)


def test_a_program_that_ignores_the_order_to_stop_is_ended_by_nssm(elm: WindowsLabHost) -> None:
    process = elm.services.service(elm.admin_unit).process
    assert process is not None
    elm.services.kill(elm.admin_unit, signal.SIGSTOP)
    elm.services.stop(elm.admin_unit)
    assert elm.services.wait_state(elm.admin_unit, "Stopped", 15)
    assert process.returncode is not None


def test_a_fault_that_does_not_fit_a_host_says_so_and_without_a_host_it_is_that_of_all_that_it_fits(lab: Lab) -> None:
    unfit = [
        ("link_cut", "elm"),
        ("mid_receive", "ash"),
        ("wrong_sudo", "elm"),
        ("quota", "fir"),
        ("access_denied", "fir"),
    ]
    for fault, host in unfit:
        with pytest.raises(FaultError, match=f"{host} .* cannot have the fault {fault}"):
            lab.fault(fault, host)
    for fault in ("clock", "link_cut", "quota"):
        lab.fault(fault)
    expected = [("clock", "ash"), ("clock", "elm"), ("clock", "fir"), ("link_cut", "ash"), ("link_cut", "fir")]
    assert lab.active_faults() == [*expected, ("quota", "elm")]
    for fault in ("clock", "link_cut", "quota"):
        lab.fault(fault, on=False)
    assert lab.active_faults() == []
