"""A mixed cluster as the core would tell of it: the third host runs Windows and is reached by WinRM."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from datetime import timedelta
from typing import Any

from tests.snapshots import fixture_data as data
from tests.snapshots.fixture_operations import FixtureOperations
from tui.app import AdldapHaApp
from tui.cluster import Cluster, Host
from tui.connector.model import Install
from tui.connector.site_keys import site_findings, site_proposals
from tui.remote.errors import CertificateRefused, CertificateUnknown, RightsLacking
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey
from tui.widgets.stage import Stage

DIRECTORY = r"C:\Program Files (x86)\Auth0\AD LDAP Connector"
FINGERPRINT = ":".join(data.SHA["config.json"][place : place + 2].upper() for place in range(0, 64, 2))
ACCOUNT = r"CORP\svc-deploy"
RIGHTS = RightsLacking(
    "this account's rights are filtered by UAC: it is an administrator, but not in this session",
    host=data.THIRD,
    tried="asked the host what the session may do",
    meaning="services and the connector's files cannot be changed with it",
    remedy="use a domain account, or set LocalAccountTokenFilterPolicy to 1 on the host, then press r",
)
EXPIRED = CertificateRefused(
    "the certificate of ldap-ams-01.corp.example.com port 5986 has expired",
    host=data.THIRD,
    tried="a TLS handshake, which showed a certificate that was valid until 2026-10-31",
    meaning="nobody can say who shows an expired certificate; no credentials were sent",
    remedy="give the listener a valid certificate, then press r",
)


def windows_host(**keys: Any) -> Host:
    """The third host, on Windows."""
    address = "ldap-ams-01.corp.example.com"
    return Host.model_validate({"name": data.THIRD, "address": address, "transport": "winrm", "user": ACCOUNT, **keys})


def cluster() -> Cluster:
    """Two Linux hosts and a Windows one."""
    usual = data.cluster()
    return usual.model_copy(update={"hosts": (*usual.hosts[:2], windows_host())})


def install() -> Install:
    """Where the installer puts it."""
    return data.install().model_copy(
        update={
            "os": "windows",
            "directory": DIRECTORY,
            "found_at": DIRECTORY,
            "owner": r"BUILTIN\Administrators",
            "group": "",
            "node": rf"{DIRECTORY}\node.exe",
            "connector_unit": "Auth0 ADLDAP",
            "admin_unit": "Auth0 ADLDAP Admin",
            "account": "LocalSystem",
            "supervisor": "scm",
        }
    )


def connected() -> Connected:
    """The Windows host, known by its certificate."""
    return Connected(
        host=data.THIRD,
        address=windows_host().address,
        login_user=ACCOUNT,
        becomes=ACCOUNT,
        key_type="certificate",
        fingerprint=FINGERPRINT,
        seconds=0.9,
    )


def certificate_question() -> CertificateUnknown:
    """A listener with a certificate that signed itself."""
    return CertificateUnknown(
        data.THIRD,
        address=windows_host().address,
        port=5986,
        certificate=b"der",
        fingerprint=FINGERPRINT,
        subject="CN=ldap-ams-01.corp.example.com",
        expires=data.NOW + timedelta(days=200),
    )


def survey() -> AdditionalSurvey:
    """Ready, but for a folder that the first host has elsewhere."""
    proposals = site_proposals({"SSL_CA_PATH": "/etc/ssl/corp"}, source=data.install(), target=install(), chosen={})
    changes = tuple(
        each.model_copy(update={"after": re.sub(r"auth0:auth0 0\d+", "ACL of its folder", each.after or "")})
        for each in data.changes()
    )
    return data.additional_survey(data.THIRD).model_copy(
        update={
            "install": install(),
            "findings": tuple(site_findings(proposals)),
            "proposals": proposals,
            "changes": changes,
        }
    )


def first_survey() -> FirstSurvey:
    """A first host on Windows."""
    entries = tuple(
        each.model_copy(
            update={"owner": r"NT AUTHORITY\SYSTEM", "group": "", "mode": 0, "acl": "O:SYD:AI(A;ID;FA;;;SY)"}
        )
        for each in data.entries()
    )
    return data.first_survey().model_copy(update={"install": install(), "entries": entries})


class MixedOperations(FixtureOperations):
    """Fixed answers for the mixed cluster. `asks_certificate`: the Windows host's certificate is not known yet."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = cluster()
        self.asks_certificate = False
        self.additional[data.THIRD] = survey()

    def load(self, name_or_path: str) -> Cluster:
        self.opened = cluster()
        return self.opened

    def connect(self, host: str) -> Connected:
        if host != data.THIRD:
            return super().connect(host)
        self._raise(f"connect {host}")
        if self.asks_certificate:
            raise certificate_question()
        return connected()

    def trust_certificate(self, question: CertificateUnknown) -> None:
        self.asks_certificate = False


def at(stage: Stage, **learned: Any) -> Callable[[AdldapHaApp], None]:
    """Go straight to a stage of the mixed cluster."""

    def go(app: AdldapHaApp) -> None:
        app.begin(cluster())
        app.state.done = set(list(Stage)[: stage.number - 1])
        linux = {name: data.connected(name) for name in (data.FIRST, data.SECOND)}
        app.state.connected = {**linux, data.THIRD: connected()}
        for name, value in learned.items():
            setattr(app.state, name, copy(value))
        app.go(stage)

    return go
