"""The Management API client, against a real HTTPS server with a certificate authority of its own."""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.tenant_server import CLIENT_SECRET, Clock, Tenant, pem
from tui import tenant as tenant_module
from tui.errors import OperatorError
from tui.tenant import Doubt, Online, TenantClient


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A CA's certificate, and a certificate with key that it signed for 127.0.0.1."""
    directory = tmp_path_factory.mktemp("authority")
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
    now = datetime.now(UTC)

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    server_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tenant")])
    ca_file, server_file = directory / "ca.pem", directory / "server.pem"
    ca_file.write_bytes(certificate(ca_name, ca_key.public_key(), x509.BasicConstraints(ca=True, path_length=0)))
    server_file.write_bytes(pem(key) + certificate(server_name, key.public_key(), address))
    return ca_file, server_file


@pytest.fixture
def tenant(authority: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority[1])
    with Tenant(context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tenant: Tenant, authority: tuple[Path, Path], clock: Clock) -> Iterator[TenantClient]:
    made = TenantClient(tenant.domain, "client", CLIENT_SECRET, authority[0], clock=clock)
    yield made
    made.close()


def doubt(client: TenantClient, name: str = "corp-ad") -> Doubt | None:
    """Why the client could not tell; a doubt always comes with a reason and something to do, and never with a secret."""
    status = client.connection_status(name)
    assert status.online is None
    assert status.why
    assert status.remedy
    assert "CANARY" not in status.model_dump_json()
    return status.doubt


def test_a_connection_with_a_live_instance_is_online(client: TenantClient) -> None:
    status = client.connection_status("corp-ad")
    assert (status.state, status.online, status.doubt) == (Online.ONLINE, True, None)


def test_a_connection_without_one_is_offline(client: TenantClient, tenant: Tenant) -> None:
    tenant.live.clear()
    status = client.connection_status("corp-ad")
    assert (status.state, status.online) == (Online.OFFLINE, False)


def test_it_follows_the_connection_up_and_down(client: TenantClient, tenant: Tenant) -> None:
    seen = []
    for live in (True, False, True):
        tenant.live = {"con_1"} if live else set()
        seen.append(client.connection_status("corp-ad").online)
    assert seen == [True, False, True]


def test_the_connection_is_found_on_a_later_page(client: TenantClient, tenant: Tenant) -> None:
    tenant.connections = [{"id": f"con_x{n}", "name": f"other-{n}"} for n in range(250)] + tenant.connections
    assert client.connection_status("corp-ad").online
    assert len([line for line in tenant.asked if "page=" in line]) == 3


def test_exactly_full_pages_end_the_search(client: TenantClient, tenant: Tenant) -> None:
    tenant.connections = [{"id": f"con_x{n}", "name": f"other-{n}"} for n in range(200)]
    assert doubt(client) is Doubt.NO_CONNECTION


def test_a_tenant_that_never_runs_out_of_pages_is_given_up(client: TenantClient, tenant: Tenant) -> None:
    page = json.dumps([{"id": "con_x", "name": "other"}] * 100).encode()
    tenant.failures["/api/v2/connections?"] = (200, {}, page)
    assert doubt(client) is Doubt.NO_CONNECTION
    assert len(tenant.asked) < 60


def test_only_the_whole_name_counts(client: TenantClient, tenant: Tenant) -> None:
    tenant.connections = [{"id": "con_1", "name": "corp-ad-2"}, {"id": "con_1", "name": "CORP-AD"}]
    assert doubt(client) is Doubt.NO_CONNECTION


def test_a_strange_identifier_stays_one_path_segment(client: TenantClient, tenant: Tenant) -> None:
    tenant.connections = [{"id": "../clients?x=", "name": "corp-ad"}]
    assert client.connection_status("corp-ad").online is False
    assert tenant.asked[-1] == "GET /api/v2/connections/..%2Fclients%3Fx%3D/status"


def test_a_connection_that_was_made_anew_is_found_again(client: TenantClient, tenant: Tenant) -> None:
    assert client.connection_status("corp-ad").online
    tenant.connections, tenant.live = [{"id": "con_2", "name": "corp-ad"}], {"con_2"}
    assert client.connection_status("corp-ad").online


def test_a_connection_that_is_gone_is_not_called_offline(client: TenantClient, tenant: Tenant) -> None:
    assert client.connection_status("corp-ad").online
    tenant.connections, tenant.live = [], set()
    assert doubt(client) is Doubt.NO_CONNECTION


def test_the_token_is_kept_for_its_lifetime(client: TenantClient, tenant: Tenant) -> None:
    for _ in range(3):
        client.connection_status("corp-ad")
    assert tenant.token_number == 1
    assert tenant.asked.count("GET /api/v2/connections/con_1/status") == 3


def test_the_token_is_renewed_before_it_expires(client: TenantClient, tenant: Tenant, clock: Clock) -> None:
    client.connection_status("corp-ad")
    clock.now += 86400 - 30
    client.connection_status("corp-ad")
    assert tenant.token_number == 2


def test_a_token_that_was_revoked_is_renewed_once(client: TenantClient, tenant: Tenant) -> None:
    client.connection_status("corp-ad")
    tenant.valid_tokens.clear()
    assert client.connection_status("corp-ad").online
    assert tenant.token_number == 2


def test_a_tenant_that_accepts_no_token_is_not_asked_for_ever(client: TenantClient, tenant: Tenant) -> None:
    tenant.failures["/api/v2/"] = (401, {}, b"{}")
    assert doubt(client) is Doubt.FORBIDDEN
    assert len(tenant.asked) == 4


