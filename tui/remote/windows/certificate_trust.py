"""Whether a WinRM listener's certificate is to be trusted, decided before anything but a TLS handshake was sent to it."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui.remote.errors import CertificateRefused, CertificateUnknown, HostUnreachable, RemoteError
from tui.remote.windows.endpoint import Endpoint
from tui.remote.windows.known_certificates import confirmed, fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME = frozenset({62, 64})


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """How every connection to a listener is to be verified. `pin` is the SHA-256 of the only certificate accepted, None
    when an authority vouches for it."""

    context: ssl.SSLContext
    pin: str | None


def decide_trust(endpoint: Endpoint, *, ca_file: Path | None, known: Path) -> TlsTrust:
    """Look at the listener's certificate and say how it is to be verified from now on.

    `ca_file` is the only authority (PEM) that counts when it is given; otherwise the machine's own do, and certificates
    that were confirmed before (`known`). Raises CertificateUnknown, CertificateRefused, HostUnreachable, and RemoteError
    when `ca_file` cannot be used.
    """
    shown = None if ca_file else confirmed(known, endpoint.address, endpoint.port)
    if shown is not None:
        certificate = _look(endpoint)
        if fingerprint(certificate) == shown:
            return _pinned(endpoint, certificate)
    authorities = _authorities(endpoint, ca_file)
    problem = _verify(endpoint, authorities)
    if problem is None:
        return TlsTrust(authorities, None)
    certificate = _look(endpoint)
    trust = _pinned(endpoint, certificate)
    if ca_file:
        raise _refused(
            endpoint,
            certificate,
            f"was not signed by the authority of {ca_file} ({problem.verify_message})",
            "give the listener a certificate of that authority, or set `ca_file` to the one that signed this",
        )
    if shown is not None:
        raise _changed(endpoint, certificate, shown, known)
    raise _unknown(endpoint, certificate, trust)


def _look(endpoint: Endpoint) -> bytes:
    """The listener's certificate (DER). Nothing is sent to it but the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _handshake(endpoint, context) as tls:
        return tls.getpeercert(binary_form=True) or b""


def _verify(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLCertVerificationError | None:
    try:
        _handshake(endpoint, context).close()
    except ssl.SSLCertVerificationError as error:
        return error
    return None


def _handshake(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    sock = endpoint.connect()
    try:
        return context.wrap_socket(sock, server_hostname=endpoint.address)
    except ssl.SSLCertVerificationError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        raise _no_tls(endpoint, error) from None
    except BaseException:
        sock.close()
        raise


def _no_tls(endpoint: Endpoint, error: OSError) -> HostUnreachable:
    if isinstance(error, TimeoutError):
        return endpoint.unreachable(error)
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return HostUnreachable(
        f"the TLS handshake with {endpoint.shown} failed",
        host=endpoint.host,
        tried=f"a handshake of TLS 1.2 or newer: {reason}",
        meaning="that port speaks no HTTPS, or has no certificate bound to it, or only an older TLS",
        remedy="check the listener (winrm enumerate winrm/config/listener); for plain HTTP set `tls = false` and port 5985",
    )


def _authorities(endpoint: Endpoint, ca_file: Path | None) -> ssl.SSLContext:
    if ca_file is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A host's own certificate may be named as the authority, as one that signed itself is.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cafile=ca_file.expanduser())
    except (ssl.SSLError, OSError) as error:
        raise RemoteError(
            f"the authority in {ca_file} cannot be used: {error.strerror or 'it is no PEM file of certificates'}",
            host=endpoint.host,
            tried="to read `ca_file`",
            remedy="set it to a PEM file with the certificate of the authority that signed the listener's",
        ) from None
    return context


def _pinned(endpoint: Endpoint, certificate: bytes) -> TlsTrust:
    """Trust in this one certificate. Raises CertificateRefused when it is not usable even so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with contextlib.suppress(ssl.SSLError):
        context.load_verify_locations(cadata=certificate)
    problem = _verify(endpoint, context)
    if problem is not None:
        raise _unusable(endpoint, certificate, problem)
    return TlsTrust(context, fingerprint(certificate))


def _unusable(endpoint: Endpoint, certificate: bytes, problem: ssl.SSLCertVerificationError) -> CertificateRefused:
    if problem.verify_code == _EXPIRED:
        fault = f"has expired ({_dates(certificate)})"
        remedy = "give the WinRM listener a current certificate, and check this machine's clock"
    elif problem.verify_code == _NOT_YET_VALID:
        fault = f"is not valid yet ({_dates(certificate)})"
        remedy = "check the clocks of the host and of this machine"
    elif problem.verify_code in _OTHER_NAME:
        names = _names(certificate)
        fault = f"is for {', '.join(names) or 'no name'}, not for {endpoint.address}"
        remedy = "set `address` to a name that the certificate has, or give the listener one for this address"
    else:
        fault = f"cannot be used: {problem.verify_message}"
        remedy = (
            "give the WinRM listener another certificate, one for server authentication with a key of 2048 bits or more"
        )
    return _refused(endpoint, certificate, fault, remedy)


def _refused(endpoint: Endpoint, certificate: bytes, fault: str, remedy: str) -> CertificateRefused:
    return CertificateRefused(
        f"the certificate of {endpoint.shown} {fault}",
        host=endpoint.host,
        tried=f"a TLS handshake, which showed {fingerprint(certificate)}",
        meaning="whether this is the right machine cannot be told; no credentials were sent to it",
        remedy=remedy,
    )


def _changed(endpoint: Endpoint, certificate: bytes, shown: str, known: Path) -> CertificateRefused:
    error = _refused(
        endpoint,
        certificate,
        "is not the one that was confirmed before",
        "ask whoever runs the machine; only if the new certificate is confirmed, remove the line of "
        f"{endpoint.address}:{endpoint.port} from {known} and connect again",
    )
    error.tried = f"{error.tried}; confirmed was {shown}"
    error.meaning = "somebody may be listening in, or the certificate was renewed; no credentials were sent"
    return error


def _unknown(endpoint: Endpoint, certificate: bytes, trust: TlsTrust) -> CertificateUnknown:
    from cryptography.x509 import load_der_x509_certificate

    read = load_der_x509_certificate(certificate)
    return CertificateUnknown(
        endpoint.host,
        address=endpoint.address,
        port=endpoint.port,
        certificate=certificate,
        fingerprint=trust.pin or fingerprint(certificate),
        subject=read.subject.rfc4514_string() or ", ".join(_names(certificate)),
        expires=read.not_valid_after_utc,
    )


def _names(certificate: bytes) -> Sequence[str]:
    from cryptography import x509

    try:
        read = x509.load_der_x509_certificate(certificate)
        found = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [*found.get_values_for_type(x509.DNSName)]
        names += [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    except (ValueError, x509.ExtensionNotFound):
        names = []
    if names:
        return names
    with contextlib.suppress(ValueError):
        common = read.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        names = [str(attribute.value) for attribute in common]
    return names


def _dates(certificate: bytes) -> str:
    from cryptography.x509 import load_der_x509_certificate

    try:
        read = load_der_x509_certificate(certificate)
    except ValueError:
        return "its dates cannot be read"
    return f"valid from {read.not_valid_before_utc:%Y-%m-%d %H:%M} to {read.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
