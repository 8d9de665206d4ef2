"""What was found on the hosts before anything is changed: what the wizard and `plan` show."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tui.connector.model import (
    CertificateFacts,
    HostFacts,
    Install,
    KeyDifference,
    LogReport,
    Role,
    Service,
    TicketInfo,
)
from tui.connector.site_keys import SiteProposal
from tui.findings import Finding
from tui.runbook.model import Change


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Connected(_Record):
    """A host that answered. `key_type` and `fingerprint` tell by what it was known: `ssh-ed25519` and `SHA256:…`, `certificate`
    and its SHA-256 in hex or who vouches for it."""

    host: str
    address: str
    login_user: str
    becomes: str
    key_type: str
    fingerprint: str
    seconds: float


class SetEntry(_Record):
    """One file of a configuration set, for display: size in bytes, SHA-256 in hex (None for very small files).

    On Windows `acl` is the SDDL, `group` is empty and `mode` 0.
    """

    path: str
    size: int
    sha256: str | None
    owner: str
    group: str
    mode: int
    acl: str | None = None


class Survey(_Record):
    """What every host is asked. A part that could not be read is None, and a finding says why."""

    host: str
    install: Install | None
    facts: HostFacts | None
    services: dict[Role, Service]
    entries: tuple[SetEntry, ...]
    findings: tuple[Finding, ...]


class FirstSurvey(Survey):
    """The first host: is it complete, healthy and fit to be copied? `exportable` = no blocker among the findings."""

    certificate: CertificateFacts | None
    password_decrypts: bool | None
    """None when there is no encrypted password to prove (anonymous bind, plaintext, no key)."""
    ticket: TicketInfo | None
    log: LogReport | None
    exportable: bool


class AdditionalSurvey(Survey):
    """An additional host. `state`: `ready`, `configured_here` (same connection), `configured_elsewhere`, `blocked`.

    `changes` lists the files, `keys` the configuration key by key (here = this host now, there = the first host's set),
    `proposals` what this host may need instead of values that name places on the first host.
    """

    state: str
    changes: tuple[Change, ...]
    keys: tuple[KeyDifference, ...]
    proposals: tuple[SiteProposal, ...] = ()
