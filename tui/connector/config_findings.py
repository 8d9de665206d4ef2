"""What a configuration says that an operator should know before it is copied to other hosts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from tui.connector import config_keys
from tui.findings import Finding, Severity


def _warn(id: str, summary: str, remedy: str, *evidence: str) -> Finding:
    return Finding(id=id, severity=Severity.WARNING, summary=summary, evidence=evidence, remedy=remedy)


def is_true(value: object) -> bool:
    """Whether the connector reads a value as true: `true` itself or the word."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def config_findings(values: Mapping[str, object]) -> list[Finding]:
    """Every problem and oddity of a parsed config.json, secrets never named by value."""
    return [*_ticket(values), *_directory(values), *_risks(values), *_site(values)]


def _ticket(values: Mapping[str, object]) -> list[Finding]:
    if not config_keys.is_configured(values):
        return [
            Finding(
                id="not-configured",
                severity=Severity.BLOCKER,
                summary="config.json names no PROVISIONING_TICKET: the connector is not configured",
                remedy="finish the set-up of this connector with the ticket of its connection",
            )
        ]
    problem = ticket_problem(str(values[config_keys.TICKET]))
    if not problem:
        return []
    return [
        Finding(
            id="ticket-malformed",
            severity=Severity.BLOCKER,
            summary=f"the PROVISIONING_TICKET is not one that this program knows: {problem}",
            remedy="copy the ticket URL again from the connection's settings in the Auth0 dashboard",
        )
    ]


def ticket_problem(ticket: str) -> str | None:
    """What is wrong with a ticket as a URL, without repeating it; None when it looks right."""
    try:
        parts = urlsplit(ticket.strip())
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme != "https":
        return "it is not an https URL"
    if not host:
        return "it names no host"
    if parts.username or parts.query or parts.fragment:
        return "it carries more than a host and a path"
    return "it has no path" if not parts.path.strip("/") else None


def _directory(values: Mapping[str, object]) -> list[Finding]:
    found = []
    url = values.get("LDAP_URL")
    if not isinstance(url, str) or not url.strip():
        found.append(
            Finding(
                id="ldap-url-missing",
                severity=Severity.BLOCKER,
                summary="config.json names no LDAP_URL",
                remedy="set the directory's URL in the first connector's admin console",
            )
        )
    else:
        found.extend(_ldap_url(url))
    anonymous = is_true(values.get("ANONYMOUS_SEARCH_ENABLED"))
    if anonymous:
        found.append(
            _warn(
                "anonymous-search",
                "the directory answers anonymous searches",
                "verify the bind password with a login; better, switch anonymous search off in the directory",
                "a wrong bind password does not show in the troubleshooter, because it finds users all the same",
            )
        )
    if not anonymous and not values.get(config_keys.CREDENTIALS) and not values.get(config_keys.PASSWORD):
        found.append(
            _warn(
                "no-bind-password",
                "config.json holds no LDAP bind password",
                "enter the account and its password in the first connector's admin console",
            )
        )
    return found


def _ldap_url(url: str) -> list[Finding]:
    try:
        parts = urlsplit(url.strip())
        scheme, port = parts.scheme.lower(), parts.port
    except ValueError:
        scheme, port = "", None
    if scheme not in ("ldap", "ldaps"):
        return [
            _warn("ldap-url-malformed", "LDAP_URL is no ldap:// or ldaps:// URL", "correct it in the admin console")
        ]
    if scheme == "ldap" and port == 636:
        return [
            _warn(
                "ldap-url-port",
                "LDAP_URL says ldap:// with port 636, which speaks TLS only",
                "use ldaps:// with port 636, or ldap:// with port 389",
            )
        ]
    return []


def _risks(values: Mapping[str, object]) -> list[Finding]:
    found = []
    if values.get(config_keys.PASSWORD):
        found.append(
            _warn(
                "plaintext-password",
                "the LDAP password still lies in config.json in plain text",
                "restart the first connector once: it encrypts the password at start",
            )
        )
    if values.get("KERBEROS_DEBUG_USER"):
        found.append(
            _warn(
                "kerberos-debug-user",
                "KERBEROS_DEBUG_USER is set: every Kerberos login becomes that user",
                "remove the key from config.json and restart the connector",
            )
        )
    if values.get("PROFILE_MAPPER"):
        found.append(
            _warn(
                "profile-mapper-in-config",
                "config.json holds PROFILE_MAPPER: code that the connector evaluates",
                "read it; move it to lib/profileMapper.js and remove the key",
            )
        )
    if str(values.get("NODE_TLS_REJECT_UNAUTHORIZED", "")).strip() == "0":
        found.append(
            _warn(
                "tls-verification-off",
                "NODE_TLS_REJECT_UNAUTHORIZED=0: the connector accepts any certificate",
                "remove it and trust the missing CA instead (NODE_EXTRA_CA_CERTS)",
            )
        )
    if values.get("SESSION_SECRET", config_keys.PUBLIC_SESSION_SECRET) == config_keys.PUBLIC_SESSION_SECRET:
        found.append(
            _warn(
                "session-secret-public",
                "SESSION_SECRET is the public default: anybody can forge the connector's session cookies",
                "set a random SESSION_SECRET on the first host, the same on every host",
            )
        )
    return found


def _site(values: Mapping[str, object]) -> list[Finding]:
    found = []
    faces_users = is_true(values.get("KERBEROS_AUTH")) or is_true(values.get("CLIENT_CERT_AUTH"))
    if faces_users:
        found.append(
            _warn(
                "server-url-shared",
                "Kerberos or client certificates are on, so users reach the connectors at SERVER_URL",
                "put the instances behind a load balancer and set SERVER_URL to its address before copying the set",
                f"SERVER_URL: {config_keys.mask_url(str(values.get('SERVER_URL', 'not set')))}",
            )
        )
    local = [key for key in ("PROFILE_MAPPER_FILE", "SSL_CA_FILE", "SSL_CA_PATH") if values.get(key)]
    if local:
        found.append(
            _warn(
                "files-outside-the-set",
                f"{', '.join(local)} name{'s' if len(local) == 1 else ''} files that are not part of the set",
                "make sure that each additional host has those files at the same place",
            )
        )
    replaced = [key for key in ("AUTH_CERT_KEY", "AUTH_CERT") if values.get(key)]
    if replaced:
        found.append(
            _warn(
                "certificate-in-config",
                f"{', '.join(replaced)} in config.json replaces the files in certs/",
                "move the pair into certs/ and remove the keys, so that one pair is in use",
            )
        )
    if is_true(values.get("FIREWALL_RULE_CREATED")):
        found.append(
            Finding(
                id="firewall-rule-created",
                severity=Severity.NOTE,
                summary="FIREWALL_RULE_CREATED is not copied: on a clone it would suppress that host's own rule",
            )
        )
    return found
