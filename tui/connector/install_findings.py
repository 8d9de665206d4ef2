"""What is odd about an install and its services, whatever its configuration says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tui.connector.config_keys import is_known
from tui.connector.layouts import layout_findings
from tui.connector.model import Install, Layout, Role, Service
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
    found = []
    if install.connector_unit is None:
        found.append(
            Finding(
                id="no-connector-unit",
                severity=Severity.BLOCKER,
                summary=f"no systemd unit runs the connector in {install.directory}",
                evidence=(_SUPERVISED.get(install.supervisor, f"{install.supervisor} runs it"),),
                remedy="make a systemd unit for it (WorkingDirectory= the install directory, ExecStart= its node with "
                f"server.js, User={install.owner}, Restart=always), or name it as connector_unit in the cluster file",
            )
        )
    if install.admin_unit is None:
        found.append(
            Finding(
                id="no-admin-unit",
                severity=Severity.NOTE,
                summary="no systemd unit runs the admin console; nothing here needs it",
            )
        )
    return found


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
    found = []
    if service.state == "masked":
        found.append(
            Finding(
                id="service-masked",
                severity=Severity.BLOCKER,
                summary=f"{service.unit} is masked: it cannot be started",
                remedy=f"find out who masked it and why; then `systemctl unmask {service.unit}`",
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
    if service.enabled is False and service.state != "masked":
        found.append(
            Finding(
                id="service-not-enabled",
                severity=Severity.WARNING,
                summary=f"{service.unit} does not start when the host boots",
                remedy=f"run `systemctl enable {service.unit}` on the host",
            )
        )
    return found


def _connector_findings(service: Service, configured: bool) -> list[Finding]:
    found = []
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
                remedy=f"read `journalctl -u {service.unit} -n 50`",
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
                remedy="move that pair into certs/ and remove the variables from the unit",
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
