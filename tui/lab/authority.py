"""The lab's own certificate authority, made at start and forgotten at the end."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A CA that signs server certificates for addresses. `certificate_file` is the PEM to trust."""

    def __init__(self, directory: Path) -> None:
        """Make a CA and write its certificate into `directory`; its key stays in memory."""
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "adldap-ha lab CA")])
        self._certificate = self.sign(self._name, self._key, ca=True)
        self.certificate_file = directory / "lab-ca.pem"
        self.certificate_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server_context(self, *addresses: str) -> ssl.SSLContext:
        """A server-side TLS context whose certificate names `addresses`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, addresses[0])])
        certificate = self.sign(name, key, addresses)
        pem = self._directory / f"server-{addresses[0].replace(':', '-')}.pem"
        pem.touch(mode=0o600)
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        pem.unlink()
        return context

    def sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        names: Sequence[str] = (),
        *,
        ca: bool = False,
        ends: datetime.timedelta = datetime.timedelta(days=30),
    ) -> x509.Certificate:
        """A certificate for `key`, valid for `names` (addresses or host names) until `ends` from now.

        It begins an hour ago, or an hour before its end where that is earlier.
        """
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(now, now + ends) - datetime.timedelta(hours=1))
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(general_name, names)), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def general_name(name: str) -> x509.GeneralName:
    """`name` as a certificate tells it: an address, or a host name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
