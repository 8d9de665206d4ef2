"""Keys of config.json that name places on a host: what another host may need there, for the operator to decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath

from pydantic import BaseModel, ConfigDict

from tui.connector.model import Install
from tui.findings import Finding, Severity

PLACES = ("SSL_CA_PATH", "PROFILE_MAPPER_FILE")
"""The keys that hold a path. SSL_CA_FILE and SSL_OPENSSLDIR_PATTERN are patterns and fit either system."""

_DRIVE_OR_SHARE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_IN_SET = ("certs", "data/certs")
_STORE = {
    "windows": "without it the connector reads the certificate store of Windows: import the directory's CA there",
    "linux": "without it the connector reads OpenSSL's own folder: add the directory's CA to the system's trusted ones",
}


class SiteProposal(BaseModel):
    """A key whose value on the first host means nothing on this one, and what it could be instead.

    `chosen` is what the cluster file says for this host, None when nobody has decided yet; an empty value counts for the
    connector as if the key were not there.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    first: str
    proposal: str
    advice: str
    chosen: str | None = None


def site_proposals(
    values: Mapping[str, object], *, source: Install, target: Install, chosen: Mapping[str, str]
) -> tuple[SiteProposal, ...]:
    """What the first host's configuration (`values`, of the install `source`) names that `target` has elsewhere, or not at all."""
    found = []
    for key in PLACES:
        value = values.get(key)
        made = _proposal(key, value, source, target) if isinstance(value, str) and value else None
        if made is not None:
            found.append(made.model_copy(update={"chosen": chosen.get(key)}))
    return tuple(found)


def site_findings(proposals: tuple[SiteProposal, ...]) -> list[Finding]:
    """A warning for every key that nobody has decided on."""
    return [
        Finding(
            id="site-path",
            severity=Severity.WARNING,
            summary=f"{each.key} names a place on the first host, {each.first}, that is not the same here",
            evidence=(f"proposed: {each.proposal or 'nothing, as if the key were not there'}", each.advice),
            remedy=f"decide in the wizard, or write {each.key} = '{each.proposal}' (or what suits this host) under [hosts.keys] of "
            "this host in the cluster file",
        )
        for each in proposals
        if each.chosen is None
    ]


def _proposal(key: str, value: str, source: Install, target: Install) -> SiteProposal | None:
    inside = _inside(value, source)
    if inside is not None:
        moved = _joined(target, inside)
        advice = _advice_inside(inside)
        return SiteProposal(key=key, first=value, proposal=moved, advice=advice) if moved != value else None
    if target.os == "linux" and "\\" in value and not _DRIVE_OR_SHARE.match(value):
        return SiteProposal(
            key=key, first=value, proposal=value.replace("\\", "/"), advice="the same place, written for Linux"
        )
    if not _of_other_system(value, target.os):
        return None
    if key == "SSL_CA_PATH":
        return SiteProposal(key=key, first=value, proposal="", advice=_STORE[target.os])
    name = PureWindowsPath(value).name
    return SiteProposal(
        key=key,
        first=value,
        proposal=_joined(target, name),
        advice=f"{name} is no part of the set: copy it there before the run",
    )


def _inside(value: str, install: Install) -> str | None:
    """Where below the install directory a path leads, `/`-separated; None for any other path."""
    for directory in dict.fromkeys((install.directory, install.found_at)):
        if install.os == "windows":
            place, root = PureWindowsPath(value), PureWindowsPath(directory)
            if place.is_relative_to(root) and place != root:
                return place.relative_to(root).as_posix()
        elif PurePosixPath(value).is_relative_to(directory) and PurePosixPath(value) != PurePosixPath(directory):
            return PurePosixPath(value).relative_to(directory).as_posix()
    return None


def _joined(install: Install, relative: str) -> str:
    if install.os == "windows":
        return str(PureWindowsPath(install.directory) / relative)
    return str(PurePosixPath(install.directory) / relative)


def _advice_inside(relative: str) -> str:
    if relative.startswith(tuple(f"{folder}/" for folder in _IN_SET)) or relative in _IN_SET:
        return "the same place in this host's install directory; it comes with the set"
    if relative in ("lib/profileMapper.js", "data/profileMapper/custom.js"):
        return "the same place in this host's install directory; it comes with the set"
    return "the same place in this host's install directory; it is no part of the set: copy it there before the run"


def _of_other_system(value: str, os: str) -> bool:
    return value.startswith("/") if os == "windows" else bool(_DRIVE_OR_SHARE.match(value))
