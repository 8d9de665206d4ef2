"""Reading config.json and knowing what a cluster needs of each of its keys."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import unquote, urlsplit, urlunsplit

from tui.cluster import SITE_KEYS
from tui.connector.errors import ConfigError
from tui.connector.model import KeyClass, KeyDifference

TICKET = "PROVISIONING_TICKET"
CREDENTIALS = "LDAP_BIND_CREDENTIALS"
PASSWORD = "LDAP_BIND_PASSWORD"
PUBLIC_SESSION_SECRET = "a1b2c3d4567"
DEFAULTS: Mapping[str, object] = {"PORT": 4000, "SESSION_SECRET": PUBLIC_SESSION_SECRET}
MASK = "•••"

_SECRET = re.compile(
    r"PROVISIONING_TICKET|TENANT_SIGNING_KEY|SSL_PFX|CONNECTIONS_API_V2_KEY|AUTH_CERT_KEY"
    r"|.*(PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|TOKEN|PRIVATE).*|.*_(API|SIGNING)_KEY|.*_PASS"
)
_EQUAL = re.compile(
    r"AD_HUB|CONNECTION|REALM|WSFED_ISSUER|SERVER_URL|PORT|LDAP_BASE|LDAP_BASE_GROUPS|LDAP_BIND_USER|LDAP_.*QUERY"
    r"|LDAP_USER_BY_NAME|LDAP_SEARCH_GROUPS|GROUP.*|ALLOW_PASSWORD_.*|ENABLE_.*|SITE_NAME|AGENT_MODE|CA_CERT"
    r"|CLIENT_CERT_AUTH|KERBEROS_AUTH"
)
_SITE = frozenset(SITE_KEYS)
_REWRITTEN = frozenset(("LAST_SENT_THUMBPRINT", "ANONYMOUS_SEARCH_ENABLED"))
_REWRITTEN_SECRETS = frozenset(("TENANT_SIGNING_KEY",))
_NOT_CLONED = frozenset(("FIREWALL_RULE_CREATED",))
_OWN_PAIR = frozenset(("AUTH_CERT", "AUTH_CERT_KEY"))
"""A pair in config.json replaces the files in certs/, so these decide which certificate is published."""
_EQUAL_SECRETS = frozenset((TICKET, "SESSION_SECRET", "SSL_PFX", CREDENTIALS, PASSWORD, "SSL_KEY_PASSWORD")) | _OWN_PAIR
_NOT_PASSWORDS = re.compile(r"ALLOW_PASSWORD_.*|ENABLE_.*")


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """A parsed config.json. `bom`: it began with a UTF-8 byte order mark; `newline`: its line ends."""

    values: dict[str, object] = field(repr=False)
    bom: bool
    newline: str


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_config(data: bytes) -> ConfigDocument:
    """Parse the bytes of a config.json; a byte order mark and CRLF are accepted.

    Raises ConfigError with line and column. The error never repeats what the file holds.
    """
    bom = data.startswith(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"config.json is not UTF-8 text (line {line})",
            line=line,
            meaning="the connector cannot read it either",
            remedy="restore it from a backup, or save it again as UTF-8",
        ) from None
    if not text.strip("\0 \t\r\n"):
        raise ConfigError(
            "config.json is empty",
            line=1,
            column=1,
            meaning="an interrupted write or a full disk has truncated it",
            remedy="restore it from a backup",
        )
    values = _parse(text)
    if not isinstance(values, dict):
        raise ConfigError(
            "config.json holds no JSON object", line=1, column=1, remedy="restore it from a backup, or correct it"
        )
    return ConfigDocument(values=values, bom=bom, newline="\r\n" if "\r\n" in text else "\n")


def _parse(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        truncated = error.pos >= len(text.rstrip()) or "Unterminated string" in error.msg
        raise ConfigError(
            f"config.json ends in the middle (line {error.lineno}, column {error.colno}): it is truncated"
            if truncated
            else f"config.json is not valid JSON (line {error.lineno}, column {error.colno}): {error.msg}",
            line=error.lineno,
            column=error.colno,
            meaning="the connector cannot start with it",
            remedy="restore it from a backup, or correct that place",
        ) from None
    except (ValueError, RecursionError):
        raise ConfigError(
            "config.json is not valid JSON",
            meaning="the connector cannot start with it",
            remedy="restore it from a backup",
        ) from None


def classify(key: str, realm: str | None) -> KeyClass:
    """What a cluster needs of `key`; `realm` is the connection's REALM, after which one key is named."""
    if _SECRET.fullmatch(key) and not _NOT_PASSWORDS.fullmatch(key):
        return KeyClass.SECRET
    if key in _NOT_CLONED:
        return KeyClass.NOT_CLONED
    if _EQUAL.fullmatch(key) or (realm and key == realm):
        return KeyClass.EQUAL
    if key in _SITE:
        return KeyClass.SITE
    return KeyClass.REWRITTEN if key in _REWRITTEN else KeyClass.OTHER


