"""Cluster and Host: what a cluster file says. No secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A cluster or host name: also a file name and a word that an operator types to confirm."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Host(_Table):
    """One host of the cluster and how it is reached."""

    name: Name
    address: str = Field(min_length=1)
    port: int = Field(default=22, ge=1, le=65535)
    transport: Literal["ssh"] = "ssh"
    user: str | None = None
    identity: Path | None = None
    become: Literal["sudo", "none"] = "sudo"
    jump: str | None = None
    """`[user@]host[:port]`, several separated by commas, nearest first (as in ssh -J)."""
    install_dir: str | None = None
    connector_unit: str | None = None
    admin_unit: str | None = None


class Tenant(_Table):
    """The tenant's Management API, for asking whether the connection is online."""

    domain: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    ca_file: Path | None = None
    """Extra CA certificates (PEM) trusted for the tenant, where a proxy inspects TLS."""


class VaultSettings(_Table):
    """Who can decrypt backups: age x25519 recipients (`age1…`)."""

    recipients: tuple[str, ...] = ()


class RunSettings(_Table):
    """How a run behaves."""

    settle_seconds: float = Field(default=60, ge=0, le=3600)
    """How long an instance must stay accepted before it counts as connected."""
    parallel: int = Field(default=4, ge=1, le=32)
    """How many additional hosts are changed at a time once the first of them is verified."""


class ClusterSection(_Table):
    """The `[cluster]` table: the cluster's name and the name of its first host."""

    name: Name
    first: Name


class Cluster(_Table):
    """A whole cluster file."""

    cluster: ClusterSection
    tenant: Tenant | None = None
    vault: VaultSettings = VaultSettings()
    run: RunSettings = RunSettings()
    hosts: tuple[Host, ...]

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.cluster.name

    @property
    def first(self) -> Host:
        """The first host: the one whose configuration set the others receive."""
        return self.host(self.cluster.first)

    @property
    def additional(self) -> tuple[Host, ...]:
        """Every host but the first, in the file's order."""
        return tuple(host for host in self.hosts if host.name != self.cluster.first)

    def host(self, name: str) -> Host:
        """The host called `name`; raises KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
