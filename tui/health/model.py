"""What `status` prints and the wizard shows of a host and of a cluster."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from tui.connector.model import KeyDifference, LogReport
from tui.findings import Finding


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Verdict(StrEnum):
    """The four words for an instance and for a cluster."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class CertificateStatus(_Record):
    """The certificate as it lies on the host; `matches_tenant` None = the tenant could not be asked."""

    thumbprint: str
    expires: datetime
    matches_tenant: bool | None


class HostStatus(_Record):
    """One instance. `os` is `linux` or `windows`, `transport` `ssh` or `winrm`. `hub` is LogReport.state, or `disconnected` when its process does not run; `services` maps `connector`/`admin` to a Service state word."""

    name: str
    os: str = "linux"
    transport: str = "ssh"
    verdict: Verdict
    version: str | None
    layout: str | None
    install_dir: str | None
    services: dict[str, str]
    hub: str
    certificate: CertificateStatus | None
    clock_skew_s: float | None
    drift: tuple[KeyDifference, ...]
    problems: tuple[Finding, ...]
    log: LogReport | None = None
    observed: datetime
    machine: str | None = Field(default=None, exclude=True)
    """`HostFacts.machine`: for comparing the hosts, and no part of any document."""


class ClusterStatus(_Record):
    """The whole cluster, as `status --json` prints it."""

    cluster: str
    verdict: Verdict
    hosts: tuple[HostStatus, ...]
    problems: tuple[Finding, ...] = ()
