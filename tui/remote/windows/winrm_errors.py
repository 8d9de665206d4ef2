"""What went wrong between this program and a WinRM listener, in an operator's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError

from tui.remote.errors import (
    AuthenticationFailed,
    CertificateRefused,
    ConnectionLost,
    HostUnreachable,
    RemoteError,
    RightsLacking,
)
from tui.remote.windows.endpoint import Endpoint
from tui.remote.windows.winrm_transport import AnswerInClear

_LOGIN_LIBRARIES = ("spnego", "requests_credssp", "krb5", "gssapi")
"""Whose exceptions are of the login; spnego lets those of the Kerberos libraries through when it gets a ticket by password."""
NO_SUCH_SHELL = 2150858843
"""The fault code for a shell that the host has ended: nothing of the request was done."""
_ENDED = frozenset({NO_SUCH_SHELL, 2150858842, 2150858904, 2150859082, 2150859177, 995, 1726})
"""Lacking selectors, session closed, shell closed, another token, an aborted operation, a failed procedure call."""
_TIMED_OUT = 2150858793
_ACCESS_DENIED = 5
_AUTHENTICATION_FAILED = 2150858806
_TOO_MANY = frozenset({2150859173, 2150859174, 2150859175, 2150859176, 2150859179, *range(2150859236, 2150859241)})
"""Quotas for shells, operations, a user, the system, users with shells; and the same of a plug-in."""
_TOO_LARGE = frozenset({2150858805, 2150858823, 2150858824, 2150858825})
"""Encoding limit, and the three limits of an envelope's size."""
_REMOTE_ACCESS_OFF = 2150859229


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a session goes and how it logs in, for errors to tell. `method` is the authentication, `user` the account."""

    endpoint: Endpoint
    user: str
    method: str
    tls: bool

    @property
    def shown(self) -> str:
        """For a sentence."""
        return f"{'HTTPS' if self.tls else 'HTTP'} to {self.endpoint.shown} as {self.user} ({self.method})"


def explain(error: Exception, listener: Listener, *, opened: bool, offered: str | None = None) -> RemoteError:
    """The error to show for one of pypsrp's, spnego's or requests'. `opened`: the session had been opened before.

    `offered` is the last WWW-Authenticate header of the listener.
    """
    if isinstance(error, RemoteError):
        return error
    if isinstance(error, WSManFaultError):
        return fault(error, listener)
    if isinstance(error, WinRMTransportError):
        return _status(int(error.code), listener)
    if isinstance(error, requests.RequestException):
        return _broken(error, listener, opened=opened)
    if isinstance(error, AuthenticationError) or type(error).__module__.startswith(_LOGIN_LIBRARIES):
        return refused_login(listener, offered, said=str(error))
    return _ended(listener, f"{type(error).__name__}: {error}"[:300])


def fault(error: WSManFaultError, listener: Listener) -> RemoteError:
    """The error for a WS-Management fault."""
    code = error.code if isinstance(error.code, int) else 0
    said = " ".join(f"{error.reason or ''} {error.provider_fault or ''}".split())[:300]
    parts = {"host": listener.endpoint.host, "tried": f"{listener.shown}; fault {error.code}: {said}"}
    if code in _ENDED:
        return _ended(listener, f"fault {error.code}: {said}")
    if code == _TIMED_OUT:
        return HostUnreachable(
            "the host takes too long to open a PowerShell session",
            **parts,
            remedy="see what keeps it busy, and whether a logon script or a virus scanner holds PowerShell back",
        )
    if code == _AUTHENTICATION_FAILED:
        return refused_login(listener, None, said=said)
    if code == _ACCESS_DENIED:
        return RightsLacking(
            f"{listener.user} may not use PowerShell remoting",
            **parts,
            meaning="the login succeeded, but WinRM lets in administrators only, and a local account other than "
            "Administrator not even then while User Account Control filters its token",
            remedy=f"add {listener.user} to the host's Administrators; for a local account set "
            r"LocalAccountTokenFilterPolicy to 1 (DWORD) under "
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System on the host",
        )
    if code in _TOO_MANY:
        return HostUnreachable(
            "the host has too many remote sessions open",
            **parts,
            meaning="a quota of WinRM is used up; sessions that were cut off count until they time out",
            remedy="end sessions that nobody needs (Get-WSManInstance -ResourceURI shell -Enumerate lists them, restarting "
            'the WinRM service ends them all), or raise the quota: winrm set winrm/config/winrs @{MaxShellsPerUser="50"}',
        )
    if code in _TOO_LARGE:
        return too_large(listener, parts["tried"])
    if code == _REMOTE_ACCESS_OFF:
        return HostUnreachable(
            "the host's WinRM service does not accept requests from other machines",
            **parts,
            remedy="run Enable-PSRemoting there, or change the group policy for remote server management through WinRM",
        )
    return RemoteError(
        "the WinRM service refused the request",
        **parts,
        remedy="look up the fault's code, and the host's log Microsoft-Windows-WinRM/Operational",
    )


def too_large(listener: Listener, tried: str) -> RemoteError:
    """The error for a message that the listener does not take."""
    return RemoteError(
        "a message is larger than the host's WinRM service accepts",
        host=listener.endpoint.host,
        tried=tried,
        meaning="it was not taken, so nothing was changed",
        remedy='raise the limit on the host: winrm set winrm/config @{MaxEnvelopeSizekb="500"}',
    )


def refused_login(listener: Listener, offered: str | None, *, said: str = "") -> RemoteError:
    """The error for a login that failed: HostUnreachable when the listener does not take this way of logging in at all."""
    schemes = _schemes(offered)
    if offered is not None and not _takes(listener.method, schemes):
        return HostUnreachable(
            f"the listener does not accept {listener.method} authentication",
            host=listener.endpoint.host,
            tried=f"{listener.shown}; it offers {', '.join(sorted(schemes)) or 'nothing'}",
            meaning="no credentials were refused: they were not looked at",
            remedy="set another `auth` for the host, or allow this one there: winrm set winrm/config/service/auth "
            f'@{{{_SERVICE_NAMES.get(listener.method, "Negotiate")}="true"}}',
        )
    if listener.method == "certificate":
        return AuthenticationFailed(
            "the host did not accept the client certificate",
            host=listener.endpoint.host,
            tried=f"{listener.shown}: {' '.join(said.split())[:200]}" if said else listener.shown,
            remedy="map the certificate to an account there (New-Item WSMan:\\localhost\\ClientCertificate), with its issuer "
            "among the trusted root authorities and `Certificate` authentication allowed",
        )
    if listener.method == "kerberos" and not _OF_CREDENTIALS.search(said):
        return HostUnreachable(
            "no Kerberos login to the host could be made",
            host=listener.endpoint.host,
            tried=f"{listener.shown}: {' '.join(said.split())[:200]}",
            meaning="no password was refused: the domain's key server, or the host's name in it, was not found",
            remedy="set `address` to the host's full name in the domain; check /etc/krb5.conf, DNS, and this machine's clock",
        )
    return AuthenticationFailed(
        f"the host refused {listener.user}",
        host=listener.endpoint.host,
        tried=f"{listener.shown}, once" + (f": {' '.join(said.split())[:200]}" if "Failed to auth" not in said else ""),
        meaning="the password or the name is wrong, or the account is locked, disabled or expired; it is not tried again",
        remedy=_KERBEROS_ADVICE if listener.method == "kerberos" else account_advice(listener.user),
    )


_OF_CREDENTIALS = re.compile(
    r"password|preauth|integrity|credential|ccache|ticket|client .*not found|Failed to auth", re.IGNORECASE
)
"""Words by which Kerberos complains of what it was given, or that it was given nothing."""
_KERBEROS_ADVICE = (
    "give the right password, or get a ticket (kinit); write the account as name@DOMAIN.EXAMPLE; if both are right, check that "
    "the account is not locked"
)


def account_advice(user: str) -> str:
    """How to write an account's name, and what to check."""
    bare = user.removeprefix(".\\")
    if "\\" in bare or "@" in bare:
        return f"give the right password; if {user} is right, check that the account is not locked"
    return (
        rf"give the right password; write a local account as .\{bare}, one of a domain as DOMAIN\{bare} "
        f"or {bare}@domain.example"
    )


