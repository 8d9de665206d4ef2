"""The layouts of an install: how they are recognised and where each keeps its configuration set."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tui.connector.model import Layout
from tui.findings import Finding, Severity

V6_MARKERS = ("lib/initConf.js", "connector-setup/index.js")
V7_MARKERS = ("lib/secureStorage.js", "setup/migrateData.js")
ROOT_CONFIGURATION = ("config.json", "certs")
MARKERS = (*V6_MARKERS, *V7_MARKERS, *ROOT_CONFIGURATION, "server.js", "admin/server.js", "data/config.json")
"""Everything worth asking of a directory that may be an install."""

WELL_KNOWN_DIRECTORIES = (
    "/opt/auth0/ad-ldap",
    "/opt/auth0-adldap",
    "/opt/auth0-ad-ldap",
    "/opt/ad-ldap-connector",
    "/opt/auth0-connector",
)


@dataclass(frozen=True, slots=True)
class SetPaths:
    """Where a layout keeps its configuration set; relative to the install directory, `/`-separated."""

    config: str
    profile_mapper: str
    certs: str

    @property
    def certificate(self) -> str:
        """The certificate that the tenant knows."""
        return f"{self.certs}/cert.pem"

    @property
    def key(self) -> str:
        """Its private key, from which the key of the encrypted password is derived."""
        return f"{self.certs}/cert.key"


V6_PATHS = SetPaths(config="config.json", profile_mapper="lib/profileMapper.js", certs="certs")
V7_PATHS = SetPaths(config="data/config.json", profile_mapper="data/profileMapper/custom.js", certs="data/certs")


def recognise(paths: Collection[str]) -> Layout:
    """The layout of an install that has these relative paths (files or directories)."""
    present = {path.rstrip("/") for path in paths}
    v6 = any(marker in present for marker in V6_MARKERS)
    v7 = any(marker in present for marker in V7_MARKERS)
    if not v7:
        return Layout.V6 if v6 else Layout.UNKNOWN
    in_root = any(path == kept or path.startswith(f"{kept}/") for path in present for kept in ROOT_CONFIGURATION)
    return Layout.HALF_MIGRATED if v6 or in_root else Layout.V7


def set_paths(layout: Layout) -> SetPaths:
    """Where `layout` keeps its set; a half-migrated install runs v7 code, which reads `data/`."""
    return V6_PATHS if layout in (Layout.V6, Layout.UNKNOWN) else V7_PATHS


def layout_findings(layout: Layout) -> list[Finding]:
    """Why this program cannot work with an install of `layout`; empty for v6."""
    if layout is Layout.V6:
        return []
    if layout is Layout.V7:
        return [
            Finding(
                id="layout-v7",
                severity=Severity.BLOCKER,
                summary="this is a v7 connector; only v6 is supported so far",
                evidence=("a v6 configuration set on v7 code breaks the instance, and the reverse",),
                remedy="install the same v6 version as on the first host, or wait for a release that supports v7",
            )
        ]
    if layout is Layout.HALF_MIGRATED:
        return [
            Finding(
                id="layout-half-migrated",
                severity=Severity.BLOCKER,
                summary="this install is half migrated: v7 code beside a v6 configuration or v6 code",
                evidence=("config.json, certs/ or v6 code lies in the root, but v7 code reads data/",),
                remedy="finish or undo the upgrade with the connector's own installer first",
            )
        ]
    return [
        Finding(
            id="layout-unknown",
            severity=Severity.BLOCKER,
            summary="the directory does not look like an Auth0 AD/LDAP Connector",
            remedy="check install_dir in the cluster file, or install the connector again",
        )
    ]
