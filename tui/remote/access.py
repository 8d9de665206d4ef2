"""What it takes to reach hosts: secrets in memory, the file of known host keys, OpenSSH's configuration."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from tui import paths
from tui.remote.errors import CertificateUnknown, HostKeyUnknown
from tui.remote.known_hosts import SYSTEM_KNOWN_HOSTS, remember
from tui.remote.secrets import Secrets


def _default_known_hosts() -> Path:
    return Path.home() / ".ssh" / "known_hosts"


class Access(BaseModel):
    """Handed to everything that opens sessions. `known_hosts` is the file that confirmed keys are appended to.

    `known_certificates` is the file of TLS certificates that an operator has confirmed. `ssh_config` replaces the
    operator's own OpenSSH configuration (None: OpenSSH's usual files).
    """

    secrets: Secrets = Field(default_factory=Secrets)
    known_hosts: Path = Field(default_factory=_default_known_hosts)
    system_known_hosts: Path = SYSTEM_KNOWN_HOSTS
    known_certificates: Path = Field(default_factory=paths.known_certificates_file)
    ssh_config: Path | None = None


def remember_host_key(access: Access, question: HostKeyUnknown) -> None:
    """Keep the key that an operator has confirmed, so that the next attempt knows it. Raises OperatorError."""
    remember(access.known_hosts, question.address, question.port, question.key_type, question.key)


def remember_certificate(access: Access, question: CertificateUnknown) -> None:
    """Keep the certificate that an operator has confirmed, so that the next attempt knows it. Raises OperatorError."""
    from tui.remote.windows.known_certificates import remember as remember_listener

    remember_listener(access.known_certificates, question.address, question.port, question.certificate)