def _schemes(offered: str | None) -> set[str]:
    return {part.split()[0] for part in (offered or "").split(",") if part.split()}


def _takes(method: str, schemes: set[str]) -> bool:
    lower = {scheme.lower() for scheme in schemes}
    if method in {"negotiate", "ntlm", "kerberos"}:
        return bool(lower & {"negotiate", "kerberos", "ntlm"})
    return method == "certificate" or method in lower


_SERVICE_NAMES = {
    "basic": "Basic",
    "certificate": "Certificate",
    "credssp": "CredSSP",
    "kerberos": "Kerberos",
    "negotiate": "Negotiate",
    "ntlm": "Negotiate",
}


def _status(status: int, listener: Listener) -> RemoteError:
    tried = f"{listener.shown}; HTTP status {status}"
    if status == 413:
        return too_large(listener, tried)
    if status == 403:
        return RightsLacking(
            f"{listener.user} is not allowed to use the listener",
            host=listener.endpoint.host,
            tried=tried,
            remedy="check the listener's IP filter, the account's right to access this computer from the network, and "
            "that a client certificate is mapped",
        )
    if status == 404:
        return HostUnreachable(
            "that port is no WinRM listener",
            host=listener.endpoint.host,
            tried=tried,
            remedy="check the port: 5985 for HTTP, 5986 for HTTPS, unless the listener says otherwise",
        )
    if status == 503:
        return HostUnreachable(
            "the WinRM service does not run",
            host=listener.endpoint.host,
            tried=tried,
            remedy="start it: Start-Service WinRM",
        )
    return _ended(listener, f"HTTP status {status}")


