"""Who is at the other end of a connection: Negotiate/NTLM, CredSSP, Basic and certificates, and encrypted messages.

Negotiate and CredSSP log in a TCP connection, once, and give it the keys for encrypted messages; Basic and certificates log
in every request.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import spnego
import spnego.tls
from pypsrp.encryption import WinRMEncryption
from spnego.channel_bindings import GssChannelBindings

from tui.lab.windows.ntlm_accounts import account_of, known_to_ntlm

NEGOTIATE, CREDSSP, BASIC, CERTIFICATE = "negotiate", "credssp", "basic", "certificate"
AUTHENTICATIONS = frozenset({NEGOTIATE, CREDSSP, BASIC, CERTIFICATE})
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


@dataclass
class Logins:
    """Who may log in, and how. May be changed while the server runs; it holds for new logins."""

    accounts: Mapping[str, str] = field(repr=False)
    host_name: str
    allowed: set[str]
    """Of AUTHENTICATIONS."""
    certificates: Mapping[bytes, str] = field(default_factory=dict)
    """Accounts by the DER of the client certificate that is mapped to them."""
    bound_to: GssChannelBindings | None = None
    """What Negotiate must be bound to on this listener; None takes any binding and none."""
    kerberos: str | None = None
    """The name by which Kerberos knows the host, whose key the process's keytab has; None: Negotiate takes NTLM only."""


