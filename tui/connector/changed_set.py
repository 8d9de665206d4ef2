"""A configuration set made from another: with a new certificate, a new profile mapper, or other values of some keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tui.connector import config_keys
from tui.connector.bind_password import reencrypted
from tui.connector.configuration_set import config_values
from tui.connector.errors import CertificateError, ConfigError
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, KeyClass, SetFile

DAYS = 365
"""How long a new certificate is valid, as one that the connector makes."""

_OF_CONNECTION = frozenset(("AD_HUB", "CONNECTION", "REALM", "WSFED_ISSUER", "CLIENT_CERT_AUTH", "KERBEROS_AUTH"))
"""What the tenant says of the connection: every start writes it anew."""
_SWITCHES = ("ENABLE_", "ALLOW_PASSWORD_")
_OWN_PAIR = ("AUTH_CERT", "AUTH_CERT_KEY")
_DIGITS = 15
"""More than these a connector could not tell apart: its numbers are JavaScript's."""


def renewed_set(files: ConfigurationSet, now: datetime | None = None) -> ConfigurationSet:
    """The set with a new key pair for the same subject, and its LDAP password encrypted with the new key.

    The password is in clear in memory only. Raises CertificateError, and ConfigError where the pair or the password is not in the
    usual files.
    """
    paths = set_paths(files.layout)
    old, key, config = files.data(paths.certificate), files.data(paths.key), files.files.get(paths.config)
    if old is None or key is None or config is None:
        raise CertificateError("this set has no certificate to renew", remedy="restore the set from a backup first")
    values = config_values(files) or {}
    if "AUTH_CERT_KEY" in values or "AUTH_CERT" in values:
        raise ConfigError(
            "config.json carries a key pair of its own (AUTH_CERT, AUTH_CERT_KEY) that replaces certs/",
            meaning="a new pair in certs/ would not be used",
            remedy="renew the pair where it comes from",
        )
    certificate, new_key = _new_pair(old, now or datetime.now(UTC))
    credentials = values.get(config_keys.CREDENTIALS)
    data = config.data
    if isinstance(credentials, str) and credentials:
        data = config_keys.with_values(data, {config_keys.CREDENTIALS: reencrypted(credentials, key, new_key)})
    return _with(files, {paths.certificate: certificate, paths.key: new_key, paths.config: data})


def changed_set(
    files: ConfigurationSet, *, profile_mapper: bytes | None, values: Mapping[str, str | int | bool]
) -> ConfigurationSet:
    """The set with another profile mapper (None: the same) and these values in config.json, every other byte as it was. Raises ConfigError."""
    paths = set_paths(files.layout)
    changed: dict[str, bytes] = {}
    config = files.data(paths.config)
    if profile_mapper is not None:
        changed[paths.profile_mapper] = profile_mapper
    if values and config is not None:
        changed[paths.config] = config_keys.with_values(config, values)
    return _with(files, changed)


def typed_value(key: str, text: str, present: Mapping[str, object]) -> str | int | bool:
    """`text` as the value of a key, with the type that the key has in config.json already, or is known to have.

    Raises ConfigError for a key that may not be changed everywhere, and for a text that is no value of that type.
    """
    _refuse(key, config_keys.realm_of(present))
    if any(0xD800 <= ord(letter) < 0xE000 for letter in key + text):
        raise ConfigError("a key or its value is not UTF-8 text", remedy="type it in a terminal that speaks UTF-8")
    if key not in present and not config_keys.is_known(key) and config_keys.is_known(key.upper()):
        raise ConfigError(
            f"the connector knows no {key}",
            meaning="its keys are written in capital letters; this one would change nothing",
            remedy=f"say --set {key.upper()}=…",
        )
    model = present.get(key, config_keys.DEFAULTS.get(key, True if key.startswith(_SWITCHES) else ""))
    if isinstance(model, bool):
        if text.lower() not in ("true", "false"):
            raise ConfigError(f"{key} is either true or false", remedy=f"say --set {key}=true or --set {key}=false")
        return text.lower() == "true"
    if isinstance(model, int):
        if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
            raise ConfigError(f"{key} is a whole number", remedy=f"say --set {key}=NUMBER")
        if key == "PORT" and not 0 < int(text) < 1 << 16:
            raise ConfigError("PORT is a number from 1 to 65535", remedy="say --set PORT=NUMBER")
        return int(text)
    if not isinstance(model, str):
        raise ConfigError(
            f"{key} holds more than a single value",
            remedy="change it by hand on the first host, then converge the others",
        )
    if config_keys.mask_url(text) != text:
        raise ConfigError(
            f"the value of {key} has a password in it",
            meaning="what is typed here can be read on the screen, and of a command line in the list of processes",
            remedy="change it by hand on the first host, then converge the others",
        )
    return text


def _refuse(key: str, realm: str | None) -> None:
    kind = config_keys.classify(key, realm)
    if kind is KeyClass.SECRET:
        why = "it is a secret, and those are not typed in clear"
    elif kind in (KeyClass.REWRITTEN, KeyClass.NOT_CLONED):
        why = "the connector itself writes it"
    elif key in _OWN_PAIR:
        why = "it decides which certificate is published"
    elif key in _OF_CONNECTION or key == realm:
        why = "the tenant says what it is"
    elif not key or any(ord(letter) < 33 or letter in '"\\=' for letter in key):
        why = "this is no name of a key"
    else:
        return
    raise ConfigError(f"{key or 'an empty key'} cannot be changed everywhere: {why}", remedy="leave it out")


def _with(files: ConfigurationSet, changed: Mapping[str, bytes]) -> ConfigurationSet:
    model = files.files[set_paths(files.layout).config].attributes
    new = {
        path: SetFile(path=path, data=data, attributes=files.files[path].attributes if path in files.files else model)
        for path, data in changed.items()
    }
    return replace(files, files={**files.files, **new})


def _new_pair(old: bytes, now: datetime) -> tuple[bytes, bytes]:
    """Certificate and key as the connector makes them: RSA 2048, self-signed, a year, PEM with CRLF ends."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    try:
        subject = x509.load_pem_x509_certificate(old).subject
    except ValueError:
        raise CertificateError(
            "the present certificate cannot be read, so whom a new one is for is not known",
            remedy="restore certs/ from a backup first",
        ) from None
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return _crlf(made.public_bytes(Encoding.PEM)), _crlf(private)


def _crlf(pem: bytes) -> bytes:
    return pem.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
