"""Asking the tenant, by the ticket, what it knows of the connection. Only ever `GET <ticket>/info`: a POST publishes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tui.connector.config_findings import is_true, ticket_problem
from tui.connector.errors import TicketError
from tui.connector.model import Install, TicketInfo
from tui.connector.scripts import load
from tui.connector.unit_environment import UnitEnvironment, as_input
from tui.remote.session import Session

_FOR_NODE = ("PATH", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF")
_NO_PROGRAM = 127
_MARGIN = 10.0


def ask_ticket(
    session: Session,
    install: Install,
    environment: UnitEnvironment,
    ticket: str,
    config: Mapping[str, object],
    timeout: float,
) -> TicketInfo:
    """Ask from the host with the unit's own node, as the service account, in the unit's environment.

    A host without node is passed by: the jump box asks, then the same through a tunnel. Raises TicketError.
    """
    refuse_malformed(ticket, session.host)
    unit = environment.values()
    proxy = proxy_url(unit.get("HTTP_PROXY") or config.get("HTTP_PROXY"))
    payload = node_order(ticket, config, proxy, timeout)
    variables = {name: unit[name] for name in _FOR_NODE if name in unit}
    answer = session.run(
        load("with_environment.sh"),
        [install.directory, install.node, "-e", load("ticket_info.js")],
        stdin=as_input(variables) + json.dumps(payload).encode(),
        user=install.account,
        timeout=timeout + _MARGIN,
        expect=None,
    )
    if answer.exit_status == _NO_PROGRAM and not answer.stdout.strip():
        from tui.connector.ticket_without_node import ask_without_node

        return ask_without_node(session, ticket, proxy, timeout)
    return node_answer(answer.stdout, session.host)


def refuse_malformed(ticket: str, host: str) -> None:
    """Raise TicketError when `ticket` is none."""
    if problem := ticket_problem(ticket):
        raise TicketError(
            f"the ticket cannot be asked: {problem}",
            reason="malformed",
            host=host,
            remedy="copy the ticket URL again from the connection's settings in the Auth0 dashboard",
        )


def node_order(ticket: str, config: Mapping[str, object], proxy: str | None, timeout: float) -> dict[str, object]:
    """What ticket_info.js reads on its standard input. It holds the ticket."""
    return {
        "url": info_url(ticket),
        "proxy": proxy,
        "ca": [str(config[key]) for key in ("SSL_CA_FILE", "SSL_CA_PATH") if config.get(key)],
        "timeout": int(timeout * 1000),
    }


def proxy_url(named: object) -> str | None:
    """The value of HTTP_PROXY as a URL, None when there is none; one without a scheme is an http proxy."""
    if not isinstance(named, str) or not named.strip():
        return None
    return named.strip() if "://" in named else f"http://{named.strip()}"


def info_url(ticket: str) -> str:
    """The read-only address of a ticket."""
    return f"{ticket.strip().rstrip('/')}/info"


def node_answer(output: bytes, host: str) -> TicketInfo:
    """What ticket_info.js said on `host`. Raises TicketError."""
    asked_from = f"node on {host}"
    lines = output.decode("utf-8", "replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1])
        error, status, body = answer.get("error"), answer.get("status"), answer.get("body")
    except (IndexError, ValueError, AttributeError):
        raise TicketError(
            "the host's node gave no answer",
            reason="other",
            host=host,
            tried=f"GET <ticket>/info with {asked_from}",
            remedy="check that node runs on that host (`node --version`)",
        ) from None
    if error:
        raise transport_error(str(error), host, asked_from)
    return judge_answer(int(status or 0), str(body).encode(), host, asked_from)


def judge_answer(status: int, body: bytes, host: str, asked_from: str) -> TicketInfo:
    """What an HTTP answer of the tenant means. Raises TicketError."""
    tried = f"GET <ticket>/info with {asked_from}"
    if status == 200:
        return parse_ticket_info(body, asked_from, host=host)
    if status == 404:
        raise TicketError(
            "the tenant does not know this ticket",
            reason="not_found",
            host=host,
            tried=tried,
            meaning="the connection was deleted, or its ticket was replaced",
            remedy="compare the ticket with the connection's settings in the Auth0 dashboard",
        )
    if status == 407:
        raise transport_error("PROXY", host, asked_from)
    raise TicketError(
        f"the tenant answered with status {status}",
        reason="answer",
        host=host,
        tried=tried,
        meaning="a proxy may have answered instead of the tenant"
        if status < 500
        else "the tenant has a problem of its own",
        remedy="retry in a minute; look at the proxy, and at the Auth0 status page",
    )


_EXPLAINED: dict[str, tuple[str, str, str]] = {
    "tls": (
        "the tenant's certificate is not trusted there",
        "a proxy that inspects TLS, or a missing root certificate (ISRG X1/X2)",
        "make that CA known to node on the host: NODE_EXTRA_CA_CERTS in the environment of the connector's service",
    ),
    "dns": (
        "the tenant's name cannot be resolved there",
        "DNS on that host does not know the tenant",
        "correct DNS on the host, or set HTTP_PROXY in the connector's configuration",
    ),
    "refused": (
        "the tenant cannot be reached from there",
        "a firewall or the route stands between that host and port 443 of the tenant",
        "open outbound 443 to the tenant for that host",
    ),
    "timeout": (
        "the tenant did not answer in time",
        "a firewall drops the packets, or the network is very slow",
        "open outbound 443 to the tenant for that host, or correct HTTP_PROXY",
    ),
    "proxy": (
        "the proxy refused to pass the request on",
        "HTTP_PROXY names a proxy that demands a login or forbids the tenant",
        "correct HTTP_PROXY in the connector's configuration, or allow the tenant on the proxy",
    ),
}
_CODES = {
    "ENOTFOUND": "dns",
    "EAI_AGAIN": "dns",
    "ECONNREFUSED": "refused",
    "ECONNRESET": "refused",
    "EHOSTUNREACH": "refused",
    "ENETUNREACH": "refused",
    "EPIPE": "refused",
    "ETIMEDOUT": "timeout",
    "TIMEOUT": "timeout",
    "PROXY": "proxy",
}
_TLS_WORDS = ("CERT", "SSL", "TLS", "SELF_SIGNED", "UNABLE_TO_VERIFY", "UNABLE_TO_GET", "EPROTO", "ALTNAME")


def transport_error(code: str, host: str, asked_from: str) -> TicketError:
    """The error for a code of node's (`ENOTFOUND`, `CERT_HAS_EXPIRED`, …), or for one of our words."""
    upper = code.upper()
    reason = _CODES.get(upper) or ("tls" if any(word in upper for word in _TLS_WORDS) else "other")
    tried = f"GET <ticket>/info with {asked_from}"
    if reason == "other":
        word = upper if upper.replace("_", "").isalnum() and len(upper) < 50 else "unknown"
        return TicketError(
            f"the tenant could not be asked ({word})",
            reason=reason,
            host=host,
            tried=tried,
            remedy="check the way from that host to the tenant: DNS, port 443, proxy",
        )
    summary, meaning, remedy = _EXPLAINED[reason]
    return TicketError(summary, reason=reason, host=host, tried=f"{tried} ({upper})", meaning=meaning, remedy=remedy)


