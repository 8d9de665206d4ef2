"""Whatever pypsrp, requests or a WinRM service say becomes one error that an operator can act upon."""

from __future__ import annotations

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, InvalidPSRPOperation, WinRMTransportError, WSManFaultError
from spnego.exceptions import ErrorCode, SpnegoError
from urllib3.exceptions import MaxRetryError, NewConnectionError

from tui.remote.errors import (
    AuthenticationFailed,
    CertificateRefused,
    ConnectionLost,
    HostUnreachable,
    RemoteError,
    RightsLacking,
)
from tui.remote.windows.endpoint import Endpoint
from tui.remote.windows.winrm_errors import Listener, account_advice, explain
from tui.remote.windows.winrm_transport import AnswerInClear

LISTENER = Listener(Endpoint("elm", "elm.corp.example", 5985), "ops", "ntlm", tls=False)


def fault(code: int | str | None) -> WSManFaultError:
    return WSManFaultError(code, "ELM", "said\r\n  so", None, None, "because")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (fault(5), RightsLacking, "LocalAccountTokenFilterPolicy"),
        (fault(2150859173), HostUnreachable, "MaxShellsPerUser"),
        (fault(2150859174), HostUnreachable, "quota"),
        (fault(2150858825), RemoteError, "MaxEnvelopeSizekb"),
        (fault(2150859229), HostUnreachable, "Enable-PSRemoting"),
        (fault(2150858806), AuthenticationFailed, ".\\ops"),
        (fault(2150858793), HostUnreachable, "too long"),
        (fault(995), ConnectionLost, "unknown"),
        (fault(2150858843), ConnectionLost, "unknown"),
        (fault(12345), RemoteError, "12345"),
        (fault("s:Sender"), RemoteError, "s:Sender"),
        (fault(None), RemoteError, "Operational"),
        (WinRMTransportError("http", 413, ""), RemoteError, "MaxEnvelopeSizekb"),
        (WinRMTransportError("http", 403, ""), RightsLacking, "403"),
        (WinRMTransportError("http", 404, ""), HostUnreachable, "no WinRM listener"),
        (WinRMTransportError("http", 503, ""), HostUnreachable, "Start-Service WinRM"),
        (WinRMTransportError("http", 500, "<html>"), ConnectionLost, "500"),
        (AuthenticationError("Failed to authenticate the user ops with ntlm"), AuthenticationFailed, ".\\ops"),
        (InvalidPSRPOperation("broken"), ConnectionLost, "broken"),
        (requests.ReadTimeout("x"), ConnectionLost, "no answer in time"),
        (requests.ConnectionError("reset"), ConnectionLost, "unknown"),
        (requests.exceptions.ChunkedEncodingError("cut"), ConnectionLost, "unknown"),
        (requests.TooManyRedirects("x"), HostUnreachable, "elsewhere"),
        (AnswerInClear("x"), ConnectionLost, "not encrypted"),
        (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] x"), CertificateRefused, "no credentials"),
        (requests.exceptions.SSLError("Fingerprints did not match"), CertificateRefused, "no credentials"),
        (requests.exceptions.SSLError("EOF occurred"), ConnectionLost, "unknown"),
        (KeyError("a bug"), ConnectionLost, "KeyError"),
    ],
)
def test_errors_during_a_session(error: Exception, kind: type[RemoteError], words: str) -> None:
    told = explain(error, LISTENER, opened=True)

    assert type(told) is kind
    assert words in str(told)
    assert told.host == "elm"
    assert told.remedy


def test_connection_that_was_never_made_is_no_lost_one() -> None:
    inner = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
    error = requests.ConnectionError(MaxRetryError(None, "/wsman", inner))  # type: ignore[arg-type]
    told = explain(error, LISTENER, opened=False)

    assert type(told) is HostUnreachable
    assert "tls = true" in (told.remedy or "")
    assert "object at" not in str(told)


@pytest.mark.parametrize(
    ("method", "offered", "accepted"),
    [
        ("ntlm", "Negotiate, Kerberos", True),
        ("negotiate", "Kerberos", True),
        ("ntlm", 'Basic realm="WSMAN"', False),
        ("basic", 'Negotiate, Basic realm="WSMAN"', True),
        ("basic", "Negotiate", False),
        ("credssp", "Negotiate, CredSSP", True),
        ("credssp", "Negotiate", False),
        ("ntlm", "", False),
        ("certificate", "", True),
    ],
)
def test_refused_password_is_told_from_a_way_that_is_not_offered(method: str, offered: str, accepted: bool) -> None:
    listener = Listener(LISTENER.endpoint, "ops", method, tls=True)
    told = explain(AuthenticationError("Failed to authenticate"), listener, opened=False, offered=offered)

    assert isinstance(told, AuthenticationFailed) is accepted
    assert isinstance(told, HostUnreachable) is not accepted


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("ops", ".\\ops"),
        (".\\ops", "DOMAIN\\ops"),
        ("CORP\\ops", "locked"),
        ("ops@corp.example", "locked"),
    ],
)
def test_advice_on_how_to_write_an_account(user: str, words: str) -> None:
    assert words in account_advice(user)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Preauthentication failed", AuthenticationFailed),
        ("No credentials were supplied, or the credentials were unavailable", AuthenticationFailed),
        ("Client 'ops@CORP.EXAMPLE' not found in Kerberos database", AuthenticationFailed),
        ("Cannot contact any KDC for realm 'CORP.EXAMPLE'", HostUnreachable),
        ("Server HOST/10.0.0.7@CORP.EXAMPLE not found in Kerberos database", HostUnreachable),
    ],
)
def test_kerberos_blames_a_password_only_when_it_was_looked_at(said: str, kind: type[RemoteError]) -> None:
    listener = Listener(LISTENER.endpoint, "ops@CORP.EXAMPLE", "kerberos", tls=True)
    told = explain(SpnegoError(ErrorCode.failure, context_msg=said), listener, opened=False, offered="Kerberos")

    assert type(told) is kind
    assert said in str(told)


def test_password_that_the_key_server_refuses_is_refused_although_the_libraries_own_error_comes_through() -> None:
    error = type("Krb5Error", (Exception,), {"__module__": "krb5._exceptions"})("Decrypt integrity check failed")
    listener = Listener(LISTENER.endpoint, "ops@CORP.EXAMPLE", "kerberos", tls=True)
    told = explain(error, listener, opened=False)

    assert type(told) is AuthenticationFailed
    assert "name@DOMAIN.EXAMPLE" in (told.remedy or "")
