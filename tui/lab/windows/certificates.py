"""Certificates for WSMan servers of the lab and their clients: good ones, and bad ones of each kind."""

from __future__ import annotations

import datetime
import hashlib
import os
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tui.lab.authority import Authority, general_name

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class ServerCertificate:
    """A certificate and the server-side TLS context that shows it."""

    context: ssl.SSLContext
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `der` in hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()


@dataclass(frozen=True)
class ClientCertificate:
    """A client's certificate and its key (0600), as PEM files."""

    certificate_file: Path
    key_file: Path


def signed(authority: Authority, *names: str) -> ServerCertificate:
    """One of the lab's authority, for these addresses or host names."""
    return _signed(authority, names, datetime.timedelta(days=30))


def expired(authority: Authority, *names: str) -> ServerCertificate:
    """One of the lab's authority that ended yesterday."""
    return _signed(authority, names, datetime.timedelta(days=-1))


def self_signed(*names: str) -> ServerCertificate:
    """One that nobody signed, as Windows makes them by default."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _server(key, _self_signed(key, names[0], names, ExtendedKeyUsageOID.SERVER_AUTH))


def client(directory: Path, name: str) -> ClientCertificate:
    """A self-signed client certificate for the user principal `name`, in two new files of `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, name, (), ExtendedKeyUsageOID.CLIENT_AUTH)
    files = ClientCertificate(directory / f"{name}.pem", directory / f"{name}.key")
    files.certificate_file.write_bytes(certificate.public_bytes(_PEM))
    with open(os.open(files.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(_key_pem(key))
    return files


def _signed(authority: Authority, names: tuple[str, ...], ends: datetime.timedelta) -> ServerCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return _server(key, authority.sign(_common_name(names[0]), key, names, ends=ends))


def _server(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> ServerCertificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The ssl module takes a key from files only; this one is 0600 and gone at once.
    with tempfile.NamedTemporaryFile(prefix="adldap-ha-lab-") as pem:
        pem.write(_key_pem(key) + certificate.public_bytes(_PEM))
        pem.flush()
        context.load_cert_chain(pem.name)
    return ServerCertificate(context, certificate)


def _self_signed(
    key: ec.EllipticCurvePrivateKey, subject: str, names: tuple[str, ...], use: x509.ObjectIdentifier
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(subject))
        .issuer_name(_common_name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(general_name, names)), critical=False)
    return builder.sign(key, hashes.SHA256())


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
