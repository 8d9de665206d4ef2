"""Is this the right machine? A shown host key or host certificate against the known hosts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.remote.errors import HostKeyChanged, HostKeyUnknown
from tui.remote.known_hosts import KnownHost, Trust, authorities, fingerprint, known_types, trust

if TYPE_CHECKING:
    import paramiko

_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Key types that can be checked, each with the signature algorithms to offer for it, best first."""

_CERTIFICATE = "-cert-v01@openssh.com"
_REVOKED = "its key or its signer is revoked"


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A host key whose possession the host has proved. `certificate` is the whole certificate it came in, if any."""

    key_type: str
    key: bytes
    certificate: bytes | None

    @property
    def fingerprint(self) -> str:
        """The `SHA256:…` form."""
        return fingerprint(self.key)


def shown_key(key: paramiko.PKey) -> ShownKey:
    """What a handshake has proved, from paramiko's key object."""
    blob = key.public_blob
    if blob is None or not blob.key_type.endswith(_CERTIFICATE):
        return ShownKey(key.get_name(), key.asbytes(), None)
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, SSHCertificate

    certificate = _load(blob.key_type, blob.key_blob)
    plain = b""
    if isinstance(certificate, SSHCertificate):
        text = certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        plain = _decode(text)
    return ShownKey(blob.key_type.removesuffix(_CERTIFICATE), plain, blob.key_blob)


def preferred_algorithms(lines: Sequence[KnownHost], name: str) -> tuple[str, ...]:
    """Host key algorithms to offer for the host `name`: certificates when an authority is known, then known types, then the rest."""
    plain = [algorithm for algorithms in _ALGORITHMS.values() for algorithm in algorithms]
    first = [algorithm for key_type in known_types(lines, name) for algorithm in _ALGORITHMS.get(key_type, ())]
    certified = [algorithm + _CERTIFICATE for algorithm in plain] if authorities(lines, name) else []
    return tuple(dict.fromkeys([*certified, *first, *plain]))


def check_host_key(
    shown: ShownKey, lines: Sequence[KnownHost], *, host: str, name: str, address: str, port: int
) -> None:
    """Return when `shown` is known to belong to the host `name`, or vouched for by a known authority.

    `host` is the cluster file's name, `name` the lookup name. Raises HostKeyUnknown to be confirmed, HostKeyChanged
    when another key is known, or when the key, or the authority that signed it, was revoked.
    """
    refused = None
    if shown.certificate is not None:
        refused = _certificate_problem(shown, lines, name, address)
        if refused is None:
            return
    verdict = Trust.REVOKED if refused == _REVOKED else trust(lines, name, shown.key, _ALGORITHMS)
    if verdict is Trust.KNOWN:
        return
    what = f"{shown.key_type} {shown.fingerprint}"
    tried = f"compared {what} with the known hosts"
    if refused:
        tried += f"; its certificate does not count: {refused}"
    if verdict is Trust.UNKNOWN:
        error = HostKeyUnknown(
            host,
            address=address,
            port=port,
            key_type=shown.key_type,
            fingerprint=shown.fingerprint,
            key=shown.key,
        )
        error.tried = tried
        raise error
    known = ", ".join(
        f"{line.key_type} {fingerprint(line.key)}" for line in lines if not line.marker and line.matches(name)
    )
    revoked = verdict is Trust.REVOKED
    raise HostKeyChanged(
        f"the host key of {address} port {port} is " + ("revoked" if revoked else "not the one that is known"),
        host=host,
        tried=tried if revoked else f"{tried}: known is {known}",
        meaning="somebody may be listening in, or the machine was installed anew; nothing was sent to it",
        remedy="ask whoever runs the machine; only if the new key is confirmed, remove the old line with "
        f"ssh-keygen -R '{name}' and connect again",
    )


def _certificate_problem(shown: ShownKey, lines: Sequence[KnownHost], name: str, address: str) -> str | None:
    """Why the certificate does not prove the host's identity, or None when it does."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        SSHCertificate,
        SSHCertificateType,
    )

    certificate = _load(shown.key_type + _CERTIFICATE, shown.certificate or b"")
    if not isinstance(certificate, SSHCertificate):
        return "it cannot be read"
    signer = _decode(certificate.signature_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    if any(line.marker == "@revoked" and line.key in (signer, shown.key) and line.matches(name) for line in lines):
        return _REVOKED
    if signer not in authorities(lines, name):
        return "no known authority signed it"
    try:
        certificate.verify_cert_signature()
    except InvalidSignature:
        return "its signature is wrong"
    if certificate.type is not SSHCertificateType.HOST:
        return "it is not a host certificate"
    if not certificate.valid_after <= time.time() < certificate.valid_before:
        return "it is not valid at this time"
    principals = [principal.decode("utf-8", "replace").lower() for principal in certificate.valid_principals]
    if principals and address.lower() not in principals:
        return f"it is for {', '.join(principals)}"
    if certificate.critical_options:
        return "it has critical options that are not known"
    return None


def _load(key_type: str, blob: bytes) -> object:
    from base64 import b64encode

    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_public_identity

    try:
        return load_ssh_public_identity(key_type.encode() + b" " + b64encode(blob))
    except (ValueError, UnsupportedAlgorithm):
        return None


def _decode(openssh: bytes) -> bytes:
    from base64 import b64decode

    return b64decode(openssh.split()[1])
