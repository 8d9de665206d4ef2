"""How a session logs in to a WinRM listener: what is allowed, what is installed, and with which credentials."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.errors import RemoteError, SecretKind, SecretNeeded

_NEEDS_TLS = {
    "basic": "Basic would send the password in clear",
    "certificate": "a client certificate is shown in a TLS handshake only",
}
_MODULES = {"kerberos": ("gssapi", "krb5"), "credssp": ("requests_credssp",)}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login is made with. `user` None: whoever the Kerberos tickets are for, or the certificate is mapped to."""

    method: str
    user: str | None
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """For a sentence."""
        if self.user:
            return self.user
        return (
            "the owner of the client certificate"
            if self.method == "certificate"
            else "the owner of the Kerberos ticket"
        )

    def options(self) -> dict[str, Any]:
        """pypsrp's names for them."""
        method = self.method
        if method == "negotiate" and self.password is not None and kerberos_possible():
            # Negotiate would offer a wrong password twice, to the key server and to the host: accounts lock.
            method = "ntlm"
        options: dict[str, Any] = {"auth": method, "username": self.user, "password": self.password}
        if self.method == "certificate":
            # The context shows it; pypsrp only wants to know that there is one.
            options |= {"username": None, "password": None, "certificate_pem": "shown", "certificate_key_pem": "shown"}
        return options


def kerberos_possible() -> bool:
    """Whether the packages of the extra `kerberos` are installed."""
    return all(find_spec(module) is not None for module in _MODULES["kerberos"])


def check_method(host: Host) -> str:
    """How `host` is logged in to. Raises RemoteError when that is not safe, or lacks a package."""
    method = host.auth or "negotiate"
    if not host.tls and method in _NEEDS_TLS:
        raise RemoteError(
            f"{method} authentication without TLS is refused",
            host=host.name,
            tried="nothing: no connection was made",
            meaning=_NEEDS_TLS[method],
            remedy="leave out `tls = false` and use an HTTPS listener, or set `auth` to negotiate, kerberos or credssp, "
            "which encrypt each message",
        )
    if any(find_spec(module) is None for module in _MODULES.get(method, ())):
        raise RemoteError(
            f"{method} authentication needs packages that are not installed",
            host=host.name,
            tried="nothing: no connection was made",
            remedy=f"pip install 'adldap-ha[{method}]' (installed with pipx: pipx install --force 'adldap-ha[{method}]')"
            + (", which builds against libkrb5-dev or krb5-devel" if method == "kerberos" else ""),
        )
    return method


def credentials(host: Host, access: Access, method: str) -> Credentials:
    """What to log in with. Raises SecretNeeded when the password is not known, RemoteError when there is no `user`."""
    if method == "certificate":
        return Credentials(method, host.user)
    password = access.secrets.of_host(host.name, SecretKind.PASSWORD)
    if method == "kerberos" and (password is None or host.user is None):
        return Credentials(method, host.user)
    if host.user is None:
        raise RemoteError(
            "the account to log in with is not known",
            host=host.name,
            tried="to read `user` from the cluster file",
            remedy=r"set `user`: '.\name' for a local account, 'DOMAIN\name' or 'name@domain.example' for one of a domain",
        )
    if password is None:
        raise password_needed(host)
    return Credentials(method, host.user, password)


def password_needed(host: Host) -> SecretNeeded:
    """The question for the account's password."""
    return SecretNeeded(host.name, SecretKind.PASSWORD, f"the password of {host.user} on {host.address}")


def show_certificate(context: ssl.SSLContext, host: Host, access: Access) -> None:
    """Let `context` show the host's client certificate. Raises SecretNeeded, RemoteError."""
    certificate, key = host.client_certificate, host.identity
    if certificate is None or key is None:
        raise RemoteError(
            "there is no client certificate to log in with",
            host=host.name,
            tried="to read `client_certificate` and `identity` from the cluster file",
            remedy="set both: PEM files of the certificate and of its private key",
        )
    passphrase = access.secrets.of_host(host.name, SecretKind.KEY_PASSPHRASE)
    asked = False

    def answer() -> str:
        # Without an answer OpenSSL would ask on the terminal.
        nonlocal asked
        asked = True
        return passphrase or ""

    # Windows asks for the certificate only once it has read the request.
    context.post_handshake_auth = True
    try:
        context.load_cert_chain(certificate.expanduser(), key.expanduser(), password=answer)
    except (ssl.SSLError, OSError) as error:
        if asked and passphrase is not None:
            access.secrets.refuse(host.name, SecretKind.KEY_PASSPHRASE, passphrase)
        if asked:
            raise SecretNeeded(host.name, SecretKind.KEY_PASSPHRASE, f"the passphrase of {key}") from None
        raise _unusable(host, certificate, key, error) from None


def _unusable(host: Host, certificate: Path, key: Path, error: OSError) -> RemoteError:
    missing = [str(file) for file in (certificate, key) if not file.expanduser().is_file()]
    return RemoteError(
        "the client certificate cannot be used",
        host=host.name,
        tried=f"{certificate} with the key {key}: "
        + (f"there is no {' nor '.join(missing)}" if missing else _said(error)),
        remedy="set `client_certificate` and `identity` to PEM files that belong together and are readable for you",
    )


def _said(error: OSError) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "they do not belong together"
    return str(error.strerror or reason or "they are no PEM files")
