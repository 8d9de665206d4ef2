"""Connecting to a Windows host by PowerShell remoting."""

from __future__ import annotations

import logging

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.errors import AuthenticationFailed, RemoteError, SecretKind
from tui.remote.limits import handshake_slot
from tui.remote.redaction import quiet_libraries
from tui.remote.windows.certificate_trust import TlsTrust, decide_trust
from tui.remote.windows.endpoint import Endpoint
from tui.remote.windows.winrm_errors import Listener
from tui.remote.windows.winrm_login import Credentials, check_method, credentials, password_needed, show_certificate
from tui.remote.windows.winrm_session import WinrmSession
from tui.remote.windows.winrm_transport import ANSWER_SECONDS, CONNECT_SECONDS, WinrmTransport


def connect_winrm(host: Host, access: Access) -> WinrmSession:
    """A session with `host`; see `open_session`. The certificate is judged before the password is even asked for."""
    quiet_libraries()
    # It logs the traceback of every time-out, which is told to the operator in words.
    logging.getLogger("pypsrp.wsman").setLevel(logging.CRITICAL)
    method = check_method(host)
    endpoint = Endpoint(host.name, host.address, host.port)
    with handshake_slot(host.address, host.port):
        trust = _trust(host, access, endpoint)
        login = credentials(host, access, method)
        if method == "certificate" and trust is not None:
            show_certificate(trust.context, host, access)
        return _open(host, access, endpoint, trust, login)


def _trust(host: Host, access: Access, endpoint: Endpoint) -> TlsTrust | None:
    if host.tls:
        return decide_trust(endpoint, ca_file=host.ca_file, known=access.known_certificates)
    endpoint.connect().close()
    return None


def _open(host: Host, access: Access, endpoint: Endpoint, trust: TlsTrust | None, login: Credentials) -> WinrmSession:
    transport = WinrmTransport(
        host.address,
        host.port,
        ssl=host.tls,
        encryption="auto" if host.tls else "always",
        no_proxy=True,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        reconnection_retries=0,
        reconnection_backoff=0.0,
        trust=trust,
        **login.options(),
    )
    password = login.password

    def refuse() -> None:
        if password is not None:
            access.secrets.refuse(host.name, SecretKind.PASSWORD, password)

    session = WinrmSession(Listener(endpoint, login.shown, login.method, host.tls), transport, refuse=refuse)
    try:
        session.open()
    except RemoteError as error:
        session.close()
        if isinstance(error, AuthenticationFailed) and login.method == "kerberos" and not password and host.user:
            # There was no ticket to log in with; a password gets one.
            raise password_needed(host) from None
        raise
    return session
