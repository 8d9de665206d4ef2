"""What is right and wrong with a configuration set, and how one host's set becomes another's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tui.connector import config_keys
from tui.connector.attributes import Newcomer, attributes_for_new
from tui.connector.bind_password import decrypts
from tui.connector.certificates import certificate_facts, certificate_findings
from tui.connector.config_findings import config_findings
from tui.connector.errors import CertificateError, ConfigError
from tui.connector.layouts import SetPaths, set_paths
from tui.connector.model import CertificateFacts, ConfigurationSet, SetFile
from tui.findings import Finding, Severity
from tui.remote.session import FileAttributes

GUESSABLE = 512
"""Files below this many bytes are listed without a hash, which would let their content be guessed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a set, for display: size in bytes, SHA-256 in hex (None for very small files)."""

    path: str
    size: int
    sha256: str | None
    owner: str
    group: str
    mode: int
    acl: str | None = None


def entries(files: ConfigurationSet) -> tuple[Entry, ...]:
    """Every file of a set, sorted by path."""
    return tuple(
        Entry(
            path=path,
            size=len(file.data),
            sha256=hashlib.sha256(file.data).hexdigest() if len(file.data) >= GUESSABLE else None,
            owner=file.attributes.owner,
            group=file.attributes.group,
            mode=file.attributes.mode,
            acl=file.attributes.acl,
        )
        for path, file in sorted(files.files.items())
    )


def config_values(files: ConfigurationSet) -> dict[str, object] | None:
    """The parsed config.json of a set, None when the set has none. Raises ConfigError."""
    data = files.data(set_paths(files.layout).config)
    return None if data is None else config_keys.read_config(data).values


def set_certificate(files: ConfigurationSet) -> CertificateFacts | None:
    """The facts of a set's certificate, None when the set has none. Raises CertificateError."""
    paths = set_paths(files.layout)
    certificate = files.data(paths.certificate)
    return None if certificate is None else certificate_facts(certificate, files.data(paths.key))


def password_decrypts(files: ConfigurationSet) -> bool | None:
    """Whether the set's encrypted password opens with its key; None when there is no such password, no key or no config."""
    try:
        values = config_values(files)
    except ConfigError:
        return None
    credentials = (values or {}).get(config_keys.CREDENTIALS)
    key = files.data(set_paths(files.layout).key)
    if not isinstance(credentials, str) or not credentials or key is None:
        return None
    return decrypts(credentials, key)


def set_findings(files: ConfigurationSet, now: datetime | None = None) -> list[Finding]:
    """Everything that is wrong or odd with a configured instance's set; `now` defaults to the present."""
    paths = set_paths(files.layout)
    found = [*_config_part(files, paths), *_missing_files(files, paths), *_pair_part(files, now)]
    if password_decrypts(files) is False:
        key = files.data(paths.key) or b""
        ends = "CRLF" if b"\r\n" in key else "LF"
        found.append(
            Finding(
                id="password-not-decryptable",
                severity=Severity.BLOCKER,
                summary="the encrypted LDAP password does not open with the cert.key of this set",
                evidence=(
                    f"cert.key has {ends} line ends; the connector writes CRLF, and changing them breaks decryption",
                ),
                remedy="restore cert.key byte for byte from a backup, or enter the LDAP password again on the first host",
            )
        )
    return [*found, *_odd_files(files, paths)]


def _config_part(files: ConfigurationSet, paths: SetPaths) -> list[Finding]:
    if files.data(paths.config) is None:
        return [
            Finding(
                id="config-missing",
                severity=Severity.BLOCKER,
                summary=f"there is no {paths.config}: the connector is not configured",
                remedy="finish the set-up of this connector, or restore its set from a backup",
            )
        ]
    try:
        values = config_values(files) or {}
    except ConfigError as error:
        return [
            Finding(
                id="config-unreadable",
                severity=Severity.BLOCKER,
                summary=error.summary,
                evidence=(error.meaning,) if error.meaning else (),
                remedy=error.remedy,
            )
        ]
    return config_findings(values)