def test_refused_credentials_are_not_tried_again(client: TenantClient, tenant: Tenant) -> None:
    tenant.secret = "another"
    for _ in range(3):
        assert doubt(client) is Doubt.CREDENTIALS
    assert tenant.asked == ["POST /oauth/token"]


def test_a_missing_permission_is_named(client: TenantClient, tenant: Tenant) -> None:
    tenant.failures["/api/v2/"] = (403, {}, b'{"message": "Insufficient scope"}')
    assert doubt(client) is Doubt.FORBIDDEN
    assert "read:connections" in str(client.connection_status("corp-ad").remedy)


@pytest.mark.parametrize("path", ["/oauth/token", "/api/v2/connections?", "/api/v2/connections/con_1"])
def test_after_a_rate_limit_nothing_is_asked_until_it_has_passed(
    client: TenantClient, tenant: Tenant, path: str, clock: Clock
) -> None:
    tenant.failures[path] = (429, {"Retry-After": "120"}, b"{}")
    assert doubt(client) is Doubt.RATE_LIMITED
    asked = len(tenant.asked)
    tenant.failures.clear()
    assert doubt(client) is Doubt.RATE_LIMITED
    assert len(tenant.asked) == asked
    clock.now += 121
    assert client.connection_status("corp-ad").online


@pytest.mark.parametrize("headers", [{"X-RateLimit-Reset": "99999999999"}, {"Retry-After": "soon"}, {}])
def test_a_rate_limit_without_a_sensible_end_ends_all_the_same(
    client: TenantClient, tenant: Tenant, headers: dict[str, str], clock: Clock
) -> None:
    tenant.failures["/oauth"] = (429, headers, b"")
    assert doubt(client) is Doubt.RATE_LIMITED
    tenant.failures.clear()
    clock.now += 601
    assert client.connection_status("corp-ad").online


@pytest.mark.parametrize("path", ["/oauth/token", "/api/v2/connections?", "/api/v2/connections/con_1"])
@pytest.mark.parametrize("failure", [(500, b"oops"), (503, b"{}"), (302, b""), (204, b"")])
def test_any_other_answer_is_no_answer(
    client: TenantClient, tenant: Tenant, path: str, failure: tuple[int, bytes]
) -> None:
    tenant.failures[path] = (failure[0], {"Location": "https://127.0.0.1:1/"}, failure[1])
    assert doubt(client) is Doubt.UNEXPECTED


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1]", b'"x"', b"[" * 100_000, b"\xff", b"null"])
@pytest.mark.parametrize("path", ["/oauth/token", "/api/v2/connections?"])
def test_nonsense_is_no_answer(client: TenantClient, tenant: Tenant, path: str, body: bytes) -> None:
    tenant.failures[path] = (200, {}, body)
    assert doubt(client) is Doubt.UNEXPECTED


def test_an_endless_answer_is_cut_off(client: TenantClient, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_module, "_LARGEST_ANSWER", 1000)
    tenant.failures["/oauth/token"] = (200, {}, b" " * 100_000)
    assert doubt(client) is Doubt.UNEXPECTED


def test_a_connection_that_ends_in_the_middle_is_no_answer(client: TenantClient, tenant: Tenant) -> None:
    tenant.failures["/api/v2/connections/con_1"] = (0, {}, b"")
    assert doubt(client) is Doubt.UNREACHABLE


def test_a_certificate_that_nobody_vouches_for_is_told(tenant: Tenant) -> None:
    untrusting = TenantClient(tenant.domain, "client", CLIENT_SECRET)
    assert doubt(untrusting) is Doubt.TLS
    assert tenant.asked == []


def test_a_certificate_for_another_name_is_told(tenant: Tenant, authority: tuple[Path, Path]) -> None:
    misnamed = TenantClient(tenant.domain.replace("127.0.0.1", "localhost"), "client", CLIENT_SECRET, authority[0])
    assert doubt(misnamed) is Doubt.TLS
    assert tenant.asked == []


def test_a_tenant_that_is_not_there_is_told(authority: tuple[Path, Path], tenant: Tenant) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = TenantClient(f"127.0.0.1:{unused.getsockname()[1]}", "client", CLIENT_SECRET, authority[0])
        assert doubt(gone) is Doubt.UNREACHABLE


def test_a_tenant_that_does_not_answer_is_given_up(
    authority: tuple[Path, Path], tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_module, "_READ_SECONDS", 0.1)
    monkeypatch.setattr(tenant_module, "_CONNECT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = TenantClient(f"127.0.0.1:{silent.getsockname()[1]}", "client", CLIENT_SECRET, authority[0])
        assert doubt(client) is Doubt.UNREACHABLE


@pytest.mark.parametrize("domain", ["https://example.auth0.com", "example.auth0.com/x", "user@example.com", "", "-x"])
def test_a_domain_that_is_none_is_refused_at_once(domain: str) -> None:
    with pytest.raises(OperatorError, match="no host name"):
        TenantClient(domain, "client", CLIENT_SECRET)


def test_a_ca_file_that_is_none_is_refused_at_once(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    for path in (empty, tmp_path / "absent.pem"):
        with pytest.raises(OperatorError, match="CA file"):
            TenantClient("example.auth0.com", "client", CLIENT_SECRET, path)


def test_no_secret_is_logged_or_shown(client: TenantClient, tenant: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client.connection_status("corp-ad")
    tenant.failures["/oauth"] = (401, {}, CLIENT_SECRET.encode())
    tenant.valid_tokens.clear()
    assert doubt(client) is Doubt.CREDENTIALS
    assert "CANARY" not in caplog.text
    assert "CANARY" not in repr(client)


def test_threads_may_share_it(client: TenantClient, tenant: Tenant) -> None:
    answers: list[bool | None] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.connection_status("corp-ad").online)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 8
    assert tenant.token_number == 1
