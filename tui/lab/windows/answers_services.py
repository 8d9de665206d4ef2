"""Get-Services, Stop-One and Start-One: what the service control manager tells and does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui.lab.windows import dotnet
from tui.lab.windows.services import ServiceRefusal, Win32, WindowsService
from tui.lab.windows.wsman_calls import PsError

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

_MESSAGES = {
    Win32.DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled devices "
    "associated with it",
    Win32.LOGON_FAILURE: "The service did not start due to a logon failure",
    Win32.DOES_NOT_EXIST: "The specified service does not exist as an installed service",
}


def _refusal(error: ServiceRefusal) -> PsError:
    return dotnet.of_win32(error.code, _MESSAGES.get(error.code, str(error)))


def get_services(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """The state of each service that there is."""
    found = [service for name in given["Names"] if (service := host.services.find(name)) is not None]
    return {"services": [_told(service) for service in found]}


def _told(service: WindowsService) -> dict[str, Any]:
    program = service.process
    return {
        "name": service.name,
        "state": service.state,
        "start_mode": service.start_mode,
        "account": service.account,
        "pid": service.pid,
        "program": program.pid if program is not None else None,
        "exit_code": service.exit_code,
        "started": service.started,
        "environment": list(service.environment),
    }


def stop_one(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Ask a service to stop and wait; while it is starting it takes no orders and is asked again."""
    services, name, seconds = host.services, given["Name"], given["Seconds"]
    if services.find(name) is None:
        return {"existed": False, "state": "Stopped"}
    services.wait(name, lambda service: service.state != "StartPending", timeout=seconds)
    try:
        services.stop(name)
    except ServiceRefusal as error:
        if error.code not in (Win32.NOT_ACTIVE, Win32.CANNOT_ACCEPT):
            raise _refusal(error) from None
    services.wait_state(name, "Stopped", seconds)
    return {"existed": True, "state": services.service(name).state}


def start_one(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Start a service and wait until it runs, has stopped or is paused; a paused one is stopped first."""
    services, name, seconds = host.services, given["Name"], given["Seconds"]
    try:
        if services.service(name).state == "Paused":
            services.stop(name)
        if services.service(name).state == "StopPending":
            services.wait_state(name, "Stopped", seconds)
        if services.service(name).state == "Stopped":
            services.start(name)
    except ServiceRefusal as error:
        if error.code is not Win32.ALREADY_RUNNING:
            raise _refusal(error) from None
    services.wait(name, lambda service: service.state != "StartPending", timeout=seconds)
    service = services.service(name)
    return {"state": service.state, "exit_code": service.exit_code}


ANSWERS = {"Get-Services.ps1": get_services, "Stop-One.ps1": stop_one, "Start-One.ps1": start_one}
