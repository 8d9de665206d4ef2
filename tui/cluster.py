"""Cluster and Host: what a cluster file says. No secrets."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tui.host_rules import contradiction

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""A cluster or host name: also a file name and a word that an operator types to confirm."""

_ADDRESS = r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?)"
_HOP = r"(?:[A-Za-z0-9_.$+~][A-Za-z0-9_.$+~-]*@)?(?:[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\])(?::[0-9]{1,5})?"

Account = Annotated[str, StringConstraints(pattern=r"^[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,255}$")]
Address = Annotated[str, StringConstraints(pattern=rf"^{_ADDRESS}$")]
Jump = Annotated[str, StringConstraints(pattern=rf"^{_HOP}(?:\s*,\s*{_HOP})*$")]
Unit = Annotated[str, StringConstraints(pattern=r"^[^-\x00-\x1f\x7f][^\x00-\x1f\x7f]{0,254}$")]
Directory = Annotated[str, StringConstraints(pattern=r"^(?:/|[A-Za-z]:)[^\x00-\x1f\x7f]*$")]
SiteValue = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,4096}$")]
Domain = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$")]


Authentication = Literal["negotiate", "ntlm", "kerberos", "credssp", "basic", "certificate"]


def _local_path(path: Path) -> Path:
    text = str(path)
    if not text.startswith(("/", "~")) or any(ord(character) < 32 for character in text):
        raise PydanticCustomError("local_path", "not an absolute path")
    return path


LocalPath = Annotated[Path, AfterValidator(_local_path)]
"""A path on the jump box, as written: a leading `~` is not expanded yet."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class SiteKeys(_Table):
    """What config.json says on one host of the keys that may differ by site; None: what it says on the first host.

    An empty text counts for the connector as if the key were not there.
    """

    LDAP_URL: SiteValue | None = Field(default=None, description="a text: the URL of this site's directory server")
    HTTP_PROXY: SiteValue | None = Field(default=None, description="a text: the URL of this site's proxy")
    SSL_CA_PATH: SiteValue | None = Field(default=None, description="a text: a folder of CA certificates on this host")
    SSL_CA_FILE: SiteValue | None = Field(default=None, description="a text: the pattern of that folder's file names")
    PROFILE_MAPPER_FILE: SiteValue | None = Field(default=None, description="a text: a file's path on this host")
    SSL_OPENSSLDIR_PATTERN: SiteValue | None = Field(default=None, description="a text: a regular expression")

    def chosen(self) -> dict[str, str]:
        """The keys that this host has a value of its own for."""
        return self.model_dump(exclude_none=True)


SITE_KEYS = tuple(SiteKeys.model_fields)
"""The keys of config.json that may differ by site."""


class Host(_Table):
    """One host of the cluster and how it is reached. Each description is what an error says is expected."""

    name: Name = Field(description="a short name: letters, digits, `.`, `_`, `-`, at most 63")
    address: Address = Field(description="a host name or an IP address, without user or port")
    transport: Literal["ssh", "winrm"] = Field(default="ssh", description='"ssh" or "winrm"')
    os: Literal["linux", "windows"] | None = Field(default=None, description='"linux" or "windows"')
    """None: what the transport says (`system`)."""
    port: int = Field(default=22, strict=True, ge=1, le=65535, description="a port number from 1 to 65535")
    """When the file names none: 22, or for WinRM 5986, with `tls = false` 5985."""
    user: Account | None = Field(default=None, description="the account to log in with")
    identity: LocalPath | None = Field(default=None, description="the path of a private key file, absolute or from ~")
    become: Literal["sudo", "none"] = Field(default="sudo", description='"sudo" or "none"')
    jump: Jump | None = Field(default=None, description="`[user@]host[:port]`, several separated by commas")
    """`[user@]host[:port]`, several separated by commas, nearest first (as in ssh -J)."""
    install_dir: Directory | None = Field(default=None, description="the absolute path of the connector on the host")
    connector_unit: Unit | None = Field(
        default=None, description="the name of the connector's systemd unit, or Windows service"
    )
    admin_unit: Unit | None = Field(
        default=None, description="the name of the admin console's systemd unit, or Windows service"
    )
    tls: bool = Field(default=True, strict=True, description="true or false: whether WinRM goes over HTTPS")
    """False: HTTP with message encryption, which `auth` must then provide."""
    auth: Authentication | None = Field(
        default=None, description='"negotiate", "ntlm", "kerberos", "credssp", "basic" or "certificate"'
    )
    """How WinRM authenticates; None: negotiate."""
    ca_file: LocalPath | None = Field(default=None, description="the path of a PEM file, absolute or from ~")
    """The authority that signed the WinRM listener's certificate; None: the machine's own, or one confirmed by hand."""
    client_certificate: LocalPath | None = Field(default=None, description="the path of a PEM file, absolute or from ~")
    """For `auth = "certificate"`; its private key is `identity`."""
    keys: SiteKeys = Field(default=SiteKeys(), description="a table of keys that may differ by site, such as LDAP_URL")

    @model_validator(mode="before")
    @classmethod
    def _port_of_transport(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("transport") == "winrm" and values.get("port") is None:
            return {**values, "port": default_port(values.get("transport"), tls=values.get("tls") is not False)}
        return values

    @model_validator(mode="after")
    def _keys_go_together(self) -> Self:
        found = contradiction(self)
        if found is not None:
            raise misplaced((found[0],), found[1])
        return self

    @property
    def system(self) -> Literal["linux", "windows"]:
        """The host's operating system."""
        return self.os or ("windows" if self.transport == "winrm" else "linux")


