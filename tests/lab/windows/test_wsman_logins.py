"""The lab's WSMan server lets in who may log in, in each way, and refuses what a Windows host refuses."""

from __future__ import annotations

import os
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from requests_credssp.exceptions import NTStatusException

from tests.lab.windows.plain_client import PASSWORD, USER, connect, handler, pool_of, run
from tui.lab.authority import Authority
from tui.lab.windows import certificates
from tui.lab.windows.wsman import WsmanServer

ADDRESS = "127.0.91.2"
ACCOUNTS = {USER: PASSWORD, "CORP\\svc": "domain-canary", "svc@corp.example": "upn-canary"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> certificates.ServerCertificate:
    return certificates.signed(authority, ADDRESS, "elm.corp.example")


@pytest.fixture
def serve() -> Iterator[Callable[..., WsmanServer]]:
    with ExitStack() as stack:

        def start(**options: Any) -> WsmanServer:
            chosen: dict[str, Any] = {"accounts": ACCOUNTS, "handler": handler, "host_name": "ELM"} | options
            return stack.enter_context(WsmanServer(ADDRESS, 0, **chosen))

        yield start


def works(server: WsmanServer, **options: Any) -> str:
    with pool_of(server, **options) as pool:
        assert run(pool, "repeat me") == "repeat me"
    return server.record.calls[-1].user


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        (USER, PASSWORD, USER),
        (f".\\{USER}", PASSWORD, USER),
        (f"elm\\{USER.upper()}", PASSWORD, USER),
        ("CORP\\svc", "domain-canary", "CORP\\svc"),
        ("svc@corp.example", "upn-canary", "svc@corp.example"),
    ],
)
def test_negotiate_over_http(
    serve: Callable[..., WsmanServer], auth: str, user: str, password: str, account: str
) -> None:
    assert works(serve(), auth=auth, user=user, password=password) == account