def must_be_equal(key: str, realm: str | None) -> bool:
    """Whether two instances of one cluster may not differ in `key`; some secrets are of that kind too."""
    return key in _EQUAL_SECRETS or classify(key, realm) is KeyClass.EQUAL


_KNOWN_SECRETS = frozenset(
    (
        TICKET,
        PASSWORD,
        CREDENTIALS,
        "TENANT_SIGNING_KEY",
        "SESSION_SECRET",
        "SSL_PFX",
        "SSL_KEY_PASSWORD",
        "CONNECTIONS_API_V2_KEY",
        "AUTH_CERT_KEY",
        "AUTH_CERT",
    )
)


def is_known(key: str) -> bool:
    """Whether the connector itself reads this key, so that a variable of that name overrides config.json."""
    return key in _KNOWN_SECRETS | _SITE | _REWRITTEN | _NOT_CLONED or bool(_EQUAL.fullmatch(key))


def realm_of(values: Mapping[str, object]) -> str | None:
    """The REALM of a configuration, None when it is not set."""
    realm = values.get("REALM")
    return realm if isinstance(realm, str) and realm else None


def is_configured(values: Mapping[str, object]) -> bool:
    """Whether a configuration names a ticket, without which a connector exits at once."""
    ticket = values.get(TICKET)
    return isinstance(ticket, str) and bool(ticket.strip())


def _same(here: object, there: object) -> bool:
    scalars = (str, int, float)
    if isinstance(here, bool) or isinstance(there, bool):
        return here is there or str(here).lower() == str(there).lower()
    if isinstance(here, scalars) and isinstance(there, scalars):
        return str(here) == str(there)
    return here == there


def mask_url(text: str) -> str:
    """A URL with its password, if it has one, replaced by dots; any other text as it is."""
    try:
        parts = urlsplit(text)
        password = parts.password
    except ValueError:
        return text
    if not password:
        return text
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.split(':', 1)[0]}:{MASK}@{place}"))


def _display(value: object) -> str:
    text = mask_url(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}…"


def _difference(key: str, here: Mapping[str, object], there: Mapping[str, object], realm: str | None) -> KeyDifference:
    key_class = classify(key, realm)
    default = DEFAULTS.get(key)
    equal = _same(here.get(key, default), there.get(key, default))
    if key_class is KeyClass.SECRET:
        ours = "set" if key in here else "not set"
        theirs = "set" if key in there else "not set"
        if ours == theirs == "set":
            theirs = "equal" if equal else "different"
        return KeyDifference(key=key, key_class=key_class, here=ours, there=theirs, equal=equal)
    return KeyDifference(
        key=key,
        key_class=key_class,
        here=_display(here[key]) if key in here else None,
        there=_display(there[key]) if key in there else None,
        equal=equal,
    )


def compare(
    here: Mapping[str, object] | None,
    there: Mapping[str, object],
    *,
    realm: str | None = None,
    only_changes: bool = False,
) -> tuple[KeyDifference, ...]:
    """Two configurations key by key, sorted: `here` a host as it is (None: not configured), `there` what it is held against.

    `realm` defaults to the REALM of `there`. Secrets are masked.
    """
    realm = realm or realm_of(there)
    ours = here or {}
    differences = (_difference(key, ours, there, realm) for key in sorted({*ours, *there}))
    return tuple(each for each in differences if not (only_changes and each.equal))


