"""Sets as a connector has them, identities in memory, and a vault in a temporary directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tui.connector.bind_password import encrypt
from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.remote.session import FileAttributes
from tui.vault.identity import Identity
from tui.vault.model import Backup
from tui.vault.vault import Vault

BIND_PASSWORD = "CANARY-bind-password"
TICKET = "https://example.eu.auth0.com/p/ad/CANARYticket"
OWNER = FileAttributes("connector", "connector", 0o640, acl=None, label="system_u:object_r:usr_t:s0")
FOLDER = FileAttributes("connector", "connector", 0o755)


def make_pair() -> tuple[bytes, bytes]:
    """A key and its self-signed certificate, PEM with the CRLF line ends that the connector writes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "corp-ad")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=364))
        .sign(key, hashes.SHA256())
    )
    pem_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    pem_certificate = certificate.public_bytes(serialization.Encoding.PEM)
    return pem_key.replace(b"\n", b"\r\n"), pem_certificate.replace(b"\n", b"\r\n")


def make_set(pair: tuple[bytes, bytes], *, password_key: bytes | None = None) -> ConfigurationSet:
    """A configured v6 set with an extra file and a sub-folder among its certificates."""
    key, certificate = pair
    config = {
        "PROVISIONING_TICKET": TICKET,
        "CONNECTION": "corp-ad",
        "REALM": "urn:auth0:example:corp-ad",
        "LDAP_URL": "ldaps://dc1.example.com",
        "LDAP_BASE": "DC=example,DC=com",
        "LDAP_BIND_USER": "CN=svc,DC=example,DC=com",
        "LDAP_BIND_CREDENTIALS": encrypt(BIND_PASSWORD, password_key or key),
        "SESSION_SECRET": "CANARY-session-secret",
        "SERVER_URL": "http://fir:4000",
        "PORT": 4000,
    }
    contents = {
        "config.json": json.dumps(config, indent=2).encode(),
        "lib/profileMapper.js": b"module.exports = function (p) { return p; };\r\n",
        "certs/cert.key": key,
        "certs/cert.pem": certificate,
        "certs/extra/ca.pem": certificate,
        "certs/p\u00e4ss.txt": b"\x00\xff binary \r\n",
    }
    return ConfigurationSet(
        Layout.V6,
        "6.4.1",
        {path: SetFile(path, data, OWNER) for path, data in contents.items()},
        {"certs": FOLDER, "certs/extra": FOLDER, "lib": FOLDER},
    )


@pytest.fixture(scope="session")
def pair() -> tuple[bytes, bytes]:
    return make_pair()


@pytest.fixture(scope="session")
def other_pair() -> tuple[bytes, bytes]:
    return make_pair()


@pytest.fixture(scope="session")
def configuration(pair: tuple[bytes, bytes]) -> ConfigurationSet:
    return make_set(pair)


@pytest.fixture(scope="session")
def identity() -> Identity:
    return Identity.generate()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", "prod")


Keep = Callable[..., Backup]


@pytest.fixture
def keep(vault: Vault, configuration: ConfigurationSet, identity: Identity) -> Keep:
    """Create a backup in the vault with everything defaulted that a test does not care about."""

    def create(files: ConfigurationSet = configuration, **changed: object) -> Backup:
        given: dict[str, object] = {
            "host": "fir",
            "kind": "set",
            "operator": "alice",
            "run": None,
            "recipients": [identity.recipient],
        }
        return vault.create(files, **{**given, **changed})  # type: ignore[arg-type]

    return create


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(data)


def finding_ids(vault: Vault) -> list[str]:
    return [finding.id for finding in vault.catalogue().findings]
