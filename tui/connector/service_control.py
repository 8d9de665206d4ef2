"""Asking systemd about a connector's units, and stopping and starting them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tui.connector.errors import ServiceError
from tui.connector.model import Install, Role, Service
from tui.connector.scripts import load
from tui.connector.services import PROPERTIES, first, parse_service, parse_show
from tui.remote.session import ROOT, Completed, Session

_TIME_UP, _MASKED, _FAILED, _NO_UNIT = 75, 76, 77, 78
_MARGIN = 15.0
"""Seconds beyond a script's own deadline before the link is given up."""


def units(install: Install) -> dict[Role, str]:
    """The units that an install has."""
    named = {Role.CONNECTOR: install.connector_unit, Role.ADMIN: install.admin_unit}
    return {role: unit for role, unit in named.items() if unit}


def read_services(session: Session, install: Install) -> dict[Role, Service]:
    """Both services as systemd sees them now, in one round trip; a role without a unit is absent."""
    wanted = units(install)
    if not wanted:
        return {}
    text = session.run(load("services.sh"), [PROPERTIES, *wanted.values()], user=ROOT).text
    blocks = [block for block in parse_show(text) if "Id" in block]
    services = {}
    for role, unit in wanted.items():
        block = next((b for b in blocks if first(b, "Id") == unit or unit in first(b, "Names").split()), None)
        service = parse_service(role, block, tuple(block.get("FromFile", ()))) if block else None
        if service:
            services[role] = service
    return services


def stop_service(session: Session, install: Install, role: Role, timeout: float) -> None:
    """Stop a service and wait until it is gone; nothing to do when the install has no such unit. Raises ServiceError."""
    unit = units(install).get(role)
    if not unit:
        return
    answer = _control(session, "stop_unit.sh", unit, timeout)
    if answer.exit_status == _TIME_UP:
        raise ServiceError(
            f"{unit} did not stop within {timeout:g} seconds",
            host=session.host,
            tried=f"systemctl stop {unit}",
            meaning=f"it is still there: {_words(answer.text)}",
            remedy=f"look at `systemctl status {unit}` on the host, stop it there, then retry",
        )
    _refused(session, answer, "stop", unit)


def start_service(session: Session, install: Install, role: Role, timeout: float) -> None:
    """Clear a start limit, start a service, and wait until systemd calls it active. Raises ServiceError."""
    unit = units(install).get(role)
    if not unit:
        raise ServiceError(
            f"there is no {role.value} unit to start",
            host=session.host,
            meaning="nothing starts this service when the host boots",
            remedy=f"make a systemd unit for it, or name it as {role.value}_unit in the cluster file",
        )
    answer = _control(session, "start_unit.sh", unit, timeout)
    explained: Mapping[int, tuple[str, str, str]] = {
        _MASKED: (
            f"{unit} is masked",
            "somebody has forbidden this service to start",
            f"find out why; then `systemctl unmask {unit}` on the host and retry",
        ),
        _NO_UNIT: (
            f"systemd does not know {unit}",
            "its unit file is gone",
            "put the unit file back, or correct the cluster file",
        ),
        _FAILED: (
            f"{unit} failed at once: {_words(answer.text)}",
            "the process ended before it could work",
            f"read `journalctl -u {unit} -n 50` on the host, correct the cause, then retry",
        ),
        _TIME_UP: (
            f"{unit} was not active within {timeout:g} seconds: {_words(answer.text)}",
            "systemd is still waiting for it, or for something that it needs",
            f"look at `systemctl status {unit}` on the host",
        ),
    }
    if answer.exit_status in explained:
        summary, meaning, remedy = explained[answer.exit_status]
        raise ServiceError(summary, host=session.host, tried=f"systemctl start {unit}", meaning=meaning, remedy=remedy)
    _refused(session, answer, "start", unit)


def _control(session: Session, script: str, unit: str, timeout: float) -> Completed:
    arguments = [unit, str(max(1, math.ceil(timeout)))]
    return session.run(load(script), arguments, user=ROOT, timeout=timeout + _MARGIN, expect=None)


def _words(text: str) -> str:
    """`ActiveState=failed` and the like as one short phrase."""
    return ", ".join(line.partition("=")[2] for line in text.splitlines() if "=" in line)


def _refused(session: Session, answer: Completed, verb: str, unit: str) -> None:
    if answer.exit_status == 0:
        return
    said = " ".join(answer.error_text.split())[:300] or f"exit status {answer.exit_status}"
    raise ServiceError(
        f"systemd refused to {verb} {unit}: {said}",
        host=session.host,
        tried=f"systemctl {verb} {unit}",
        remedy=f"look at `systemctl status {unit}` on the host, correct the cause, then retry",
    )
