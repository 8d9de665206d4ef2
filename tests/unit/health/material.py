"""Observations of a healthy instance, and how to spoil them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.unit.connector.material import config, configuration_set
from tui.connector.configuration_set import set_certificate, set_findings
from tui.connector.log import read_log
from tui.connector.model import ConfigurationSet, HostFacts, Install, Layout, Role, Service, TicketInfo
from tui.health.observation import Observation

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)

CONNECTED = """\
[2026-11-23 11:00:00] STARTING AD-LDAP CONNECTOR
[2026-11-23 11:00:01] Certificates already exist, skipping certificate generation.
[2026-11-23 11:00:02] auth0: Agent accepted.
[2026-11-23 11:00:03] latency test took avg: 12 ms, max: 20 ms, min: 8 ms
"""
CONNECTING = "[2026-11-23 11:59:00] STARTING AD-LDAP CONNECTOR\n"
REJECTED = CONNECTING + "[2026-11-23 11:59:02] auth0: Agent rejected.\n"
BAD_DECRYPT = CONNECTING + "[2026-11-23 11:59:02] error:1C800064:Provider routines::bad decrypt\n"


def files(**more: object) -> ConfigurationSet:
    """A healthy set whose config.json has these values besides; None leaves a key out."""
    return configuration_set(json.dumps(config(**more)).encode())


def service(role: Role = Role.CONNECTOR, state: str = "running", **more: object) -> Service:
    """A unit that has been up for an hour."""
    values: dict[str, object] = {
        "role": role,
        "unit": f"auth0-{role.value}.service",
        "state": state,
        "restart_policy": "always",
        "started": NOW - timedelta(hours=1),
        "restarts": 0,
        "main_pid": 4711 if state == "running" else None,
    }
    return Service.model_validate({**values, **more})


def facts(**more: object) -> HostFacts:
    """A host that meets the prerequisites."""
    values: dict[str, object] = {
        "os": "Linux",
        "os_name": "Debian GNU/Linux 12",
        "architecture": "x86_64",
        "memory_bytes": 4 << 30,
        "free_bytes": 10 << 30,
        "read_only": False,
        "clock_skew_s": 0.1,
        "selinux": None,
        "hostname": "fir",
    }
    return HostFacts.model_validate({**values, **more})


def install(version: str = "6.4.1", layout: Layout = Layout.V6) -> Install:
    """A v6 install under /opt."""
    return Install(
        directory="/opt/auth0-adldap",
        found_at="/opt/auth0-adldap",
        layout=layout,
        version=version,
        owner="svc",
        group="svc",
        node="/usr/bin/node",
        connector_unit="auth0-connector.service",
        admin_unit="auth0-admin.service",
        account="svc",
    )


def ticket(*thumbprints: str) -> TicketInfo:
    """What the tenant says; by default it knows the healthy set's certificate."""
    own = set_certificate(files())
    assert own is not None
    return TicketInfo(
        connection="corp",
        domain="acme.example.com",
        hub="wss://acme.example.com/lo/hub",
        realm="urn:auth0:acme",
        kerberos=False,
        certificate_auth=False,
        thumbprints=thumbprints or (own.thumbprint,),
        asked_from="node on fir",
    )


def observation(name: str = "fir", **more: object) -> Observation:
    """A healthy instance; `configuration`, `log` (text), `connector` and any other field may be replaced."""
    configuration = more.pop("configuration", files())
    assert configuration is None or isinstance(configuration, ConfigurationSet)
    text = more.pop("log", CONNECTED)
    connector = more.pop("connector", service())
    admin = service(Role.ADMIN)
    services = {each.role: each for each in (connector, admin) if isinstance(each, Service)}
    made = Observation(
        name=name,
        at=NOW,
        install=install(),
        facts=facts(),
        services=services,
        configuration=configuration,
        certificate=set_certificate(configuration) if configuration else None,
        log=read_log(text) if isinstance(text, str) else None,
        ticket=ticket(),
        findings=tuple(set_findings(configuration, NOW)) if configuration else (),
    )
    return replace(made, **more)  # type: ignore[arg-type]
