"""A listener's certificate is judged before anything is sent to it, and again on every connection that carries something."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from tests.lab.windows.conftest import LISTENER
from tests.lab.windows.winrm_client import ECHO, Serve, access_with, host_of, session_with, works
from tui.lab.authority import Authority
from tui.lab.windows import certificates
from tui.lab.windows.certificates import ServerCertificate
from tui.lab.windows.wsman import WsmanServer
from tui.remote.access import Access, remember_certificate
from tui.remote.connect import open_session
from tui.remote.errors import CertificateRefused, CertificateUnknown, ConnectionLost, HostUnreachable, RemoteError


def question(server: WsmanServer, access: Access) -> CertificateUnknown:
    """What is asked of an operator who connects for the first time."""
    with pytest.raises(CertificateUnknown) as asked:
        open_session(host_of(server), access)
    return asked.value


def refused(server: WsmanServer, access: Access, **values: object) -> CertificateRefused:
    with pytest.raises(CertificateRefused) as caught:
        open_session(host_of(server, **values), access)
    assert caught.value.remedy
    return caught.value


def untouched(server: WsmanServer) -> bool:
    """Whether nobody tried to log in or sent a message."""
    return server.record.requests == 0 and not server.record.logins and not server.record.wrong_passwords


@pytest.fixture
def own() -> ServerCertificate:
    return certificates.self_signed(LISTENER)


@pytest.mark.parametrize("auth", ["basic", "negotiate"])
def test_unknown_certificate_is_shown_confirmed_and_accepted_from_then_on(
    listen: Serve, tmp_path: Path, own: ServerCertificate, auth: str
) -> None:
    server, access = listen(tls=own.context, auth={auth}), access_with(tmp_path)
    asked = question(server, access)

    assert asked.certificate == own.der
    assert asked.fingerprint.replace(":", "").lower() == own.fingerprint
    assert LISTENER in asked.subject
    assert asked.expires == own.certificate.not_valid_after_utc
    assert untouched(server)
    remember_certificate(access, asked)
    works(host_of(server, auth=auth), access)
    assert stat.S_IMODE(access.known_certificates.stat().st_mode) == 0o600


def test_certificate_confirmed_for_one_port_is_unknown_on_another(
    listen: Serve, tmp_path: Path, own: ServerCertificate
) -> None:
    first, second, access = listen(tls=own.context), listen(tls=own.context), access_with(tmp_path)
    remember_certificate(access, question(first, access))

    assert question(second, access).port == second.port


def test_other_certificate_than_the_confirmed_one(listen: Serve, tmp_path: Path, own: ServerCertificate) -> None:
    server, access = listen(tls=own.context), access_with(tmp_path)
    asked = question(server, access)
    remember_certificate(access, asked)
    server.tls = certificates.self_signed(LISTENER).context
    error = refused(server, access)

    assert "not the one that was confirmed" in error.summary
    assert asked.fingerprint in (error.tried or "")
    assert str(access.known_certificates) in (error.remedy or "")
    assert untouched(server)


def test_confirmed_certificate_that_an_authority_replaced_is_accepted(
    listen: Serve, tmp_path: Path, own: ServerCertificate, lab_authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, access = listen(tls=own.context), access_with(tmp_path)
    remember_certificate(access, question(server, access))
    server.tls = certificates.signed(lab_authority, LISTENER).context
    monkeypatch.setenv("SSL_CERT_FILE", str(lab_authority.certificate_file))

    works(host_of(server), access)


def test_expired_certificate(listen: Serve, tmp_path: Path, lab_authority: Authority) -> None:
    server, access = listen(tls=certificates.expired(lab_authority, LISTENER).context), access_with(tmp_path)
    for values in ({}, {"ca_file": lab_authority.certificate_file}):
        error = refused(server, access, **values)
        assert "has expired" in error.summary
        assert "UTC" in error.summary

    assert untouched(server)


def test_certificate_for_another_name(listen: Serve, tmp_path: Path, lab_authority: Authority) -> None:
    made = certificates.signed(lab_authority, "127.9.9.9", "other.example")
    server, access = listen(tls=made.context), access_with(tmp_path)
    for values in ({}, {"ca_file": lab_authority.certificate_file}):
        error = refused(server, access, **values)
        assert "other.example" in error.summary
        assert LISTENER in error.summary

    assert untouched(server)


def test_certificate_of_another_authority_than_the_named_one(
    listen: Serve, tmp_path: Path, lab_authority: Authority, own: ServerCertificate
) -> None:
    server, access = listen(tls=own.context), access_with(tmp_path)
    remember_certificate(access, question(server, access))
    error = refused(server, access, ca_file=lab_authority.certificate_file)

    assert str(lab_authority.certificate_file) in error.summary
    assert untouched(server)


def test_certificate_itself_may_be_named_as_its_authority(
    listen: Serve, tmp_path: Path, own: ServerCertificate
) -> None:
    file = tmp_path / "elm.pem"
    file.write_text(ssl.DER_cert_to_PEM_cert(own.der))
    works(host_of(listen(tls=own.context), ca_file=file), access_with(tmp_path))


@pytest.mark.parametrize("confirmed", [True, False])
def test_certificate_that_changes_during_a_session_gets_no_credentials(
    listen: Serve, tmp_path: Path, lab_authority: Authority, own: ServerCertificate, confirmed: bool
) -> None:
    made = own if confirmed else certificates.signed(lab_authority, LISTENER)
    server, access = listen(tls=made.context, auth={"basic"}), access_with(tmp_path)
    values = {} if confirmed else {"ca_file": lab_authority.certificate_file}
    if confirmed:
        remember_certificate(access, question(server, access))
    with session_with(host_of(server, auth="basic", **values), access) as session:
        session.invoke(ECHO)
        before = server.record.logins.copy()
        server.tls = certificates.self_signed(LISTENER).context
        server.close_idle()
        with pytest.raises(CertificateRefused, match="no longer shows"):
            session.invoke(ECHO)
        assert server.record.logins == before


def test_plain_http_behind_an_https_port(listen: Serve, tmp_path: Path) -> None:
    with pytest.raises(HostUnreachable, match="TLS handshake") as told:
        open_session(host_of(listen(), tls=True), access_with(tmp_path))

    assert "tls = false" in (told.value.remedy or "")


def test_https_behind_a_plain_http_port(listen: Serve, tmp_path: Path, own: ServerCertificate) -> None:
    server = listen(tls=own.context)
    with pytest.raises((HostUnreachable, ConnectionLost)) as told:
        open_session(host_of(server, tls=False), access_with(tmp_path))

    assert isinstance(told.value, HostUnreachable)
    assert "tls = true" in (told.value.remedy or "")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authority_file_that_is_none(
    listen: Serve, tmp_path: Path, own: ServerCertificate, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RemoteError, match=r"ca\.pem cannot be used"):
        open_session(host_of(listen(tls=own.context), ca_file=file), access_with(tmp_path))
