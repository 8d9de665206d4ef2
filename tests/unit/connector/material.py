"""Sets, keys and units for the tests of connector knowledge."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tui.connector.bind_password import encrypt
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.remote.session import FileAttributes

TICKET = "https://acme.example.com/p/ad/CANARYticket"
PASSWORD = "CANARY-bind-password-ü"
ATTRIBUTES = FileAttributes(owner="svc", group="svc", mode=0o644)


@cache
def pair(number: int = 0) -> tuple[bytes, bytes]:
    """Certificate and key as PEM with CRLF ends, valid for another 300 days; each `number` gives another pair."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"fir{number or ''}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=65))
        .not_valid_after(now + timedelta(days=300))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return certificate.public_bytes(Encoding.PEM).replace(b"\n", b"\r\n"), pem.replace(b"\n", b"\r\n")


def other_pair() -> tuple[bytes, bytes]:
    """Another certificate and its key."""
    return pair(1)


@cache
def _credentials() -> str:
    return encrypt(PASSWORD, pair()[1])


def config(**more: object) -> dict[str, object]:
    """The parsed config.json of a healthy first host."""
    values: dict[str, object] = {
        "PROVISIONING_TICKET": TICKET,
        "AD_HUB": "wss://acme.example.com/lo/hub",
        "CONNECTION": "corp",
        "REALM": "urn:auth0:acme",
        "LDAP_URL": "ldaps://ldap.corp.example",
        "LDAP_BASE": "dc=corp,dc=example",
        "LDAP_BIND_USER": "cn=svc,dc=corp,dc=example",
        "LDAP_BIND_CREDENTIALS": _credentials(),
        "SESSION_SECRET": "CANARY-session-secret",
        "PORT": 4000,
        "SERVER_URL": "http://fir:4000",
    }
    return {key: value for key, value in {**values, **more}.items() if value is not None}


def configuration_set(config_data: bytes | None = None, **replaced: bytes | None) -> ConfigurationSet:
    """A healthy set. Replace files by `cert`, `key`, `mapper`; None leaves one out."""
    cert, key = pair()
    contents = {
        "config.json": json.dumps(config(), indent=2).encode() if config_data is None else config_data,
        "lib/profileMapper.js": replaced.get("mapper", b"module.exports = function () {};\n"),
        "certs/cert.pem": replaced.get("cert", cert),
        "certs/cert.key": replaced.get("key", key),
    }
    files = {path: SetFile(path, data, ATTRIBUTES) for path, data in contents.items() if data is not None}
    folder = FileAttributes(owner="svc", group="svc", mode=0o755)
    return ConfigurationSet(Layout.V6, "6.4.1", files, {"certs": folder, "lib": folder})


def make_install(directory: Path, *, configured: bool = True, version: str = "6.4.1") -> Path:
    """A v6 install tree."""
    for folder in ("lib", "admin", "connector-setup"):
        (directory / folder).mkdir(parents=True)
    (directory / "lib/initConf.js").write_text("// stand-in\n")
    (directory / "lib/profileMapper.js").write_text("module.exports = function () {};\n")
    (directory / "server.js").write_text("// stand-in\n")
    (directory / "admin/server.js").write_text("// stand-in\n")
    (directory / "package.json").write_text(json.dumps({"name": "ad-ldap-connector", "version": version}, indent=2))
    if configured:
        cert, key = pair()
        (directory / "certs").mkdir()
        (directory / "certs/cert.pem").write_bytes(cert)
        (directory / "certs/cert.key").write_bytes(key)
        (directory / "config.json").write_bytes(json.dumps(config(), indent=2).encode())
    return directory


def unit(
    name: str, command: str, directory: str = "", program: str = "/usr/bin/node", **more: str
) -> dict[str, dict[str, str | list[str]]]:
    """A unit as `systemctl show` tells it."""
    started = "ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0"
    properties: dict[str, str | list[str]] = {
        "Id": name,
        "Names": name,
        "LoadState": "loaded",
        "ActiveState": "active",
        "SubState": "running",
        "Result": "success",
        "UnitFileState": "enabled",
        "ExecStart": f"{{ path={program} ; argv[]={command} ; {started} }}",
        "WorkingDirectory": directory,
        "User": "",
        "MainPID": "0",
        "NRestarts": "0",
        "Restart": "always",
        "ActiveEnterTimestamp": "Mon 2026-11-23 04:50:28 UTC",
        "StandardOutput": "journal",
        "NeedDaemonReload": "no",
        **more,
    }
    return {name: properties}
