"""What the vault knows of a backup without decrypting it, and what verifying one proves."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tui.findings import Finding


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class BackupFile(_Record):
    """One file inside a backup, as the sidecar lists it. `sha256` is absent for files so small that it would give them away."""

    path: str
    size: int
    sha256: str | None
    owner: str
    group: str
    mode: int
    acl: str | None = None


class Backup(_Record):
    """One backup, as its sidecar describes it. `ciphertext_sha256` is checked against the journal before a restore.

    `kind`: `set` = the first host's configuration set; `before` = what a host had before it was changed;
    `planned` = what a run is putting on hosts, kept so that another runner can finish it.
    """

    id: str
    cluster: str
    host: str
    kind: Literal["set", "before", "planned"]
    created: datetime
    operator: str
    run: str | None
    path: Path
    size: int
    ciphertext_sha256: str
    recipients: tuple[str, ...]
    thumbprint: str | None
    certificate_expires: datetime | None
    layout: str
    version: str
    os: str = "linux"
    """`linux` or `windows`: what owner, group and mode of its files mean."""
    files: tuple[BackupFile, ...]
    verified: datetime | None


class Verification(_Record):
    """What decrypting a backup proved: every hash, the pair, and that the encrypted password opens with the key."""

    ok: bool
    findings: tuple[Finding, ...]