def _broken(error: requests.RequestException, listener: Listener, *, opened: bool) -> RemoteError:
    host, shown = listener.endpoint.host, listener.endpoint.shown
    if isinstance(error, requests.exceptions.SSLError) and _distrusted(error):
        return CertificateRefused(
            f"{shown} no longer shows the certificate that was accepted",
            host=host,
            tried=f"a TLS handshake: {_innermost(error)}",
            meaning="somebody may be listening in, or the certificate was just renewed; no credentials were sent to it",
            remedy="connect again, and compare what is shown then",
        )
    refused = isinstance(error, requests.ConnectionError) and not isinstance(error, requests.ConnectTimeout)
    if listener.method == "certificate" and refused and not opened:
        # The same handshake succeeded a moment ago, without the client's certificate.
        return refused_login(listener, None, said=_innermost(error))
    if isinstance(error, AnswerInClear):
        return ConnectionLost(
            "an answer was not encrypted",
            host=host,
            tried=listener.shown,
            meaning="somebody may be tampering with the connection; the answer was not used",
            remedy="use HTTPS, and find out what stands between this machine and the host",
        )
    if isinstance(error, requests.TooManyRedirects):
        return HostUnreachable(
            f"{shown} sends its clients elsewhere",
            host=host,
            tried=listener.shown,
            remedy="name the host itself, no proxy",
        )
    if opened:
        return _ended(listener, _innermost(error))
    return HostUnreachable(
        f"{shown} does not answer as a WinRM service does",
        host=host,
        tried=f"{listener.shown}: {_innermost(error)}",
        remedy="check that the WinRM service runs and that this is its port"
        + ("; an HTTPS listener (5986) needs `tls = true`" if not listener.tls else ""),
    )


def _distrusted(error: requests.exceptions.SSLError) -> bool:
    """Whether this side broke the handshake off, because of the certificate that it was shown."""
    text = str(error)
    return "CERTIFICATE_VERIFY_FAILED" in text or "Fingerprints did not match" in text


def _ended(listener: Listener, said: str) -> ConnectionLost:
    return ConnectionLost(
        "the WinRM session ended",
        host=listener.endpoint.host,
        tried=f"{listener.shown}: {said}",
        meaning="whether the last script did its work is unknown",
        remedy="look at the host before trying again",
    )


def _innermost(error: BaseException) -> str:
    """The last cause of a chain of exceptions, in a few words and without object addresses."""
    cause: BaseException = error
    while (inner := next((arg for arg in cause.args if isinstance(arg, BaseException)), None)) is not None:
        cause = inner
    reason = getattr(cause, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    if isinstance(error, requests.ReadTimeout):
        return "no answer in time"
    text = " ".join(str(part) for part in cause.args if isinstance(part, str)) or type(cause).__name__
    return text.rpartition(">: ")[2][:200]
