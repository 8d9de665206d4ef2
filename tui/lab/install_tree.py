"""Build an install of the connector below any directory: v6, v7-looking or half migrated, configured or not.

The three JavaScript programs are placeholders that real Node can run: each starts the Python stand-in (LAB_PYTHON, LAB_STANDIN).
Nothing of the connector's own code is in them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tui.lab.standin.certificates import encrypt_password, generate_pair, thumbprint

LayoutName = Literal["v6", "v7", "half_migrated"]

STANDIN = Path(__file__).parent / "standin"

_PLACEHOLDER = """'use strict';
// A stand-in for the connector's %(program)s, for tests: it runs the Python stand-in in its place.
const { spawn } = require('child_process');
const path = require('path');
const python = process.env.LAB_PYTHON || 'python3';
const standin = process.env.LAB_STANDIN || '/usr/local/lib/adldap-standin';
const child = spawn(python, [standin, '%(program)s', %(directory)s], { stdio: 'inherit', cwd: %(directory)s });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('error', (error) => { console.error(error.message); process.exit(127); });
child.on('exit', (code, signal) => process.exit(signal ? 0 : code));
"""

PROFILE_MAPPER = b"""// Maps a directory entry to a user profile.
module.exports = function (raw) {
  return { id: raw.objectGUID, name: raw.displayName, emails: [{ value: raw.mail }], title: raw.title };
};
"""


@dataclass(frozen=True)
class Connection:
    """What a configured connector is configured for. Strings as in config.json; `bind_password` is in clear."""

    ticket: str
    hub: str
    name: str
    domain: str
    realm: str
    ldap_url: str
    ldap_base: str
    bind_user: str
    bind_password: str = field(repr=False)
    session_secret: str = field(repr=False, default="a1b2c3d4567")
    server_url: str = "http://fir:4000"


@dataclass(frozen=True)
class MadeSet:
    """The files of a configuration set, made up: relative path to bytes."""

    files: Mapping[str, bytes] = field(repr=False)

    @property
    def thumbprint(self) -> str:
        """Of the certificate in the set."""
        return thumbprint(self.files["certs/cert.pem"])


def configured_set(connection: Connection, *, encrypted: bool = True, days: int = 365) -> MadeSet:
    """A v6 configuration set for `connection` with a new pair, valid for `days` from now, as a running connector keeps it."""
    certificate, key = generate_pair(f"{connection.name}.fir", days=days)
    config: dict[str, object] = {
        "PROVISIONING_TICKET": connection.ticket,
        "LDAP_URL": connection.ldap_url,
        "LDAP_BASE": connection.ldap_base,
        "LDAP_BIND_USER": connection.bind_user,
        "PORT": 4000,
        "SERVER_URL": connection.server_url,
        "SESSION_SECRET": connection.session_secret,
        "SITE_NAME": "Lab",
        "LDAP_SEARCH_QUERY": "(&(objectClass=person)(anr={0}))",
        "LDAP_SEARCH_ALL_QUERY": "(objectClass=person)",
        "LDAP_USER_BY_NAME": "(sAMAccountName={0})",
        "LDAP_SEARCH_GROUPS": "(member:1.2.840.113556.1.4.1941:={0})",
        "AD_HUB": connection.hub,
        "CONNECTION": connection.name,
        "CLIENT_CERT_AUTH": False,
        "KERBEROS_AUTH": False,
        "REALM": connection.realm,
        connection.realm: f"https://{connection.domain}/login/callback",
        "WSFED_ISSUER": connection.domain,
        "ANONYMOUS_SEARCH_ENABLED": False,
    }
    if encrypted:
        config["LDAP_BIND_CREDENTIALS"] = encrypt_password(connection.bind_password, key)
        config["LAST_SENT_THUMBPRINT"] = thumbprint(certificate)
    else:
        config["LDAP_BIND_PASSWORD"] = connection.bind_password
    return MadeSet(
        {
            "config.json": json.dumps(config, indent=2).encode() + b"\n",
            "lib/profileMapper.js": PROFILE_MAPPER,
            "certs/cert.pem": certificate,
            "certs/cert.key": key,
        }
    )


def build_install(
    directory: Path,
    *,
    layout: LayoutName = "v6",
    version: str = "6.4.1",
    configured: MadeSet | None = None,
    certs_folder: bool = True,
) -> Path:
    """Create an install at `directory` (its parents too) and return it.

    Without `configured` it waits for import: no config.json and, unless `certs_folder`, no certs/ folder either.
    """
    directory.mkdir(parents=True)
    for relative, text in _program_files(layout, version).items():
        _write(directory / relative, text.encode(), 0o644)
    data = directory / "data" if layout == "v7" else directory
    if certs_folder or configured:
        (data / "certs").mkdir(parents=True, exist_ok=True)
    for relative, content in (configured.files if configured else {}).items():
        target = data / ("profileMapper/custom.js" if layout == "v7" and "lib/" in relative else relative)
        _write(target, content, 0o600 if relative == "config.json" else 0o644)
    return directory


def _program_files(layout: LayoutName, version: str) -> dict[str, str]:
    package = {"name": "ad-ldap-connector", "version": version, "private": True}
    files = {
        "package.json": json.dumps(package, indent=2) + "\n",
        "server.js": _PLACEHOLDER % {"program": "connector", "directory": "__dirname"},
        "admin/server.js": _PLACEHOLDER % {"program": "console", "directory": "path.dirname(__dirname)"},
        "troubleshoot.js": _PLACEHOLDER % {"program": "troubleshoot", "directory": "__dirname"},
        "lib/profileMapper.js": PROFILE_MAPPER.decode(),
    }
    if layout == "v6":
        marks = ["lib/initConf.js", "connector-setup/index.js"]
    else:
        marks = ["lib/secureStorage.js", "setup/migrateData.js"]
    return files | dict.fromkeys(marks, "'use strict';\n")


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
