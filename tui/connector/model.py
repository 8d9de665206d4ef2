"""The data that connector knowledge is expressed in. Source of the facts: CONNECTOR.md of this project."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from tui.findings import Finding
from tui.remote.session import FileAttributes


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Layout(StrEnum):
    """How an install keeps its configuration."""

    V6 = "v6"
    V7 = "v7"
    HALF_MIGRATED = "half_migrated"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """The two services of an instance."""

    CONNECTOR = "connector"
    ADMIN = "admin"


class Service(_Record):
    """One service as the service manager sees it.

    `state` is `running`, `stopped`, `failed`, `starting`, `stopping`, `crash_loop` (on Windows: paused by NSSM), `masked` (on
    Windows: disabled) or `unknown`; `detail` the manager's own words (`failed/start-limit-hit`). `restarts` counts automatic restarts since it was last started by hand, None when unknown.
    `environment` holds only the NAMES of the variables that the unit sets (values may be secret).
    """

    role: Role
    unit: str
    state: str
    detail: str = ""
    enabled: bool | None = None
    restart_policy: str | None = None
    user: str | None = None
    main_pid: int | None = None
    started: datetime | None = None
    restarts: int | None = None
    """None on Windows, where NSSM keeps no count."""
    environment: tuple[str, ...] = ()
    output: str | None = None
    """Where the service's standard output goes (`journal`, `append:/var/log/…`), None when unknown."""
    forbidden: bool = False
    """Whether nobody can start it, in whatever state it is now (on Windows: disabled)."""
    stale: bool = False
    """The unit file changed on disk after the service manager read it."""
    system: str = "linux"
    """`linux` (a systemd unit) or `windows` (a service of the SCM)."""

    @property
    def running(self) -> bool:
        """Whether the service manager says that it runs; that alone does not make it healthy."""
        return self.state == "running"


class Install(_Record):
    """Where a connector is installed and by what it runs. `directory` has its links resolved; `found_at` is as configured."""

    directory: str
    found_at: str
    layout: Layout
    version: str
    owner: str
    group: str
    node: str
    """The node executable that the unit uses (`node` when only found on PATH)."""
    connector_unit: str | None
    admin_unit: str | None
    account: str
    """The account that the connector service runs as."""
    supervisor: str = "systemd"
    """What keeps the connector running: `systemd`, `pm2`, `docker`, `upstart`, `sysv`, `scm` (Windows), or `none`."""
    os: str = "linux"
    """`linux` or `windows`."""


class HostFacts(_Record):
    """What a host is, besides its connector. `clock_skew_s` = host − jump box in seconds, halved round trip removed."""

    os: str
    os_name: str
    architecture: str
    memory_bytes: int | None
    free_bytes: int | None
    """Free space of the install directory's file system for its owner."""
    read_only: bool
    clock_skew_s: float | None
    selinux: str | None
    hostname: str
    domain: str | None = None
    """The Active Directory domain that the host is joined to; None when it is not, or on Linux."""
    machine: str | None = None
    """The same for two hosts only when they are one install on one running machine; None when it cannot be told."""
    lock: str | None = None
    """What the lock file in the install directory says; None when there is none."""
    parked_runs: tuple[str, ...] = ()
    """The runs whose directories of files that were moved aside are in the install directory."""


@dataclass(frozen=True, slots=True)
class SetFile:
    """One file of a configuration set: bytes, never text. `path` is relative to the install directory, `/`-separated."""

    path: str
    data: bytes = field(repr=False)
    attributes: FileAttributes


@dataclass(frozen=True, slots=True)
class ConfigurationSet:
    """The files that make an instance a member of its cluster: config.json, the profile mapper, everything in certs/.

    `directories` are the relative directories below which files may lie, with their attributes (`certs`, `certs/extra`, `lib`).
    """

    layout: Layout
    version: str
    files: dict[str, SetFile]
    directories: dict[str, FileAttributes]
    os: str = "linux"
    """`linux` or `windows`: what the attributes mean."""

    def data(self, path: str) -> bytes | None:
        """The bytes of one file, or None when the set has no such file."""
        found = self.files.get(path)
        return found.data if found else None


class CertificateFacts(_Record):
    """What a set's key and certificate are. Thumbprint: lower-case hex SHA-1 of the DER. Dates are UTC."""

    thumbprint: str
    subject: str
    not_before: datetime
    not_after: datetime
    key_matches: bool


class TicketInfo(_Record):
    """What `GET <ticket>/info` answered, without the ticket itself. `asked_from` says by which way (`node on HOST`, `jump box`)."""

    connection: str
    domain: str
    hub: str
    realm: str | None
    kerberos: bool
    certificate_auth: bool
    thumbprints: tuple[str, ...]
    asked_from: str


class KeyClass(StrEnum):
    """What a cluster needs of a configuration key."""

    SECRET = "secret"
    EQUAL = "must_be_equal"
    SITE = "may_differ_by_site"
    REWRITTEN = "rewritten_at_start"
    NOT_CLONED = "not_to_be_cloned"
    OTHER = "other"


class KeyDifference(_Record):
    """One configuration key in two places. Values are display text; secrets are only ever `set`, `not set`, `equal`, `different`."""

    key: str
    key_class: KeyClass
    here: str | None
    there: str | None
    equal: bool


class Outcome(StrEnum):
    """What came of one troubleshooter test."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    NOT_COMPARED = "not_compared"
    NOT_RUN = "not_run"


class TestResult(_Record):
    """One troubleshooter test. `id` is one of: auth0 hub clock certificates nltest ldaps ldap."""

    __test__ = False  # not a pytest class

    id: str
    title: str
    outcome: Outcome
    evidence: tuple[str, ...] = ()
    remedy: str | None = None


class TroubleshooterReport(_Record):
    """A troubleshooter output, read. `passed` only when complete and no test failed or never reported."""

    complete: bool
    passed: bool
    tests: tuple[TestResult, ...]
    findings: tuple[Finding, ...] = ()


class LogEvent(_Record):
    """One known line of a connector log. `at` is the line's own local time without a zone, None when it has none."""

    at: datetime | None
    kind: str
    text: str
    meaning: str
    fatal: bool
    remedy: str | None = None


class LogReport(_Record):
    """What a connector log shows of the instance.

    `state` is `connected`, `connecting`, `rejected`, `crash_loop`, `unconfigured`, `stuck` or `unknown`, for the last start in the text.
    """

    state: str
    starts: int
    last_start: datetime | None
    last_accepted: datetime | None
    generated_certificate: bool
    events: tuple[LogEvent, ...]
    findings: tuple[Finding, ...] = ()
