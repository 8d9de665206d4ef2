"""Drift: what an instance has that differs from the first host's set, by parsed keys and by bytes of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tui.connector import config_keys
from tui.connector.configuration_set import config_values, for_site, set_differences
from tui.connector.errors import ConfigError
from tui.connector.model import ConfigurationSet, KeyClass, KeyDifference
from tui.findings import Finding, Severity


def key_differences(here: ConfigurationSet | None, there: ConfigurationSet) -> tuple[KeyDifference, ...]:
    """config.json key by key, equal ones included; secrets only as `set`, `equal`, `different`.

    `here` None, without a config.json, or with one that cannot be read means that every key is new. Raises
    ConfigError when the set of `there` cannot be read.
    """
    return config_keys.compare(_values(here), config_values(there) or {})


def config_drift(
    here: ConfigurationSet, there: ConfigurationSet, keys: Mapping[str, str] | None = None
) -> tuple[KeyDifference, ...]:
    """The keys that must be equal in a cluster and are not. What is rewritten is left out, and what a site may choose,
    but for what the cluster file says of this host (`keys`)."""
    theirs = config_values(there) or {}
    differences = key_differences(here, for_site(there, keys or {}))
    return config_keys.drift(differences, realm=config_keys.realm_of(theirs), decided=keys or ())


def file_drift(here: ConfigurationSet, there: ConfigurationSet) -> tuple[KeyDifference, ...]:
    """The files other than config.json whose bytes differ, that are missing, or that are one too many."""
    return tuple(
        KeyDifference(
            key=path,
            key_class=KeyClass.EQUAL,
            here=_word(here.data(path), there.data(path)),
            there=_word(there.data(path), here.data(path)),
            equal=False,
        )
        for path in set_differences(here, there)
    )


def drift(
    here: ConfigurationSet, there: ConfigurationSet, keys: Mapping[str, str] | None = None
) -> tuple[KeyDifference, ...]:
    """All that must be equal between an instance and the first host's set (`there`) and is not. Raises ConfigError."""
    return (*config_drift(here, there, keys), *file_drift(here, there))


def drift_findings(differences: Sequence[KeyDifference]) -> list[Finding]:
    """One finding that names every key and file that drifted."""
    if not differences:
        return []
    names = ", ".join(difference.key for difference in differences[:6])
    more = f" and {len(differences) - 6} more" if len(differences) > 6 else ""
    return [
        Finding(
            id="drift",
            severity=Severity.BLOCKER,
            summary=f"it differs from the first host in {names}{more}",
            evidence=tuple(f"{d.key}: {d.here or 'absent'} → {d.there or 'absent'}" for d in differences),
            remedy="converge this host (adldap-ha converge): that puts the first host's set in place",
        )
    ]


def _values(configuration: ConfigurationSet | None) -> Mapping[str, object] | None:
    if configuration is None:
        return None
    try:
        return config_values(configuration)
    except ConfigError:
        return None


def _word(data: bytes | None, other: bytes | None) -> str | None:
    if data is None:
        return None
    return f"{len(data)} bytes, different" if other is not None else f"{len(data)} bytes"
