"""Sets made from another: with a new pair, another profile mapper, or other values of keys."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from tests.unit.connector.material import PASSWORD, config, configuration_set, other_pair, pair
from tui.connector.bind_password import decrypts
from tui.connector.changed_set import changed_set, renewed_set, typed_value
from tui.connector.configuration_set import config_values, set_certificate, set_findings
from tui.connector.errors import CertificateError, ConfigError
from tui.findings import blockers
from tui.lab.standin.certificates import decrypt_password

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_renewed_set_has_a_new_pair_for_the_same_subject_that_opens_the_same_password() -> None:
    old = configuration_set()
    new = renewed_set(old, NOW)
    was, now = set_certificate(old), set_certificate(new)
    assert was is not None
    assert now is not None
    assert (now.subject, now.key_matches) == (was.subject, True)
    assert now.thumbprint != was.thumbprint
    assert now.not_after == NOW + timedelta(days=365)
    assert now.not_before <= NOW
    key = new.data("certs/cert.key") or b""
    credentials = str((config_values(new) or {})["LDAP_BIND_CREDENTIALS"])
    assert decrypt_password(credentials, key) == PASSWORD
    assert not decrypts(credentials, pair()[1])
    assert blockers(set_findings(new)) == []


def test_everything_else_of_it_is_as_before_and_pem_files_have_the_connectors_line_ends() -> None:
    old = configuration_set()
    new = renewed_set(old)
    assert new.data("lib/profileMapper.js") == old.data("lib/profileMapper.js")
    before, after = config_values(old) or {}, config_values(new) or {}
    assert {key for key in before if before[key] != after[key]} == {"LDAP_BIND_CREDENTIALS"}
    assert {path: file.attributes for path, file in new.files.items()} == {
        path: file.attributes for path, file in old.files.items()
    }
    for path in ("certs/cert.pem", "certs/cert.key"):
        data = new.data(path) or b""
        assert data.endswith(b"-----\r\n")
        assert data.count(b"\n") == data.count(b"\r\n")
    assert (new.data("certs/cert.key") or b"").startswith(b"-----BEGIN RSA PRIVATE KEY-----")


def older_form(password: str, key: bytes) -> str:
    """Bare hex, with key and IV from MD5 of cert.key, one round, no salt."""
    first = hashlib.md5(key, usedforsecurity=False).digest()
    second = hashlib.md5(first + key, usedforsecurity=False).digest()
    third = hashlib.md5(second + key, usedforsecurity=False).digest()
    padder = PKCS7(128).padder()
    padded = padder.update(password.encode()) + padder.finalize()
    encryptor = Cipher(AES(first + second), CBC(third)).encryptor()
    return (encryptor.update(padded) + encryptor.finalize()).hex()


def test_a_password_of_the_older_form_is_encrypted_in_the_newer_one() -> None:
    values = config(LDAP_BIND_CREDENTIALS=older_form("word", pair()[1]))
    renewed = renewed_set(configuration_set(json.dumps(values).encode()))
    credentials = str((config_values(renewed) or {})["LDAP_BIND_CREDENTIALS"])
    assert credentials.startswith("$2$.")
    assert decrypt_password(credentials, renewed.data("certs/cert.key") or b"") == "word"


def test_a_password_that_does_not_open_is_never_encrypted_anew() -> None:
    with pytest.raises(CertificateError, match="does not open"):
        renewed_set(configuration_set(key=other_pair()[1]))


def test_a_pair_inside_config_json_is_not_renewed_beside_it() -> None:
    with pytest.raises(ConfigError, match="AUTH_CERT"):
        renewed_set(configuration_set(json.dumps(config(AUTH_CERT_KEY="x")).encode()))


def test_a_set_without_a_password_or_a_certificate() -> None:
    anonymous = config(LDAP_BIND_CREDENTIALS=None)
    assert config_values(renewed_set(configuration_set(json.dumps(anonymous).encode()))) == anonymous
    with pytest.raises(CertificateError, match="no certificate to renew"):
        renewed_set(configuration_set(cert=None))


def test_a_changed_set_has_the_new_mapper_to_the_byte_and_the_new_values_and_no_other_byte_changed() -> None:
    data = b'{\r\n  "PROVISIONING_TICKET": "t", \r\n  "PORT":4000\r\n}\r\n'
    changed = changed_set(
        configuration_set(data), profile_mapper=b"// \xc3\xa9\r\n", values={"PORT": 4100, "ENABLE_X": True}
    )
    assert changed.data("lib/profileMapper.js") == b"// \xc3\xa9\r\n"
    assert changed.data("config.json") == (
        b'{\r\n  "PROVISIONING_TICKET": "t", \r\n  "PORT":4100,\r\n  "ENABLE_X": true\r\n}\r\n'
    )
    assert changed.data("certs/cert.key") == pair()[1]


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("PORT", "4100", 4100),
        ("SITE_NAME", "4100", "4100"),
        ("CA_CERT", "/a/b.pem", "/a/b.pem"),
        ("ALLOW_PASSWORD_RESET", "TRUE", True),
        ("FLAG", "false", False),
        ("HTTP_PROXY", "http://proxy:3128", "http://proxy:3128"),
    ],
)
def test_a_value_has_the_type_that_its_key_has(key: str, text: str, value: object) -> None:
    typed = typed_value(key, text, {**config(), "FLAG": True})
    assert (type(typed), typed) == (type(value), value)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("LDAP_BIND_PASSWORD", "x"),
        ("SESSION_SECRET", "x"),
        ("LAST_SENT_THUMBPRINT", "x"),
        ("FIREWALL_RULE_CREATED", "true"),
        ("CONNECTION", "x"),
        ("REALM", "x"),
        ("urn:auth0:acme", "x"),
        ("", "x"),
        ('A"B', "x"),
        ("PORT", "-1"),
        ("PORT", "٤"),
        ("ENABLE_WRITE_BACK", "yes"),
        ("HTTP_PROXY", "http://user:word@proxy:3128"),
        ("LIST", "x"),
        ("AUTH_CERT", "-----BEGIN CERTIFICATE-----"),
        ("port", "4100"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("NUMBER", "9" * 16),
        ("SITE_NAME", "\udcff"),
    ],
)
def test_what_cannot_be_changed_everywhere_is_refused(key: str, text: str) -> None:
    with pytest.raises(ConfigError):
        typed_value(key, text, {**config(), "LIST": [1], "NUMBER": 1})
