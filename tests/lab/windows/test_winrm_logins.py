"""This program logs in to a WinRM listener in each way, once, and only where that is safe."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import requests

from tests.lab.windows.winrm_client import PASSWORD, USER, Serve, access_with, host_of, session_with, works
from tui.lab.authority import Authority
from tui.lab.windows import certificates
from tui.lab.windows.certificates import ServerCertificate
from tui.remote.connect import open_session
from tui.remote.errors import AuthenticationFailed, HostUnreachable, RemoteError, SecretKind, SecretNeeded

HTTP = [("negotiate", {"negotiate"}), ("ntlm", {"negotiate"}), ("credssp", {"credssp"})]
HTTPS = [*HTTP, ("basic", {"basic"})]


@pytest.mark.parametrize(("auth", "offered"), HTTP)
def test_encrypted_messages_over_http(listen: Serve, tmp_path: Path, auth: str, offered: set[str]) -> None:
    server = listen(auth=offered)
    works(host_of(server, auth=auth), access_with(tmp_path))

    assert server.record.logins == {USER: 1}
    assert server.shells.open_shells() == 0


@pytest.mark.parametrize(("auth", "offered"), HTTPS)
def test_https_with_the_authority_of_the_cluster_file(
    listen: Serve,
    tmp_path: Path,
    lab_authority: Authority,
    listener_certificate: ServerCertificate,
    auth: str,
    offered: set[str],
) -> None:
    server = listen(auth=offered, tls=listener_certificate.context)
    works(host_of(server, auth=auth, ca_file=lab_authority.certificate_file), access_with(tmp_path))

    assert set(server.record.logins) == {USER}


def test_negotiate_is_the_default_and_is_bound_to_the_tls_channel(
    listen: Serve, tmp_path: Path, lab_authority: Authority, listener_certificate: ServerCertificate
) -> None:
    server = listen(tls=listener_certificate.context, bound_certificate=listener_certificate.der)
    works(host_of(server, ca_file=lab_authority.certificate_file), access_with(tmp_path))


@pytest.mark.parametrize("user", [".\\ops", "elm\\ops", "CORP\\svc", "svc@corp.example"])
def test_local_and_domain_accounts(listen: Serve, tmp_path: Path, user: str) -> None:
    server = listen(accounts={USER: PASSWORD, "CORP\\svc": PASSWORD, "svc@corp.example": PASSWORD})
    works(host_of(server, user=user), access_with(tmp_path))


@pytest.mark.parametrize("passphrase", [None, "canary-key"])
def test_client_certificate(listen: Serve, tmp_path: Path, lab_authority: Authority, passphrase: str | None) -> None:
    shown = certificates.client(tmp_path, "ops@corp.example")
    if passphrase:
        encrypt(shown.key_file, passphrase)
    server = listen(
        tls=certificates.signed(lab_authority, "127.0.92.1").context,
        auth={"certificate"},
        client_certificates={shown.certificate_file: USER},
    )
    host = host_of(
        server,
        auth="certificate",
        ca_file=lab_authority.certificate_file,
        client_certificate=shown.certificate_file,
        identity=shown.key_file,
    )
    access = access_with(tmp_path, None)
    if passphrase:
        for wrong in (None, "wrong"):
            if wrong:
                access.secrets.remember("elm", SecretKind.KEY_PASSPHRASE, wrong)
            with pytest.raises(SecretNeeded) as asked:
                open_session(host, access)
            assert asked.value.kind is SecretKind.KEY_PASSPHRASE
        access.secrets.remember("elm", SecretKind.KEY_PASSPHRASE, passphrase)

    works(host, access)


def encrypt(key_file: Path, passphrase: str) -> None:
    from cryptography.hazmat.primitives import serialization as form

    key = form.load_pem_private_key(key_file.read_bytes(), None)
    cipher = form.BestAvailableEncryption(passphrase.encode())
    key_file.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, cipher))


def test_client_certificate_that_is_mapped_to_nobody(listen: Serve, tmp_path: Path, lab_authority: Authority) -> None:
    mapped = certificates.client(tmp_path, "ops@corp.example")
    other = certificates.client(tmp_path, "eve@corp.example")
    server = listen(
        tls=certificates.signed(lab_authority, "127.0.92.1").context,
        auth={"certificate"},
        client_certificates={mapped.certificate_file: USER},
    )
    pair = {"client_certificate": other.certificate_file, "identity": other.key_file}
    host = host_of(server, auth="certificate", ca_file=lab_authority.certificate_file, **pair)
    with pytest.raises(AuthenticationFailed, match="client certificate") as refused:
        open_session(host, access_with(tmp_path, None))

    assert "map the certificate" in (refused.value.remedy or "")
    with pytest.raises(RemoteError) as told:
        open_session(host.model_copy(update={"identity": mapped.key_file}), access_with(tmp_path, None))
    assert "do not belong together" in (told.value.tried or "")


@pytest.mark.parametrize(("auth", "offered"), HTTPS)
def test_wrong_password_is_tried_once_and_asked_for_again(
    listen: Serve,
    tmp_path: Path,
    lab_authority: Authority,
    listener_certificate: ServerCertificate,
    auth: str,
    offered: set[str],
) -> None:
    server = listen(auth=offered, tls=listener_certificate.context)
    host, access = host_of(server, auth=auth, ca_file=lab_authority.certificate_file), access_with(tmp_path, "wrong")
    with pytest.raises(AuthenticationFailed) as refused:
        open_session(host, access)

    assert sum(server.record.wrong_passwords.values()) == 1
    assert access.secrets.was_refused("elm", SecretKind.PASSWORD, "wrong")
    assert ".\\ops" in str(refused.value)
    assert "DOMAIN\\ops" in str(refused.value)
    assert "wrong" not in str(refused.value).replace("is wrong", "")
    with pytest.raises(SecretNeeded) as asked:
        open_session(host, access)
    assert asked.value.kind is SecretKind.PASSWORD
    assert sum(server.record.wrong_passwords.values()) == 1


def test_wrong_password_over_http_is_tried_once(listen: Serve, tmp_path: Path) -> None:
    server = listen()
    with pytest.raises(AuthenticationFailed):
        open_session(host_of(server), access_with(tmp_path, "wrong"))

    assert sum(server.record.wrong_passwords.values()) == 1


def test_way_to_log_in_that_the_listener_does_not_take(
    listen: Serve, tmp_path: Path, lab_authority: Authority, listener_certificate: ServerCertificate
) -> None:
    server = listen(auth={"credssp"}, tls=listener_certificate.context)
    access = access_with(tmp_path)
    for auth in ("ntlm", "basic"):
        with pytest.raises(HostUnreachable, match=f"does not accept {auth}") as told:
            open_session(host_of(server, auth=auth, ca_file=lab_authority.certificate_file), access)
        assert "CredSSP" in (told.value.tried or "")

    assert access.secrets.of_host("elm", SecretKind.PASSWORD) == PASSWORD
    assert server.record.wrong_passwords == Counter() or set(server.record.wrong_passwords) == {USER}


@pytest.mark.parametrize("auth", ["basic", "certificate"])
def test_what_would_go_in_clear_is_refused_before_a_connection_is_made(
    listen: Serve, tmp_path: Path, auth: str
) -> None:
    server = listen(auth={"negotiate", "basic"})
    host = host_of(server).model_copy(update={"auth": auth})
    with pytest.raises(RemoteError, match="without TLS is refused") as refused:
        open_session(host, access_with(tmp_path))

    assert refused.value.remedy
    assert server.record.connections == 0


def test_kerberos_without_its_packages_says_how_to_get_them(
    listen: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.remote.windows.winrm_login.find_spec", lambda name: None)
    server = listen()
    for extra in ("kerberos", "credssp"):
        with pytest.raises(RemoteError, match="needs packages") as told:
            open_session(host_of(server, auth=extra), access_with(tmp_path))
        assert f"pip install 'adldap-ha[{extra}]'" in (told.value.remedy or "")
        assert "pipx" in (told.value.remedy or "")

    assert server.record.connections == 0


def test_account_must_be_named(listen: Serve, tmp_path: Path) -> None:
    host = host_of(listen()).model_copy(update={"user": None})
    with pytest.raises(RemoteError, match="account to log in with") as told:
        open_session(host, access_with(tmp_path))

    assert "DOMAIN" in (told.value.remedy or "")


def test_missing_password_is_asked_for(listen: Serve, tmp_path: Path) -> None:
    server = listen()
    with pytest.raises(SecretNeeded) as asked:
        open_session(host_of(server), access_with(tmp_path, None))

    assert (asked.value.secret_host, asked.value.kind) == ("elm", SecretKind.PASSWORD)
    assert server.record.requests == 0


def test_proxy_of_the_environment_is_not_used(listen: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    works(host_of(listen()), access_with(tmp_path))


def test_nothing_readable_goes_over_http(listen: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    send = requests.Session.send

    def look(session: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        response = send(session, request, **options)  # type: ignore[arg-type]
        body = request.body or b""
        seen.extend([body if isinstance(body, bytes) else str(body).encode(), response.content])
        return response

    monkeypatch.setattr(requests.Session, "send", look)
    with session_with(host_of(listen()), access_with(tmp_path)) as session:
        session.acting_account()

    assert len(seen) > 8
    assert not any(b"Envelope" in part or b"canary" in part for part in seen)
