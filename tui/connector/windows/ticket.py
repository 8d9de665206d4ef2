"""Asking the tenant, by the ticket, what it knows of the connection: from a Windows host, with its own node."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import SecretStr

from tui.connector.model import Install, TicketInfo
from tui.connector.scripts import load
from tui.connector.ticket import node_answer, node_order, proxy_url, refuse_malformed, transport_error
from tui.connector.windows.programs import run_node
from tui.connector.windows.script_calls import text_of
from tui.remote.windows_session import WindowsSession

_MARGIN = 5.0


def ask_ticket(
    session: WindowsSession, install: Install, ticket: str, config: Mapping[str, object], timeout: float
) -> TicketInfo:
    """Ask from the host with its own node in the service's environment; a host without one is asked for by the jump box.

    Raises TicketError.
    """
    refuse_malformed(ticket, session.host)
    order = node_order(ticket, config, proxy_url(config.get("HTTP_PROXY")), timeout) | {"environment": True}
    payload = json.dumps({"code": load("ticket_info.js"), "input": json.dumps(order)})
    loader = text_of("node_stdin.js").strip()
    ended = run_node(session, install, ["-e", loader], timeout + _MARGIN, SecretStr(payload))
    if ended.missing:
        from tui.connector.ticket_without_node import ask_from_here

        return ask_from_here(session.host, ticket, timeout)
    if ended.timed_out:
        raise transport_error("TIMEOUT", session.host, f"node on {session.host}")
    return node_answer(ended.stdout, session.host)