def parse_ticket_info(data: bytes, asked_from: str, *, host: str | None = None) -> TicketInfo:
    """The JSON that `GET <ticket>/info` answers with. Raises TicketError when it is something else."""
    try:
        values = json.loads(data.decode("utf-8-sig"))
        connection = values["connectionName"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TicketError(
            "the answer is not what a tenant says about a ticket",
            reason="answer",
            host=host,
            tried=f"GET <ticket>/info with {asked_from}",
            meaning="a proxy or a captive portal answered instead of the tenant",
            remedy="check the way from that host to the tenant: DNS, proxy",
        ) from None
    prints = values.get("thumbprints")
    realm = values.get("realm")
    return TicketInfo(
        connection=str(connection),
        domain=str(values.get("connectionDomain") or ""),
        hub=str(values.get("adHub") or ""),
        realm=_realm_name(realm),
        kerberos=is_true(values.get("kerberos")),
        certificate_auth=is_true(values.get("certAuth")),
        thumbprints=tuple(normal_thumbprint(str(each)) for each in prints) if isinstance(prints, list) else (),
        asked_from=asked_from,
    )


def _realm_name(realm: object) -> str | None:
    if isinstance(realm, Mapping):
        realm = realm.get("name")
    return realm if isinstance(realm, str) and realm else None


def normal_thumbprint(text: str) -> str:
    """A thumbprint in this program's form: lower-case hex without separators."""
    return text.replace(":", "").replace(" ", "").strip().lower()
