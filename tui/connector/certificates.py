"""The key and certificate with which an instance proves to the tenant who it is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from tui.connector.errors import CertificateError
from tui.connector.model import CertificateFacts
from tui.findings import Finding, Severity

SOON = timedelta(days=30)


def certificate_facts(cert: bytes, key: bytes | None) -> CertificateFacts:
    """What a PEM certificate is and whether the PEM private `key` belongs to it (no key: it does not).

    Raises CertificateError when either cannot be read.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        certificate = x509.load_pem_x509_certificate(cert)
        der = certificate.public_bytes(Encoding.DER)
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        subject = certificate.subject.rfc4514_string()
    except Exception:
        raise CertificateError(
            "cert.pem is not a readable PEM certificate",
            meaning="the connector cannot present it to the tenant",
            remedy="restore certs/cert.pem and certs/cert.key together from a backup",
        ) from None
    return CertificateFacts(
        thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        subject=subject,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_matches=key is not None and _public_part(key) == public,
    )


_PUBLIC_PARTS: dict[bytes, bytes] = {}
"""SHA-256 of a private key → its public part. Reading a key proves it sound, which costs 50 ms of CPU each time."""


def _public_part(key: bytes) -> bytes:
    digest = hashlib.sha256(key).digest()
    if digest not in _PUBLIC_PARTS:
        _PUBLIC_PARTS[digest] = _read_public_part(key)
    return _PUBLIC_PARTS[digest]


def _read_public_part(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        private = load_pem_private_key(key, password=None)
        return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except Exception:
        raise CertificateError(
            "cert.key is not a readable PEM private key",
            meaning="the connector cannot sign with it, and the LDAP password cannot be decrypted",
            remedy="restore certs/cert.pem and certs/cert.key together from a backup",
        ) from None


def certificate_findings(facts: CertificateFacts, now: datetime | None = None) -> list[Finding]:
    """Key mismatch, expiry now or within 30 days, and a certificate that is not valid yet. `now` must know its zone."""
    now = now or datetime.now(UTC)
    findings = []
    if not facts.key_matches:
        findings.append(
            Finding(
                id="key-mismatch",
                severity=Severity.BLOCKER,
                summary="certs/cert.key does not belong to certs/cert.pem",
                evidence=(
                    f"thumbprint {facts.thumbprint}",
                    "the troubleshooter does not notice this; the tenant rejects it",
                ),
                remedy="restore the pair from a backup made while the connector was accepted",
            )
        )
    if facts.not_after <= now or facts.not_after - now <= SOON:
        expired = facts.not_after <= now
        findings.append(
            Finding(
                id="certificate-expired" if expired else "certificate-expires-soon",
                severity=Severity.WARNING,
                summary=f"the certificate {'expired' if expired else 'expires'} on {facts.not_after:%Y-%m-%d}",
                evidence=(f"thumbprint {facts.thumbprint}", "the connector itself never checks this date"),
                remedy="plan a new pair: make it on one host in a quiet hour, then give it to every host of the cluster",
            )
        )
    if facts.not_before > now:
        findings.append(
            Finding(
                id="certificate-not-yet-valid",
                severity=Severity.WARNING,
                summary=f"the certificate is valid only from {facts.not_before:%Y-%m-%d %H:%M} UTC on",
                remedy="compare the clocks of the host that made it and of the jump box",
            )
        )
    return findings
