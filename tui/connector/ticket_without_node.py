"""Asking the ticket for a host that has no node: from the jump box, or else through a tunnel to the host's own network."""

from __future__ import annotations

import logging
import ssl

import httpx

from tui.connector.errors import TicketError
from tui.connector.model import TicketInfo
from tui.connector.ticket import info_url, judge_answer, transport_error
from tui.remote.session import Session

_HEADERS = {"Accept": "application/json", "User-Agent": "adldap-ha"}
_LIMIT = 1 << 20


def ask_without_node(session: Session, ticket: str, proxy: str | None, timeout: float) -> TicketInfo:
    """Ask from here; when the tenant cannot be reached from here, through a tunnel (unless a proxy stands between).

    Raises TicketError: the jump box's own failure when the tunnel fails as well.
    """
    try:
        return ask_from_here(session.host, ticket, timeout)
    except TicketError as error:
        if error.reason in ("not_found", "answer", "tls") or proxy:
            raise
        try:
            return _through_tunnel(session, ticket, timeout)
        except TicketError as second:
            raise (second if second.reason in ("not_found", "answer", "tls") else error) from None


def _keep_quiet() -> None:
    # httpx logs every address that it asks, and this one is a secret.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _trust() -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def ask_from_here(host: str, ticket: str, timeout: float) -> TicketInfo:
    """Ask from the jump box in the place of `host`. Raises TicketError."""
    _keep_quiet()
    asked_from = "the jump box"
    try:
        with httpx.Client(verify=_trust(), timeout=timeout, follow_redirects=False, headers=_HEADERS) as client:
            answer = client.get(info_url(ticket))
            return judge_answer(answer.status_code, answer.content[:_LIMIT], host, asked_from)
    except httpx.HTTPError as error:
        raise transport_error(error_word(error), host, asked_from) from None


def _through_tunnel(session: Session, ticket: str, timeout: float) -> TicketInfo:
    import httpcore

    from tui.connector.tunnel_http import TunnelBackend

    asked_from = f"the jump box through {session.host}"
    limits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    try:
        with httpcore.ConnectionPool(ssl_context=_trust(), network_backend=TunnelBackend(session)) as pool:
            answer = pool.request(
                "GET", info_url(ticket), headers=list(_HEADERS.items()), extensions={"timeout": limits}
            )
            return judge_answer(answer.status, answer.content[:_LIMIT], session.host, asked_from)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise transport_error(error_word(error), session.host, asked_from) from None


def error_word(error: Exception) -> str:
    """One word for an HTTP client's error, as node would have named it."""
    text = f"{type(error).__name__} {error}".lower()
    for words, code in (
        (("certificate", "ssl", "tls"), "CERT"),
        (("name or service", "name resolution", "getaddrinfo", "nodename"), "ENOTFOUND"),
        (("timeout", "timed out"), "TIMEOUT"),
        (("proxy",), "PROXY"),
        (("connect", "refused", "reset", "unreachable", "network", "read", "write"), "ECONNREFUSED"),
    ):
        if any(word in text for word in words):
            return code
    return "OTHER"