def drift(
    differences: tuple[KeyDifference, ...], *, realm: str | None = None, decided: Collection[str] = ()
) -> tuple[KeyDifference, ...]:
    """The differences that instances of one cluster may not have, and those of keys `decided` for this very host."""
    return tuple(
        each for each in differences if not each.equal and (each.key in decided or must_be_equal(each.key, realm))
    )


def not_left_alone(
    differences: tuple[KeyDifference, ...], *, realm: str | None = None, decided: Collection[str] = ()
) -> tuple[KeyDifference, ...]:
    """The differences with which a config.json may not stay in place when a host joins: every key that neither a site
    chooses nor the connector rewrites at its start. Stricter than `drift`: it counts keys that nobody here knows too.

    Keys `decided` for this very host count as well."""
    free = (KeyClass.SITE, KeyClass.REWRITTEN, KeyClass.NOT_CLONED)
    return tuple(
        each
        for each in differences
        if not each.equal
        and (each.key in decided or (classify(each.key, realm) not in free and each.key not in _REWRITTEN_SECRETS))
    )


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return []


def _url_password(text: str) -> list[str]:
    try:
        password = urlsplit(text).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []


def secret_values(values: Mapping[str, object]) -> list[str]:
    """Every secret text in a configuration, longest first, for redaction; texts below 3 characters are left out."""
    realm = realm_of(values)
    found: set[str] = set()
    for key, value in values.items():
        texts = _strings(value)
        if classify(key, realm) is KeyClass.SECRET:
            found.update(texts)
        found.update(password for text in texts for password in _url_password(text))
        if key == TICKET:
            found.update(text.rstrip("/").rsplit("/", 1)[-1] for text in texts if "/" in text)
    return sorted((text for text in found if len(text) >= 3), key=lambda text: (-len(text), text))


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _members(text: str) -> list[tuple[str, int, int, int]]:
    """Name, start, start of its value and end of every member of the outermost object, in their order."""
    decoder = json.JSONDecoder()
    position = _skip_space(text, text.index("{") + 1)
    members: list[tuple[str, int, int, int]] = []
    while text[position] != "}":
        start = position
        name, position = decoder.raw_decode(text, position)
        value = _skip_space(text, _skip_space(text, position) + 1)
        _, position = decoder.raw_decode(text, value)
        members.append((name, start, value, position))
        position = _skip_space(text, position)
        if text[position] == ",":
            position = _skip_space(text, position + 1)
    return members


def without_not_cloned(data: bytes) -> bytes:
    """The bytes of a config.json without the keys that a clone must not have, every other byte as it was.

    Raises ConfigError when it cannot be read.
    """
    if not _NOT_CLONED & read_config(data).values.keys():
        return data
    text = data.decode("utf-8")
    while True:
        members = _members(text)
        found = next((i for i, member in enumerate(members) if member[0] in _NOT_CLONED), None)
        if found is None:
            return text.encode("utf-8")
        _, start, _, end = members[found]
        if found + 1 < len(members):
            end = members[found + 1][1]
        elif found:
            start = members[found - 1][3]
        text = text[:start] + text[end:]


def with_values(data: bytes, values: Mapping[str, str | int | bool]) -> bytes:
    """The bytes of a config.json that has these values, every other byte as it was; a key that it lacks comes last.

    An empty value for a key that it lacks changes nothing: to the connector it says the same. Raises ConfigError.
    """
    present = read_config(data).values
    text = data.decode("utf-8")
    for key, value in values.items():
        old = present.get(key, "")
        if type(old) is type(value) and old == value:
            continue
        members = _members(text)
        places = [(begin, end) for name, _, begin, end in members if name == key]
        for begin, end in reversed(places):
            text = text[:begin] + json.dumps(value, ensure_ascii=False) + text[end:]
        if not places:
            text = _with_member(text, members, f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return text.encode("utf-8")


def _with_member(text: str, members: list[tuple[str, int, int, int]], member: str) -> str:
    opened = text.index("{") + 1
    if not members:
        return f"{text[:opened]}{member}{text[opened:]}"
    space, end = text[opened : members[0][1]], members[-1][3]
    return f"{text[:end]},{space}{member}{text[end:]}"
