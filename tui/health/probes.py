"""Probes: look at one instance and collect what is seen. Nothing here writes, and no failure escapes as an exception."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from tui.connector.config_keys import TICKET, is_configured
from tui.connector.configuration_set import config_values, set_certificate, set_findings
from tui.connector.errors import CertificateError, ConfigError
from tui.connector.instance import Instance
from tui.connector.log import read_log
from tui.connector.model import (
    CertificateFacts,
    ConfigurationSet,
    LogReport,
    TicketInfo,
)
from tui.errors import OperatorError
from tui.findings import Finding, Severity
from tui.health.observation import Observation
from tui.remote.errors import (
    CertificateUnknown,
    ConnectionLost,
    HostKeyUnknown,
    HostUnreachable,
    RightsLacking,
    SecretNeeded,
)

_T = TypeVar("_T")

LOG_LINES = 2000
SERVICES_SILENT = "the services could not be read"
LOG_SILENT = "the connector's log could not be read"

_WHOLE_HOST = (CertificateUnknown, ConnectionLost, HostUnreachable, HostKeyUnknown, RightsLacking, SecretNeeded)
"""Failures after which asking for anything more only costs time."""


def observe(instance: Instance, *, name: str, ask_ticket: bool = True, log: LogReport | None = None) -> Observation:
    """Everything that can be read of one instance, in a handful of round trips.

    Never raises OperatorError: what could not be read is a finding, and a host that went away in the middle is
    an Observation with `failure`. `ask_ticket` False leaves the tenant alone; `log` is what has been read already.
    """
    at = datetime.now(UTC)
    findings: list[Finding] = []
    try:
        facts = noted(findings, "facts-not-read", "what kind of host this is could not be read", instance.facts)
        services = noted(findings, "services-not-read", SERVICES_SILENT, instance.services)
        files = noted(findings, "set-not-read", "the configuration set could not be read", instance.read_set)
        log = log or noted(
            findings,
            "log-not-read",
            LOG_SILENT,
            lambda: read_log(instance.log_since(None, lines=LOG_LINES)[0]),
        )
        ticket = None
        if files is not None:
            findings += set_findings(files)
            if ask_ticket:
                told = "the tenant could not be asked through this host"
                ticket = noted(findings, "tenant-not-asked", told, lambda: ask_ticket_of(instance, files))
    except _WHOLE_HOST as error:
        return unobserved(name, error)
    return Observation(
        name=name,
        at=at,
        install=instance.install,
        facts=facts,
        services=services or {},
        configuration=files,
        certificate=certificate_of(files) if files is not None else None,
        log=log,
        ticket=ticket,
        ticket_at=at if ticket is not None else None,
        findings=(*findings, *(log.findings if log else ())),
    )


def unobserved(name: str, error: OperatorError) -> Observation:
    """The observation of a host that could not be looked at."""
    return Observation(name=name, at=datetime.now(UTC), failure=error)


def certificate_of(configuration: ConfigurationSet) -> CertificateFacts | None:
    """What the set's certificate is; None when there is none or it cannot be read (set_findings says so)."""
    try:
        return set_certificate(configuration)
    except CertificateError:
        return None


def ask_ticket_of(instance: Instance, configuration: ConfigurationSet) -> TicketInfo | None:
    """Ask the tenant through this host what it knows; None when the set names no ticket. Raises TicketError."""
    try:
        values = config_values(configuration) or {}
    except ConfigError:
        return None
    return instance.ticket_info(str(values[TICKET]), values) if is_configured(values) else None


def noted(findings: list[Finding], id: str, summary: str, read: Callable[[], _T]) -> _T | None:
    """What `read` returns; None where it failed, and `findings` then has the reason. Raises what concerns the whole host."""
    try:
        return read()
    except _WHOLE_HOST:
        raise
    except OperatorError as error:
        findings.append(
            Finding(
                id=id,
                severity=Severity.WARNING,
                summary=f"{summary}: {error.summary}",
                evidence=tuple(part for part in (error.tried, error.meaning) if part),
                remedy=error.remedy,
            )
        )
        return None
