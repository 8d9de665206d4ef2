"""The tenant is asked by the host's own node, read-only, with the ticket on standard input only."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.unit.connector.local_session import LocalSession
from tui.connector.errors import TicketError
from tui.connector.linux import LinuxInstance
from tui.connector.model import Install, Layout
from tui.connector.ticket import judge_answer, parse_ticket_info, proxy_url, transport_error
from tui.connector.ticket_without_node import error_word
from tui.connector.tunnel_http import TunnelBackend
from tui.remote.session import Stream

INFO = {
    "adHub": "wss://acme.example.com/lo/hub",
    "connectionName": "corp",
    "connectionDomain": "acme.example.com",
    "kerberos": False,
    "certAuth": "true",
    "realm": {"name": "urn:auth0:acme"},
    "thumbprints": ["AB:CD", "00ff"],
}

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="this machine has no node")


class Tenant(ThreadingHTTPServer):
    """An HTTPS server with a certificate that only its own CA file vouches for, and a record of what it was asked."""

    daemon_threads = True

    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str]] = []
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in tenant")])
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, SHA256())
        )
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(certificate.public_bytes(Encoding.PEM))
        pem = directory / "key.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, pem)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def ticket(self) -> str:
        """A ticket of this tenant."""
        return f"https://localhost:{self.server_port}/p/ad/CANARYticket"


class _Handler(BaseHTTPRequestHandler):
    server: Tenant

    def do_GET(self) -> None:
        self.server.requests.append((self.command, self.path))
        known = self.path == "/p/ad/CANARYticket/info"
        body = json.dumps(INFO).encode() if known else b"Not found"
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


class Proxy(ThreadingHTTPServer):
    """A proxy that passes CONNECT on, and demands a login when it has one."""

    daemon_threads = True

    def __init__(self, login: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.login = login
        self.passed: list[str] = []


class _ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        if self.server.login and self.headers.get("Proxy-Authorization") != self.server.login:
            self.send_error(407)
            return
        self.server.passed.append(self.path)
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as onward:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=_copy, args=(onward, self.connection), daemon=True)
            back.start()
            _copy(self.connection, onward)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass


def _serve(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    server = Tenant(tmp_path)
    for _ in _serve(server):
        yield server


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = Proxy(login="Basic dTpwQHNz")
    for _ in _serve(server):
        yield server


def _instance(session: LocalSession, directory: Path, node: str = "node") -> LinuxInstance:
    install = Install(
        directory=str(directory),
        found_at=str(directory),
        layout=Layout.V6,
        version="6.4.1",
        owner="root",
        group="root",
        node=node,
        connector_unit="ldap.service",
        admin_unit=None,
        account="root",
    )
    return LinuxInstance(session, install)


def _environment(session: LocalSession, text: str) -> None:
    session.set_units({"ldap.service": {"Id": "ldap.service", "MainPID": "0", "Environment": text}})


@needs_node
class TestTheHostsNode:
    def test_it_trusts_what_the_unit_trusts(self, session: LocalSession, tenant: Tenant, tmp_path: Path) -> None:
        _environment(session, f"NODE_EXTRA_CA_CERTS={tenant.ca}")
        info = _instance(session, tmp_path).ticket_info(tenant.ticket, {})
        assert (info.connection, info.realm, info.certificate_auth, info.kerberos) == (
            "corp",
            "urn:auth0:acme",
            True,
            False,
        )
        assert info.thumbprints == ("abcd", "00ff")
        assert info.asked_from == "node on fir"
        assert "CANARY" not in info.model_dump_json()
        assert tenant.requests == [("GET", "/p/ad/CANARYticket/info")]

    def test_an_environment_file_counts_as_well(self, session: LocalSession, tenant: Tenant, tmp_path: Path) -> None:
        file = tmp_path / "environment"
        file.write_text(f'# for node\nexport NODE_EXTRA_CA_CERTS="{tenant.ca}"\n')
        session.set_units(
            {"ldap.service": {"Id": "ldap.service", "MainPID": "0", "EnvironmentFiles": f"{file} (ignore_errors=no)"}}
        )
        assert _instance(session, tmp_path).ticket_info(tenant.ticket, {}).connection == "corp"

    def test_a_ca_file_of_the_configuration_is_trusted(
        self, session: LocalSession, tenant: Tenant, tmp_path: Path
    ) -> None:
        _environment(session, "")
        config = {"SSL_CA_FILE": str(tenant.ca)}
        assert _instance(session, tmp_path).ticket_info(tenant.ticket, config).connection == "corp"

    def test_an_unknown_certificate_is_never_accepted(
        self, session: LocalSession, tenant: Tenant, tmp_path: Path
    ) -> None:
        _environment(session, "NODE_TLS_REJECT_UNAUTHORIZED=0")
        with pytest.raises(TicketError) as caught:
            _instance(session, tmp_path).ticket_info(tenant.ticket, {})
        assert caught.value.reason == "tls"
        assert tenant.requests == []

    def test_a_wrong_ticket_is_told(self, session: LocalSession, tenant: Tenant, tmp_path: Path) -> None:
        _environment(session, f"NODE_EXTRA_CA_CERTS={tenant.ca}")
        with pytest.raises(TicketError) as caught:
            _instance(session, tmp_path).ticket_info(f"{tenant.ticket}other", {})
        assert caught.value.reason == "not_found"
        assert "CANARY" not in str(caught.value)

    def test_a_proxy_with_a_login_is_used(
        self, session: LocalSession, tenant: Tenant, proxy: Proxy, tmp_path: Path
    ) -> None:
        _environment(session, f"NODE_EXTRA_CA_CERTS={tenant.ca}")
        config = {"HTTP_PROXY": f"http://u:p%40ss@127.0.0.1:{proxy.server_port}"}
        assert _instance(session, tmp_path).ticket_info(tenant.ticket, config).connection == "corp"
        assert proxy.passed == [f"localhost:{tenant.server_port}"]

    def test_a_proxy_that_refuses_is_told(
        self, session: LocalSession, tenant: Tenant, proxy: Proxy, tmp_path: Path
    ) -> None:
        _environment(session, f"NODE_EXTRA_CA_CERTS={tenant.ca}")
        config = {"HTTP_PROXY": f"http://u:CANARY@127.0.0.1:{proxy.server_port}"}
        with pytest.raises(TicketError) as caught:
            _instance(session, tmp_path).ticket_info(tenant.ticket, config)
        assert caught.value.reason == "proxy"
        assert "CANARY" not in str(caught.value)

    def test_a_closed_port_and_an_unknown_name(self, session: LocalSession, tmp_path: Path) -> None:
        _environment(session, "")
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            with pytest.raises(TicketError) as caught:
                _instance(session, tmp_path).ticket_info(f"https://localhost:{port}/p/ad/x", {})
        assert caught.value.reason == "refused"

    def test_silence_ends_in_time(self, session: LocalSession, tmp_path: Path) -> None:
        _environment(session, "")
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(TicketError) as caught:
                _instance(session, tmp_path).ticket_info(
                    f"https://localhost:{silent.getsockname()[1]}/p/ad/x", {}, timeout=0.3
                )
        assert caught.value.reason == "timeout"


@pytest.mark.parametrize(
    "ticket", ["", "CANARY", "http://acme.example.com/p/ad/CANARY", "https://u:CANARY@acme/p/ad/x"]
)
def test_what_is_no_ticket_is_never_asked(session: LocalSession, tmp_path: Path, ticket: str) -> None:
    with pytest.raises(TicketError) as caught:
        _instance(session, tmp_path).ticket_info(ticket, {})
    assert caught.value.reason == "malformed"
    assert "CANARY" not in str(caught.value)
    assert session.round_trips == 0


def test_a_host_without_node_is_asked_for_by_the_jump_box(
    session: LocalSession,
    tenant: Tenant,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tenant.ca))
    _environment(session, "")
    with caplog.at_level("DEBUG"):
        info = _instance(session, tmp_path, node="/nowhere/node").ticket_info(tenant.ticket, {})
    assert info.asked_from == "the jump box"
    assert "CANARY" not in caplog.text


class _Direct:
    """Just enough of a Session for a tunnel that begins on this machine."""

    def tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> Stream:
        return socket.create_connection((address, port), timeout)


def test_https_goes_through_a_tunnel_and_is_verified(tenant: Tenant) -> None:
    backend = TunnelBackend(_Direct())  # type: ignore[arg-type]
    trusted = ssl.create_default_context(cafile=str(tenant.ca))
    with httpcore.ConnectionPool(ssl_context=trusted, network_backend=backend) as pool:
        assert json.loads(pool.request("GET", f"{tenant.ticket}/info").content) == INFO
    with (
        httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool,
        pytest.raises(httpcore.ConnectError) as caught,
    ):
        pool.request("GET", f"{tenant.ticket}/info")
    assert error_word(caught.value) == "CERT"


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("proxy:3128", "http://proxy:3128"),
        (" http://proxy:3128 ", "http://proxy:3128"),
        ("https://proxy", "https://proxy"),
        ("", None),
        (None, None),
        (3128, None),
    ],
)
def test_proxies_are_written_in_several_ways(named: object, url: str | None) -> None:
    assert proxy_url(named) == url


class TestAnswers:
    @pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b"null", b"\xff", b'{"connectionName"'])
    def test_a_portals_page_is_not_taken_for_the_tenant(self, data: bytes) -> None:
        with pytest.raises(TicketError) as caught:
            parse_ticket_info(data, "node on fir")
        assert caught.value.reason == "answer"

    def test_a_tenant_without_thumbprints(self) -> None:
        info = parse_ticket_info(b'{"connectionName": "corp"}', "node on fir")
        assert info.thumbprints == ()
        assert info.realm is None

    @pytest.mark.parametrize(
        ("status", "reason"), [(404, "not_found"), (407, "proxy"), (302, "answer"), (503, "answer")]
    )
    def test_statuses(self, status: int, reason: str) -> None:
        with pytest.raises(TicketError) as caught:
            judge_answer(status, b"CANARY", "fir", "node on fir")
        assert caught.value.reason == reason
        assert "CANARY" not in str(caught.value)

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            ("ENOTFOUND", "dns"),
            ("EAI_AGAIN", "dns"),
            ("ECONNREFUSED", "refused"),
            ("TIMEOUT", "timeout"),
            ("CERT_HAS_EXPIRED", "tls"),
            ("DEPTH_ZERO_SELF_SIGNED_CERT", "tls"),
            ("UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls"),
            ("ERR_TLS_CERT_ALTNAME_INVALID", "tls"),
            ("PROXY", "proxy"),
            ("https://x/CANARY", "other"),
        ],
    )
    def test_every_failure_has_a_remedy(self, code: str, reason: str) -> None:
        error = transport_error(code, "fir", "node on fir")
        assert error.reason == reason
        assert error.remedy
        assert "CANARY" not in str(error)
