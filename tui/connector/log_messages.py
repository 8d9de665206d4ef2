"""The messages of a connector's log that matter: what each means, whether the process survives it, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of line. `ends`: the process exits with it, or can never connect after it (`fatal` in a LogEvent)."""

    kind: str
    pattern: re.Pattern[str]
    meaning: str
    ends: bool = False
    remedy: str | None = None


def _message(kind: str, pattern: str, meaning: str, remedy: str | None = None, *, ends: bool = False) -> Message:
    return Message(kind, re.compile(pattern, re.IGNORECASE), meaning, ends, remedy)


_PAIR = "restore the good key and certificate on every host, then restart the connectors one after another"

MESSAGES: tuple[Message, ...] = (
    _message("start", r"STARTING AD-?LDAP CONNECTOR", "the connector process started"),
    _message(
        "wrong-ticket",
        r"Wrong ticket\b",
        "the tenant does not know the ticket (404): the connection was deleted or its ticket replaced",
        "compare PROVISIONING_TICKET with the connection's settings in the Auth0 dashboard",
        ends=True,
    ),
    _message(
        "auth0-unreachable",
        r"Unable to reach Auth0",
        "the tenant cannot be reached; the process exits with status 2",
        "check DNS, outbound 443 to the tenant, HTTP_PROXY and the root CAs on this host",
        ends=True,
    ),
    _message("loading-settings", r"Loading settings from ticket", "it asks the tenant for its settings"),
    _message(
        "anonymous-search-on", r"Anonymous LDAP search enabled\?\s*yes", "the directory answers anonymous searches"
    ),
    _message("anonymous-search-off", r"Anonymous LDAP search enabled\?\s*no", "the directory demands a bind account"),
    _message("settings-updated", r"Local settings updated", "it rewrote config.json"),
    _message("certificates-exist", r"Certificates already exist", "it keeps the pair in certs/, as every clone must"),
    _message(
        "certificate-generated",
        r"Generating a self-signed certificate",
        "it found no pair and made a new one, which the next line publishes: every other instance is locked out",
        f"stop this connector at once; {_PAIR}",
        ends=True,
    ),
    _message(
        "published", r"Posting certificates and signInEndpoint", "it publishes its certificate: the last writer wins"
    ),
    _message("connection-configured", r"Connection .+ configured\.", "the tenant took its settings"),
    _message("websocket", r"Connected to websocket", "the connection to the hub is open, not yet accepted"),
    _message("accepted", r"Agent accepted", "the tenant accepted this instance; good only if it stays so"),
    _message(
        "rejected",
        r"Agent rejected",
        "the tenant does not accept this instance's certificate; the process exits with status 0",
        f"compare the thumbprint with the tenant's; {_PAIR}",
        ends=True,
    ),
    _message("latency", r"latency test took avg", "the time that a message to the tenant takes"),
    _message(
        "ldap-closed",
        r"Connection to ldap was closed",
        "the directory closed the connection; the process exits with status 1",
        "check that the directory runs and that nothing on the way cuts idle connections",
        ends=True,
    ),
    _message(
        "ldap-heartbeat",
        r"Error on heartbeat response from LDAP",
        "the directory stopped answering; the process exits with status 1",
        "check that the directory runs and can be reached from this host",
        ends=True,
    ),
    _message(
        "ldap-bind",
        r"Error binding to LDAP",
        "the directory refused the bind account; the process exits with status 1 (code 49: wrong account or password)",
        "correct LDAP_BIND_USER and its password on the first host, then give the set to the others again",
        ends=True,
    ),
    _message(
        "clock-skew",
        r"(?<!No )Clock skew detected",
        "the clock is more than 5 seconds off; the process exits with status 1 and will do so again",
        "set the clock by NTP, then restart the connector",
        ends=True,
    ),
    _message(
        "bad-decrypt",
        r"bad decrypt",
        "cert.key is not the one with which the LDAP password was encrypted; the process lives on and never connects",
        "restore cert.key byte for byte from a backup (line ends included), then restart the connector",
        ends=True,
    ),
    _message(
        "unexpected-error",
        r"unexpected error",
        "a login failed in an unforeseen way; the process exits with status 1",
        "look at the lines around it; if it comes again, at the profile mapper",
        ends=True,
    ),
    _message("hub-disconnected", r"websocket deconnected", "no connection to the hub; it retries every 10 seconds"),
    _message(
        "reconnecting", r"Connection closed, reconnecting", "the tenant closed the connection, as it does about daily"
    ),
    _message(
        "network-degraded",
        r"Ping success after failed \d+ pings?",
        "the network to the tenant lost packets for a while",
        "if it comes often, look at the firewall, the proxy and the line",
    ),
    _message("user-error", r"wrong (?:username or )?password|wrong username|account locked", "that user's own affair"),
    _message(
        "unconfigured",
        r"not (?:yet )?(?:been )?configured|(?:missing|no) (?:provisioning )?ticket|ticket (?:is )?(?:not set|missing)",
        "the connector has no ticket and exits at once: normal on a host that waits for its configuration set",
    ),
    _message(
        "start-limit",
        r"Start request repeated too quickly|start-limit-hit",
        "systemd gave up after several quick failures",
        "correct the cause, then start it again (`systemctl reset-failed` first)",
    ),
    _message(
        "process-exited",
        r"Main process exited, code=(?:exited, status=(?!0/|143)\d+|dumped|killed, status=(?:9|6|11)/)",
        "the process ended by itself",
        "look at the lines before it",
        ends=True,
    ),
)


def recognise(line: str) -> Message | None:
    """The kind of a log line, None for every line that does not matter here."""
    for message in MESSAGES:
        if message.pattern.search(line):
            return message
    return None