@dataclass(frozen=True)
class Admission:
    """The verdict on a request. `user` None: not let in (yet), `offers` are the WWW-Authenticate headers to answer with."""

    user: str | None = None
    offers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Where logins are counted."""

    let_in: Counter[str]
    refused: Counter[str]


class ConnectionSecurity:
    """The security of one connection. Used by the one thread that serves it."""

    def __init__(self, logins: Logins, tally: Tally, *, tls: bool, client_certificate: bytes | None) -> None:
        """`client_certificate` is the DER of what the client showed in the TLS handshake."""
        self._logins = logins
        self._tally = tally
        self._tls = tls
        self._client_certificate = client_certificate
        self._context: spnego.ContextProxy | None = None
        self._scheme = ""
        self._user: str | None = None
        self._encryption: WinRMEncryption | None = None

    def admit(self, authorization: str) -> Admission:
        """Judge a request by its Authorization header ("" for none)."""
        scheme, _, rest = authorization.partition(" ")
        scheme = scheme.lower()
        if not authorization:
            return Admission(self._user) if self._user is not None else self._refusal()
        if authorization == MUTUAL:
            return self._certificate()
        try:
            token = base64.b64decode(rest, validate=True)
        except binascii.Error:
            return self._refusal()
        if scheme == BASIC:
            return self._basic(token)
        if scheme in {"negotiate", "ntlm", CREDSSP}:
            return self._token(scheme, token)
        return self._refusal()

    def unwrap(self, body: bytes, content_type: str) -> bytes:
        """Decrypt a message. Raises ValueError when this connection's keys do not fit it, or there are none."""
        boundary = _BOUNDARY.search(content_type)
        if self._encryption is None or boundary is None:
            raise ValueError("no keys for this message")
        try:
            message = self._encryption.unwrap_message(body, boundary.group(1))
        except Exception as error:
            raise ValueError("the message cannot be decrypted") from error
        return bytes(message)

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Encrypt an answer: its content type, and the body."""
        assert self._encryption is not None
        kind, body = self._encryption.wrap_message(message)
        return f'{kind};protocol="{self._encryption.protocol}";boundary="Encrypted Boundary"', body

    def _refusal(self, who: str | None = None) -> Admission:
        """Offer what this listener takes. `who`: a login failed, and this is the name it was for."""
        self._context = self._user = self._encryption = None
        if who is not None:
            self._tally.refused[who] += 1
        offers = ["Negotiate"] if NEGOTIATE in self._logins.allowed else []
        if BASIC in self._logins.allowed and self._tls:
            offers.append('Basic realm="WSMAN"')
        if CREDSSP in self._logins.allowed:
            offers.append("CredSSP")
        return Admission(offers=tuple(offers))

    def _let_in(self, user: str, *offers: str) -> Admission:
        self._tally.let_in[user] += 1
        return Admission(user, offers)

    def _certificate(self) -> Admission:
        user = self._logins.certificates.get(self._client_certificate or b"")
        if CERTIFICATE not in self._logins.allowed or not self._tls or user is None:
            return self._refusal("")
        return self._let_in(user)

    def _basic(self, token: bytes) -> Admission:
        name, _, password = _text(token).partition(":")
        if BASIC not in self._logins.allowed or not self._tls:
            return self._refusal()
        user = account_of(self._logins.accounts, name, self._logins.host_name)
        known = self._logins.accounts[user] if user is not None else ""
        if user is None or not hmac.compare_digest(known.encode(), password.encode()):
            return self._refusal(name)
        return self._let_in(user)

    def _token(self, scheme: str, token: bytes) -> Admission:
        if (CREDSSP if scheme == CREDSSP else NEGOTIATE) not in self._logins.allowed:
            return self._refusal()
        with known_to_ntlm(self._logins.accounts, self._logins.host_name):
            try:
                if self._context is None or self._context.complete or self._scheme != scheme:
                    self._context, self._scheme, self._user = self._acceptor(scheme), scheme, None
                answer = self._context.step(token)
            except Exception:
                # pyspnego fails on garbage in many ways; all of them are a login that is refused.
                return self._refusal(_name_in(token))
        named = f"{_HEADERS[scheme]} {base64.b64encode(answer).decode('ascii')}" if answer else ""
        if self._context.get_extra_info("auth_stage") == _CREDSSP_FAILED:
            self._tally.refused[""] += 1
            return Admission(offers=(named,))
        if not self._context.complete:
            # CredSSP goes silent on a wrong password when the client is too old to be told.
            return Admission(offers=(named,)) if named else self._refusal(_name_in(token))
        user = account_of(self._logins.accounts, self._context.client_principal or "", self._logins.host_name)
        if user is None:
            return self._refusal(self._context.client_principal or "")
        self._user = user
        protocol = WinRMEncryption.CREDSSP if scheme == CREDSSP else WinRMEncryption.SPNEGO
        self._encryption = WinRMEncryption(self._context, protocol)
        return self._let_in(user, *([named] if named else []))

    def _acceptor(self, scheme: str) -> spnego.ContextProxy:
        options = spnego.NegotiateOptions.wrapping_winrm
        if scheme == CREDSSP:
            return spnego.server(protocol="credssp", options=options | spnego.NegotiateOptions.use_negotiate)
        if self._logins.kerberos is not None:
            return spnego.server(hostname=self._logins.kerberos, service="host", protocol="negotiate", options=options)
        return spnego.server(
            protocol="negotiate",
            options=options | spnego.NegotiateOptions.use_negotiate,
            channel_bindings=self._logins.bound_to if self._tls else None,
        )


_HEADERS = {"negotiate": "Negotiate", "ntlm": "NTLM", CREDSSP: "CredSSP"}
_CREDSSP_FAILED = "Authentication failure"
_AUTHENTICATE = b"NTLMSSP\x00\x03\x00\x00\x00"


def _text(basic: bytes) -> str:
    """What a client meant: RFC 7617 leaves the encoding open, and clients use both."""
    try:
        return basic.decode("utf-8")
    except UnicodeDecodeError:
        return basic.decode("latin-1")


def _name_in(token: bytes) -> str:
    """The user name in an NTLM answer, bare or wrapped; empty where there is none to be read."""
    start = token.find(_AUTHENTICATE)
    if start < 0 or len(token) < start + 44:
        return ""
    length, _, offset = struct.unpack_from("<HHI", token, start + 36)
    return token[start + offset : start + offset + length].decode("utf-16-le", "replace")