def test_messages_over_http_are_encrypted(serve: Callable[..., WsmanServer], monkeypatch: pytest.MonkeyPatch) -> None:
    server, sent = serve(), []
    send = requests.Session.send

    def look(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = send(session, request, **options)
        sent.append((request.body or b"", response.content))
        return response

    monkeypatch.setattr(requests.Session, "send", look)
    works(server)

    assert len(sent) > 5
    assert not any(b"Envelope" in part for pair in sent for part in pair)


@pytest.mark.parametrize("auth", ["ntlm", "negotiate"])
def test_negotiate_over_https(
    serve: Callable[..., WsmanServer], authority: Authority, certificate: certificates.ServerCertificate, auth: str
) -> None:
    server = serve(tls=certificate.context)

    assert works(server, auth=auth, cert_validation=str(authority.certificate_file)) == USER


def test_channel_binding_is_demanded_when_the_server_is_strict(
    serve: Callable[..., WsmanServer], authority: Authority, certificate: certificates.ServerCertificate
) -> None:
    server = serve(tls=certificate.context, bound_certificate=certificate.der)
    trust = str(authority.certificate_file)

    assert works(server, cert_validation=trust) == USER
    with pytest.raises(AuthenticationError):
        works(server, cert_validation=trust, negotiate_send_cbt=False)


def test_basic_over_https(
    serve: Callable[..., WsmanServer], authority: Authority, certificate: certificates.ServerCertificate
) -> None:
    server = serve(tls=certificate.context, auth={"basic"})

    assert works(server, auth="basic", cert_validation=str(authority.certificate_file)) == USER


def test_basic_over_http_is_refused_even_with_the_right_password(serve: Callable[..., WsmanServer]) -> None:
    server = serve(auth={"basic", "negotiate"})
    with pytest.raises(AuthenticationError), pool_of(server, auth="basic", encryption="never"):
        pass

    assert server.record.wrong_passwords == Counter()


def test_unencrypted_message_over_http_is_refused(serve: Callable[..., WsmanServer]) -> None:
    server = serve()
    with pytest.raises(WinRMTransportError) as refused, pool_of(server, encryption="never"):
        pass

    assert refused.value.code == 500
    assert server.record.requests == 0


def test_certificate_over_https(
    serve: Callable[..., WsmanServer],
    authority: Authority,
    tmp_path: Path,
) -> None:
    shown = certificates.client(tmp_path, "ops@corp.example")
    server = serve(
        tls=certificates.signed(authority, ADDRESS).context,
        auth={"certificate"},
        client_certificates={shown.certificate_file: USER},
    )
    options = {"auth": "certificate", "cert_validation": str(authority.certificate_file)}
    pair = {"certificate_pem": str(shown.certificate_file), "certificate_key_pem": str(shown.key_file)}

    assert shown.key_file.stat().st_mode & 0o777 == 0o600
    assert works(server, **options, **pair) == USER

    other = certificates.client(tmp_path, "eve@corp.example")
    pair = {"certificate_pem": str(other.certificate_file), "certificate_key_pem": str(other.key_file)}
    with pytest.raises((requests.ConnectionError, AuthenticationError)):
        works(server, **options, **pair)


@pytest.mark.parametrize("tls", [False, True])
def test_credssp(
    serve: Callable[..., WsmanServer], authority: Authority, certificate: certificates.ServerCertificate, tls: bool
) -> None:
    server = serve(tls=certificate.context if tls else None, auth={"credssp"})

    assert works(server, auth="credssp", cert_validation=str(authority.certificate_file)) == USER


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic", "credssp"])
def test_wrong_password_is_refused_and_counted_once(
    serve: Callable[..., WsmanServer], authority: Authority, certificate: certificates.ServerCertificate, auth: str
) -> None:
    server = serve(tls=certificate.context, auth={"negotiate", "basic", "credssp"})
    trust = str(authority.certificate_file)
    with pytest.raises((AuthenticationError, NTStatusException)):
        works(server, auth=auth, password="wrong", cert_validation=trust)

    assert sum(server.record.wrong_passwords.values()) == 1
    assert server.record.logins == Counter()
    assert server.record.requests == 0


def test_way_to_log_in_that_is_switched_off_is_refused(serve: Callable[..., WsmanServer]) -> None:
    server = serve(auth={"credssp"})
    with pytest.raises(AuthenticationError):
        works(server, auth="ntlm")


def test_servers_of_one_process_have_passwords_of_their_own(serve: Callable[..., WsmanServer]) -> None:
    first, second = serve(accounts={USER: "one"}), serve(accounts={USER: "two"})

    assert works(first, password="one") == works(second, password="two") == USER
    with pytest.raises(AuthenticationError):
        works(second, password="one")


def test_changed_password_holds_for_the_next_login(serve: Callable[..., WsmanServer]) -> None:
    accounts = {USER: "old"}
    server = serve(accounts=accounts)
    works(server, password="old")
    accounts[USER] = "new"

    assert works(server, password="new") == USER
    with pytest.raises(AuthenticationError):
        works(server, password="old")


def test_accounts_lie_nowhere_to_be_read(serve: Callable[..., WsmanServer]) -> None:
    works(serve())

    assert Path(os.environ["NTLM_USER_FILE"]).read_bytes() == b""


def test_unknown_way_to_log_in_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="digest"):
        WsmanServer(ADDRESS, 0, accounts={}, handler=handler, host_name="ELM", auth={"digest"})


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda authority: certificates.expired(authority, ADDRESS), "expired"),
        (lambda authority: certificates.signed(authority, "127.9.9.9", "other.example"), "not valid for|mismatch"),
        (lambda authority: certificates.self_signed(ADDRESS), "self-signed|self signed"),
    ],
)
def test_bad_certificates_are_bad_in_the_way_they_say(
    serve: Callable[..., WsmanServer],
    authority: Authority,
    make: Callable[[Authority], certificates.ServerCertificate],
    reason: str,
) -> None:
    made = make(authority)
    server = serve(tls=made.context)
    with pytest.raises(requests.exceptions.SSLError, match=reason):
        works(server, cert_validation=str(authority.certificate_file))

    shown = ssl.get_server_certificate((ADDRESS, server.port))
    assert ssl.PEM_cert_to_DER_cert(shown) == made.der


def test_connection_with_keys_of_another_is_refused(serve: Callable[..., WsmanServer]) -> None:
    server = serve()
    with connect(server) as wsman:
        wsman.transport.session = wsman.transport._build_session()
        wsman.update_max_payload_size()
        wsman.transport.session.close()
        with pytest.raises(WinRMTransportError) as refused:
            wsman.get_server_config()

    assert refused.value.code == 400
