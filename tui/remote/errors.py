"""What can go wrong between the jump box and a host.

`HostKeyUnknown` and `SecretNeeded` are questions rather than failures: a front answers them and tries again.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tui.errors import OperatorError


class RemoteError(OperatorError):
    """Any failure between the jump box and a host.

    `refused_secret`: the secret that the host did not take. It is forgotten, so the next attempt asks for another.
    """

    refused_secret: SecretKind | None = None


class HostUnreachable(RemoteError):
    """No connection: name, route, port, banner or time-out."""


class ConnectionLost(RemoteError):
    """An established connection ended or timed out: whether the last command ran is unknown."""


class AuthenticationFailed(RemoteError):
    """The host refused the credentials. Never retried by itself: accounts lock."""


class HostKeyChanged(RemoteError):
    """The host's key differs from the known one, or is revoked. Never overridable from within the program."""


class BecomeFailed(RemoteError):
    """sudo refused: wrong password (tried once), not in sudoers, a terminal demanded, or no sudo."""


class RightsLacking(RemoteError):
    """The account may log in but not do what this program does: no administrator, a token filtered by UAC, Constrained
    Language Mode, or a PowerShell older than 5.1."""


class CommandFailed(RemoteError):
    """A command ended with an exit status that its caller did not expect."""


class ScriptFailed(RemoteError):
    """A PowerShell script ended with an error. `error_type` is the exception's .NET type, `hresult` its code (0 unknown)."""

    def __init__(self, summary: str, *, error_type: str, hresult: int = 0, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.error_type = error_type
        self.hresult = hresult


class RemoteFileError(RemoteError):
    """A file operation failed. `reason` is one word for code to branch on."""

    def __init__(self, summary: str, *, reason: FileFailure, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.reason = reason


class FileFailure(StrEnum):
    """Why a file operation failed. `LOCKED`: another process holds the file open; `TOO_LONG`: the path is."""

    MISSING = "missing"
    DENIED = "denied"
    NO_SPACE = "no_space"
    READ_ONLY = "read_only"
    TOO_LARGE = "too_large"
    CORRUPTED = "corrupted"
    LED_AWAY = "led_away"
    LOCKED = "locked"
    TOO_LONG = "too_long"
    OTHER = "other"


class SecretKind(StrEnum):
    """The secrets that a host may ask for; the names are those of the `--secrets -` document."""

    PASSWORD = "password"
    SUDO_PASSWORD = "sudo_password"
    KEY_PASSPHRASE = "key_passphrase"
    CHALLENGE = "challenge"
    """A keyboard-interactive prompt that is no password (a one-time code); `prompt` has its text."""


class SecretNeeded(RemoteError):
    """A secret is missing: ask for it, put it into the Secrets, try again. `refused` says what the host has just refused
    instead, None when nothing was tried."""

    def __init__(self, host: str, kind: SecretKind, prompt: str, *, refused: str | None = None) -> None:
        super().__init__(f"{prompt} is needed", host=host, meaning=refused, remedy=f"supply {kind.value} for {host}")
        self.secret_host = host
        self.kind = kind
        self.prompt = prompt
        self.refused = refused


class HostKeyUnknown(RemoteError):
    """The host's key is not known yet: show the fingerprint, confirm it, remember it, try again.

    `key` is the public key blob (bytes as on the wire), `fingerprint` its `SHA256:…` form.
    """

    def __init__(self, host: str, *, address: str, port: int, key_type: str, fingerprint: str, key: bytes) -> None:
        super().__init__(
            f"the host key of {address} port {port} is not known",
            host=host,
            tried=f"compared {key_type} {fingerprint} with the known hosts",
            meaning="nobody has confirmed yet that this is the right machine",
            remedy="compare the fingerprint with one read on the host's own console, then confirm it",
        )
        self.key_host = host
        self.address = address
        self.port = port
        self.key_type = key_type
        self.fingerprint = fingerprint
        self.key = key


SHOW_CERTIFICATES = (
    r"Get-ChildItem Cert:\LocalMachine\My | % { $_.Subject; [BitConverter]::ToString("
    "[Security.Cryptography.SHA256]::Create().ComputeHash($_.RawData)).Replace('-', ':') }"
)
"""What shows the fingerprints of a Windows host's certificates, in its own PowerShell."""


class CertificateUnknown(RemoteError):
    """The host's TLS certificate is signed by nobody whom this machine trusts: show it, confirm it, remember it, try again.

    `certificate` is the DER; `fingerprint` the upper-case hex SHA-256 of it, in pairs joined by `:`.
    """

    def __init__(
        self,
        host: str,
        *,
        address: str,
        port: int,
        certificate: bytes,
        fingerprint: str,
        subject: str,
        expires: datetime,
    ) -> None:
        super().__init__(
            f"the certificate of {address} port {port} is not known",
            host=host,
            tried=f"compared {fingerprint} with the trusted authorities and the certificates confirmed before",
            meaning="nobody has confirmed yet that this is the right machine",
            remedy="compare the fingerprint with the one of the WinRM listener's certificate on the host itself, then confirm it",
        )
        self.certificate_host = host
        self.address = address
        self.port = port
        self.certificate = certificate
        self.fingerprint = fingerprint
        self.subject = subject
        self.expires = expires


class CertificateRefused(RemoteError):
    """A TLS certificate that cannot be accepted: expired, for another name, or unlike the one confirmed before."""


HostQuestion = HostKeyUnknown | CertificateUnknown | SecretNeeded
"""What a host may ask before it lets anybody in: a front answers it and tries again."""