def _missing_files(files: ConfigurationSet, paths: SetPaths) -> list[Finding]:
    disaster = "at its next start the connector makes a new pair and publishes it, which locks every other instance out"
    found = []
    if paths.certs not in files.directories:
        missing = [f"the folder {paths.certs}/"]
    else:
        missing = [path for path in (paths.certificate, paths.key) if not files.data(path)]
    for path in missing:
        found.append(
            Finding(
                id="certificate-files-missing",
                severity=Severity.BLOCKER,
                summary=f"{path} is missing or empty",
                evidence=(disaster,),
                remedy="do not restart this connector; restore the pair from a backup first",
            )
        )
    if files.data(paths.profile_mapper) is None and paths.profile_mapper.startswith("lib/"):
        found.append(
            Finding(
                id="profile-mapper-missing",
                severity=Severity.BLOCKER,
                summary=f"{paths.profile_mapper} is missing, although every v6 install has one",
                evidence=("without it the connector cannot start",),
                remedy="restore it from a backup, or repair the install",
            )
        )
    return found


def _pair_part(files: ConfigurationSet, now: datetime | None) -> list[Finding]:
    paths = set_paths(files.layout)
    if not files.data(paths.certificate) or not files.data(paths.key):
        return []
    try:
        facts = set_certificate(files)
    except CertificateError as error:
        return [
            Finding(
                id="certificate-unreadable",
                severity=Severity.BLOCKER,
                summary=error.summary,
                evidence=(error.meaning,) if error.meaning else (),
                remedy=error.remedy,
            )
        ]
    return certificate_findings(facts, now) if facts else []


def _odd_files(files: ConfigurationSet, paths: SetPaths) -> list[Finding]:
    usual = {paths.config, paths.profile_mapper, paths.certificate, paths.key}
    extra = sorted(path for path in files.files if path not in usual)
    if not extra:
        return []
    return [
        Finding(
            id="extra-files",
            severity=Severity.NOTE,
            summary=f"{len(extra)} more file{'s' if len(extra) > 1 else ''} in {paths.certs}/: copied as they are",
            evidence=tuple(extra[:20]),
        )
    ]


def same_connection(a: ConfigurationSet, b: ConfigurationSet) -> bool:
    """Whether two sets belong to the same connection of the same tenant. Raises ConfigError."""
    return same_connection_values(config_values(a) or {}, config_values(b) or {})


def same_connection_values(a: Mapping[str, object], b: Mapping[str, object]) -> bool:
    """The same for parsed configurations: the ticket decides, since one ticket serves one connection."""
    if not (config_keys.is_configured(a) and config_keys.is_configured(b)):
        return False
    tickets = [str(values[config_keys.TICKET]).strip().rstrip("/") for values in (a, b)]
    return tickets[0] == tickets[1]


def target_set(
    first: ConfigurationSet,
    present: ConfigurationSet,
    *,
    owner: str,
    group: str,
    account: str = "",
    keys: Mapping[str, str] | None = None,
) -> ConfigurationSet:
    """The set that an additional host is to have: the first host's bytes, with this host's attributes.

    A file or directory that the host already has keeps its owner, mode, ACL and label; a new one gets `owner` and
    `group` of the install and the first host's mode. Between Linux and Windows a new one gets the folder's ACL, or is
    `account`'s alone. `keys` are the host's own values of keys that may differ by site. Raises ConfigError when the
    first host's config cannot be read.
    """
    config = set_paths(first.layout).config
    newcomer = Newcomer(owner, group, account)

    def new(theirs: FileAttributes, *, directory: bool = False) -> FileAttributes:
        return attributes_for_new(theirs, newcomer, source=first.os, target=present.os, directory=directory)

    files = {
        path: SetFile(
            path=path,
            data=config_keys.without_not_cloned(file.data) if path == config else file.data,
            attributes=present.files[path].attributes if path in present.files else new(file.attributes),
        )
        for path, file in for_site(first, keys or {}).files.items()
    }
    directories = {
        path: present.directories.get(path, new(attributes, directory=True))
        for path, attributes in first.directories.items()
    }
    return ConfigurationSet(
        layout=present.layout, version=present.version, files=files, directories=directories, os=present.os
    )


def for_site(first: ConfigurationSet, keys: Mapping[str, str]) -> ConfigurationSet:
    """The first host's set as a host with these values of its own is to have it. Raises ConfigError."""
    config = first.files.get(set_paths(first.layout).config)
    if not keys or config is None:
        return first
    changed = replace(config, data=config_keys.with_values(config.data, keys))
    return replace(first, files={**first.files, config.path: changed})


def set_differences(a: ConfigurationSet, b: ConfigurationSet) -> tuple[str, ...]:
    """The paths, besides config.json (compare its keys instead), whose bytes differ or that only one set has."""
    config = set_paths(a.layout).config
    paths = sorted({*a.files, *b.files} - {config})
    return tuple(path for path in paths if a.data(path) != b.data(path))
