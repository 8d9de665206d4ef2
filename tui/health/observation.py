"""What the probes saw of one instance, before anybody judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tui.connector.model import (
    CertificateFacts,
    ConfigurationSet,
    HostFacts,
    Install,
    LogReport,
    Role,
    Service,
    TicketInfo,
)
from tui.errors import OperatorError
from tui.findings import Finding


@dataclass(frozen=True, slots=True)
class Observation:
    """One instance at one moment. A part that could not be read is None, and `findings` says why.

    `failure` is what kept the whole host from being looked at: then nothing else is known. `at` is UTC by the
    jump box's clock. `configuration` holds secrets, so it is never shown or written.
    """

    name: str
    at: datetime
    failure: OperatorError | None = None
    install: Install | None = None
    facts: HostFacts | None = None
    services: Mapping[Role, Service] = field(default_factory=dict)
    configuration: ConfigurationSet | None = field(default=None, repr=False)
    certificate: CertificateFacts | None = None
    log: LogReport | None = None
    ticket: TicketInfo | None = None
    ticket_at: datetime | None = None
    """When the tenant said so, by the jump box's clock."""
    findings: tuple[Finding, ...] = ()

    @property
    def connector(self) -> Service | None:
        """The connector's own service, None when no unit runs it or it could not be read."""
        return self.services.get(Role.CONNECTOR)

    @property
    def matches_tenant(self) -> bool | None:
        """Whether the certificate on the host is the one that the tenant knows; None when either is not known."""
        if self.certificate is None or self.ticket is None or not self.ticket.thumbprints:
            return None
        return self.certificate.thumbprint == self.ticket.thumbprints[0]
