"""A connector's services as Windows' service control manager (SCM) sees them, and stopping and starting them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tui.connector.errors import ServiceError
from tui.connector.model import Install, Role, Service
from tui.connector.service_control import units
from tui.connector.windows.script_calls import call, said, win32_code
from tui.remote.errors import ScriptFailed
from tui.remote.windows_session import WindowsSession

_MARGIN = 20.0
"""Seconds beyond a script's own deadline before the link is given up."""

_STATES = {
    "Running": "running",
    "Stopped": "stopped",
    "StartPending": "starting",
    "ContinuePending": "starting",
    "StopPending": "stopping",
    "Paused": "crash_loop",
    "PausePending": "crash_loop",
}
_PAUSED = "NSSM pauses a program that died within 1.5 s of its start, for longer each time"
_CLEAN_EXITS = (0, 1077)
"""Windows' exit codes of a service that failed at nothing; 1077: nobody has started it since the system did."""


def parse_service(role: Role, values: Mapping[str, Any]) -> Service:
    """One service of what Get-Services.ps1 puts out. Its process is the node that NSSM runs, which NSSM itself outlives."""
    told, mode = str(values.get("state") or ""), str(values.get("start_mode") or "")
    state, code = _STATES.get(told, "unknown"), int(values.get("exit_code") or 0)
    detail = told
    if state == "stopped" and mode == "Disabled":
        state, detail = "masked", "Stopped, Disabled"
    elif state == "stopped" and code not in _CLEAN_EXITS:
        state, detail = "failed", f"Stopped, exit code {code}"
    elif state == "crash_loop":
        detail = f"{told}: {_PAUSED}"
    started = values.get("started")
    return Service(
        role=role,
        unit=str(values["name"]),
        state=state,
        detail=detail,
        enabled={"Auto": True, "Manual": False, "Disabled": False}.get(mode),
        user=values.get("account") or None,
        main_pid=int(values.get("program") or values.get("pid") or 0) or None,
        started=datetime.fromtimestamp(started, UTC) if isinstance(started, (int, float)) else None,
        environment=tuple(values.get("environment") or ()),
        forbidden=mode == "Disabled",
        system="windows",
    )


def read_services(session: WindowsSession, install: Install) -> dict[Role, Service]:
    """Both services as the SCM sees them now, in one call; a role without a service is absent."""
    wanted = units(install)
    if not wanted:
        return {}
    found = call(session, "Get-Services.ps1", {"Names": list(wanted.values())})["services"]
    by_name = {str(values["name"]).casefold(): values for values in found}
    return {
        role: parse_service(role, by_name[name.casefold()])
        for role, name in wanted.items()
        if name.casefold() in by_name
    }


def stop_service(session: WindowsSession, install: Install, role: Role, timeout: float) -> None:
    """Stop a service and wait until it is gone; nothing to do when there is none. Nothing is ended by force.

    Raises ServiceError.
    """
    name = units(install).get(role)
    if not name:
        return
    answer = _control(session, "Stop-One.ps1", name, "stop", timeout)
    if answer.get("state") == "Stopped":
        return
    pid = read_services(session, install).get(role)
    process = f" (its process is {pid.main_pid})" if pid and pid.main_pid else ""
    raise ServiceError(
        f"{name} did not stop within {timeout:g} seconds; it is still {answer.get('state')}",
        host=session.host,
        tried=f"Stop-Service '{name}'{process}",
        meaning="its program does not end; it was not ended by force, because it may still be writing its files",
        remedy="look at it in Task Manager; end its nssm.exe and node.exe there when they do nothing any more, then retry",
    )


def start_service(session: WindowsSession, install: Install, role: Role, timeout: float) -> None:
    """Start a service, out of NSSM's pause if need be, and wait until the SCM calls it running. Raises ServiceError."""
    name = units(install).get(role)
    if not name:
        raise ServiceError(
            f"there is no {role.value} service to start",
            host=session.host,
            meaning="nothing starts this program when the host boots",
            remedy=f"repair the connector's installation, or name the service as {role.value}_unit in the cluster file",
        )
    answer = _control(session, "Start-One.ps1", name, "start", timeout)
    state = str(answer.get("state"))
    if state == "Running":
        return
    explained = {
        "Paused": (
            f"{name} dies as soon as it is started, and is paused",
            _PAUSED,
            "read the end of logs.log in the install directory, correct the cause, then retry",
        ),
        "Stopped": (
            f"{name} stopped at once, with exit code {answer.get('exit_code')}",
            "the program ended before it could work",
            "read the System event log and the end of logs.log, correct the cause, then retry",
        ),
    }
    summary, meaning, remedy = explained.get(
        state,
        (
            f"{name} was not running within {timeout:g} seconds; it is {state}",
            "the SCM is still waiting for it",
            f"look at `Get-Service '{name}'` on the host",
        ),
    )
    raise ServiceError(summary, host=session.host, tried=f"Start-Service '{name}'", meaning=meaning, remedy=remedy)


def _control(session: WindowsSession, script: str, name: str, verb: str, timeout: float) -> dict[str, Any]:
    seconds = max(1, math.ceil(timeout))
    try:
        return call(session, script, {"Name": name, "Seconds": seconds}, timeout=seconds + _MARGIN)
    except ScriptFailed as error:
        raise _refused(session, error, verb, name) from None


def _refused(session: WindowsSession, error: ScriptFailed, verb: str, name: str) -> ServiceError:
    code = win32_code(error)
    tried = f"{verb.capitalize()}-Service '{name}'" + (f": Windows error {code}" if code else "")
    explained = _REFUSALS.get(code)
    if explained:
        summary, meaning, remedy = (text.replace("NAME", name) for text in explained)
        return ServiceError(summary, host=session.host, tried=tried, meaning=meaning, remedy=remedy)
    return ServiceError(
        f"Windows refused to {verb} {name}: {said(error)}",
        host=session.host,
        tried=tried,
        remedy="look at the System event log on the host, correct the cause, then retry",
    )


_REFUSALS: dict[int, tuple[str, str, str]] = {
    2: (
        "the program that runs NAME is missing",
        "its ImagePath names an nssm.exe that is not there",
        "repair the connector's installation on this host",
    ),
    5: (
        "the account may not control NAME",
        "the login is no administrator on that host, or a policy forbids it",
        "log in with an account of the host's Administrators group",
    ),
    1053: (
        "NAME did not answer the SCM in time",
        "its program was started and said nothing for 30 seconds: the host is overloaded, or nssm.exe is blocked",
        "look for an anti-virus or AppLocker rule against it, and at the System event log, then retry",
    ),
    1058: (
        "NAME is disabled",
        "somebody has forbidden this service to start",
        "find out why; then `Set-Service -Name 'NAME' -StartupType Automatic` on the host and retry",
    ),
    1060: (
        "Windows does not know a service NAME",
        "it was uninstalled since it was looked for",
        "repair the connector's installation, or correct the cluster file",
    ),
    1068: (
        "NAME was not started, because a service that it depends on does not start",
        "the cause lies with that other service",
        "see its dependencies in services.msc and start those first",
    ),
    1069: (
        "NAME cannot log on as its account",
        "the account's password was changed or has expired, it is locked, or it lacks the right to log on as a service",
        "set the account again on the Log On page of the service in services.msc, then retry",
    ),
    1072: (
        "NAME is marked for deletion",
        "it was uninstalled while something held it open",
        "close services.msc and Task Manager everywhere, or restart the host; then install the connector again",
    ),
}
