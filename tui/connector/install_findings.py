"""What is odd about an install and its services, whatever its configuration says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tui.connector.config_keys import is_known
from tui.connector.layouts import layout_findings
from tui.connector.model import HostFacts, Install, Layout, Role, Service
from tui.connector.service_words import service_words
from tui.findings import Finding, Severity

ADVISORIES = ("CVE-2026-85982", "CVE-2026-85983")
LAST_AFFECTED = (6, 5, 0)

_SUPERVISED = {
    "pm2": "pm2 runs it: remove it there (`pm2 delete`, `pm2 save`)",
    "upstart": "upstart starts it: remove its file from /etc/init",
    "sysv": "an init script starts it: remove that from /etc/init.d",
    "none": "nothing starts it when the host boots",
}


def install_findings(install: Install) -> list[Finding]:
    """Layout, version and supervision of an install."""
    return [*layout_findings(install.layout), *_supervision(install), *version_findings(install)]


def _supervision(install: Install) -> list[Finding]:
    found, kind = [], service_words(install.os).kind
    if install.connector_unit is None:
        found.append(
            Finding(
                id="no-connector-unit",
                severity=Severity.BLOCKER,
                summary=f"no {kind} runs the connector in {install.directory}",
                evidence=(_SUPERVISED.get(install.supervisor, f"{install.supervisor} runs it"),),
                remedy=_HOW_TO_SUPERVISE[install.os == "windows"].replace("OWNER", install.owner),
            )
        )
    if install.admin_unit is None:
        found.append(
            Finding(
                id="no-admin-unit",
                severity=Severity.NOTE,
                summary=f"no {kind} runs the admin console; nothing here needs it",
            )
        )
    return found


_HOW_TO_SUPERVISE = {
    False: "make a systemd unit for it (WorkingDirectory= the install directory, ExecStart= its node with "
    "server.js, User=OWNER, Restart=always), or name it as connector_unit in the cluster file",
    True: "repair the connector's installation, which makes the services Auth0 ADLDAP and Auth0 ADLDAP Admin, or name its "
    "service as connector_unit in the cluster file",
}


def domain_findings(facts: HostFacts) -> list[Finding]:
    """Which domain a Windows host is joined to; nothing for a Linux host."""
    if facts.os != "windows":
        return []
    if facts.domain:
        return [
            Finding(id="domain", severity=Severity.NOTE, summary=f"the host is joined to the domain {facts.domain}")
        ]
    return [
        Finding(
            id="no-domain",
            severity=Severity.NOTE,
            summary="the host is joined to no domain: Kerberos logins do not work through it, and the troubleshooter's NLTEST fails",
            remedy="join it to the domain, unless its directory is not Active Directory",
        )
    ]


def version_findings(install: Install) -> list[Finding]:
    """Published advisories, and a version that says nothing."""
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", install.version)
    version = tuple(int(number) for number in numbers.groups()) if numbers else None
    if version is None or version == (0, 0, 0):
        return [
            Finding(
                id="version-unknown",
                severity=Severity.NOTE,
                summary=f"the install calls itself version {install.version}, as one made from source does",
                evidence=(f"versions up to 6.5.0 are affected by {', '.join(ADVISORIES)}",),
            )
        ]
    if install.layout is not Layout.V6 or version > LAST_AFFECTED:
        return []
    return [
        Finding(
            id="version-advisory",
            severity=Severity.WARNING,
            summary=f"version {install.version} is affected by critical advisories",
            evidence=ADVISORIES,
            remedy="upgrade every host of the cluster to the same later version, one after another",
        )
    ]


def service_findings(services: Mapping[Role, Service], *, configured: bool) -> list[Finding]:
    """What is wrong with the services of a host. `configured`: its connector has a ticket and ought to run."""
    found: list[Finding] = []
    for service in services.values():
        found += _unit_findings(service)
    connector = services.get(Role.CONNECTOR)
    if connector:
        found += _connector_findings(connector, configured)
    return found


def _unit_findings(service: Service) -> list[Finding]:
    found, words = [], service_words(service.system)
    forbidden = service.state == "masked" or service.forbidden
    if forbidden:
        found.append(
            Finding(
                id="service-masked",
                # What runs goes on running; it cannot come back once it has stopped.
                severity=Severity.WARNING if service.running else Severity.BLOCKER,
                summary=f"{service.unit} is {words.forbidden}: it cannot be started"
                + (" again once it has stopped" if service.running else ""),
                remedy=f"find out who did that and why; then {words.about(words.allow, service.unit)}",
            )
        )
    if service.stale:
        found.append(
            Finding(
                id="unit-changed",
                severity=Severity.WARNING,
                summary=f"the unit file of {service.unit} was changed and not reloaded",
                remedy="run `systemctl daemon-reload` on the host, and look at what changed",
            )
        )
    if service.enabled is False and not forbidden:
        found.append(
            Finding(
                id="service-not-enabled",
                severity=Severity.WARNING,
                summary=f"{service.unit} does not start when the host boots",
                remedy=f"run {words.about(words.start_at_boot, service.unit)} on the host",
            )
        )
    return found


def _account_findings(service: Service) -> list[Finding]:
    """A Windows service under an account that no installer gives it; v6 runs as LocalSystem, v7 as `NT SERVICE\\…`."""
    account = service.user or "LocalSystem"
    usual = account.casefold() in ("localsystem", "nt authority\\system") or account.casefold().startswith(
        "nt service\\"
    )
    if service.system != "windows" or usual:
        return []
    return [
        Finding(
            id="service-account",
            severity=Severity.WARNING,
            summary=f"{service.unit} runs as {account}, not as LocalSystem as the installer leaves it",
            evidence=("its password may expire, and then the service does not start (error 1069)",),
            remedy="see that this account may read the install directory and rewrite config.json",
        )
    ]


def _connector_findings(service: Service, configured: bool) -> list[Finding]:
    found, words = [], service_words(service.system)
    if service.restart_policy and service.restart_policy != "always":
        found.append(
            Finding(
                id="restart-policy",
                severity=Severity.WARNING,
                summary=f"{service.unit} has Restart={service.restart_policy}; the connector needs Restart=always",
                evidence=("several of its failures end with exit status 0, which on-failure does not restart",),
                remedy=f"set Restart=always with `systemctl edit {service.unit}`",
            )
        )
    if service.output and service.output not in ("journal", "inherit", "journal+console"):
        found.append(
            Finding(
                id="log-not-in-journal",
                severity=Severity.WARNING,
                summary=f"{service.unit} writes its log to {service.output}, not to the journal",
                remedy="set StandardOutput=journal, so that the log can be read from outside",
            )
        )
    found += _account_findings(service)
    found += _environment_findings(service)
    if not configured and service.state in ("failed", "crash_loop", "starting"):
        found.append(
            Finding(
                id="waits-for-configuration",
                severity=Severity.NOTE,
                summary=f"{service.unit} is {service.detail or service.state}: normal while the connector is not configured",
            )
        )
    elif configured and service.state in ("failed", "crash_loop"):
        found.append(
            Finding(
                id="service-failed",
                severity=Severity.WARNING,
                summary=f"{service.unit} is {service.detail or service.state}",
                remedy=f"read {words.about(words.read_log, service.unit)}",
            )
        )
    return found


def _environment_findings(service: Service) -> list[Finding]:
    found = []
    names = set(service.environment)
    replaced = sorted(names & {"AUTH_CERT", "AUTH_CERT_KEY"})
    overrides = sorted(name for name in names if is_known(name) and name not in replaced)
    if replaced:
        found.append(
            Finding(
                id="environment-certificate",
                severity=Severity.BLOCKER,
                summary=f"{', '.join(replaced)} in the environment of {service.unit} replaces the files in certs/",
                evidence=("the pair in certs/ is not the one that this instance uses",),
                remedy="move that pair into certs/ and remove the variables from the service",
            )
        )
    if overrides:
        found.append(
            Finding(
                id="environment-overrides",
                severity=Severity.WARNING,
                summary=f"the environment of {service.unit} overrides config.json: {', '.join(overrides)}",
                evidence=("a copy of config.json does not carry these values",),
                remedy="move them into config.json, or set the same on every host",
            )
        )
    if "NODE_TLS_REJECT_UNAUTHORIZED" in names:
        found.append(
            Finding(
                id="environment-tls",
                severity=Severity.WARNING,
                summary=f"{service.unit} sets NODE_TLS_REJECT_UNAUTHORIZED: any certificate may be accepted",
                remedy="remove it and trust the missing CA instead (NODE_EXTRA_CA_CERTS)",
            )
        )
    return found