class Tenant(_Table):
    """The tenant's Management API, for asking whether the connection is online."""

    domain: Domain = Field(description="the tenant's domain, such as example.eu.auth0.com, without https://")
    client_id: str = Field(min_length=1, description="the client ID of an application allowed to read connections")
    ca_file: LocalPath | None = Field(default=None, description="the path of a PEM file, absolute or from ~")
    """Extra CA certificates (PEM) trusted for the tenant, where a proxy inspects TLS."""


class VaultSettings(_Table):
    """Who can decrypt backups: age x25519 recipients (`age1…`)."""

    recipients: tuple[str, ...] = Field(default=(), description="a list of age recipients, age1…")


class RunSettings(_Table):
    """How a run behaves."""

    settle_seconds: float = Field(
        default=60, strict=True, ge=0, le=3600, description="a number of seconds from 0 to 3600"
    )
    """How long an instance must stay accepted before it counts as connected."""
    parallel: int = Field(default=4, strict=True, ge=1, le=32, description="a whole number from 1 to 32")
    """How many additional hosts are changed at a time once the first of them is verified."""


class ClusterSection(_Table):
    """The `[cluster]` table: the cluster's name and the name of its first host."""

    name: Name = Field(description="a short name: letters, digits, `.`, `_`, `-`, at most 63")
    first: Name = Field(description="the name of one of the hosts, the one that is configured already")


class Cluster(_Table):
    """A whole cluster file. Host names are unique, so are the places they stand for, and the first is one of them."""

    cluster: ClusterSection = Field(description="a table with `name` and `first`")
    tenant: Tenant | None = Field(default=None, description="a table with `domain` and `client_id`")
    vault: VaultSettings = Field(default=VaultSettings(), description="a table with `recipients`")
    run: RunSettings = Field(default=RunSettings(), description="a table with `settle_seconds` and `parallel`")
    hosts: tuple[Host, ...] = Field(description="one [[hosts]] table for each host, with `name` and `address`")

    @model_validator(mode="after")
    def _hosts_belong_together(self) -> Self:
        if not self.hosts:
            raise misplaced(("hosts",), "there are no hosts")
        _refuse_repeated("name", [host.name.lower() for host in self.hosts], "two hosts have this name")
        places = [(host.address.lower(), host.port, host.jump) for host in self.hosts]
        _refuse_repeated("address", places, "two hosts have this address, port and jump")
        if self.cluster.first not in {host.name for host in self.hosts}:
            raise misplaced(("cluster", "first"), "there is no host of this name")
        return self

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


def default_port(transport: object, *, tls: bool) -> int:
    """The port of a host for which none is given."""
    if transport != "winrm":
        return 22
    return 5986 if tls else 5985


def misplaced(path: tuple[str | int, ...], message: str) -> PydanticCustomError:
    """A contradiction between values, told at the place `path` below what is being validated."""
    return PydanticCustomError("misplaced", "{problem}", {"problem": message, "path": list(path)})


def _refuse_repeated(key: str, values: Sequence[Hashable], message: str) -> None:
    seen: set[Hashable] = set()
    for index, value in enumerate(values):
        if value in seen:
            raise misplaced(("hosts", index, key), message)
        seen.add(value)
