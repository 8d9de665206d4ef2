"""Paths of a Windows install: the set's own are relative and `/`-separated on every system, the host's have `\\`."""

from __future__ import annotations

from ntpath import normpath

from tui.connector.host_state import checked_path
from tui.connector.layouts import set_paths
from tui.connector.model import Install, Layout

WELL_KNOWN_DIRECTORIES = (
    "C:\\Program Files (x86)\\Auth0\\AD LDAP Connector",
    "C:\\Program Files\\Auth0\\AD LDAP Connector",
)


def trimmed(path: str) -> str:
    """A path in Windows' own form, without `\\` at its end; an empty one stays empty."""
    return normpath(path.strip()) if path.strip() else ""


def on_host(install: Install, relative: str) -> str:
    """The host's path of one of the set's; raises ValueError when it leads out of the install directory."""
    return f"{install.directory}\\{windows_path(relative)}"


def windows_path(relative: str) -> str:
    """A relative path with `\\`; raises ValueError when it leads out."""
    checked = checked_path(relative)
    if "\\" in checked or ":" in checked:
        raise ValueError(f"not a path that Windows can have: {relative!r}")
    return checked.replace("/", "\\")


def in_set(install: Install, path: str) -> str:
    """The set's own form of a path below the install directory."""
    return path[len(install.directory) :].lstrip("\\").replace("\\", "/")


def log_path(install: Install) -> str:
    """Where the connector writes its log."""
    named = "logs.log" if install.layout in (Layout.V6, Layout.UNKNOWN) else "data\\logs\\connector\\logs.log"
    return f"{install.directory}\\{named}"


def write_places(install: Install) -> list[str]:
    """The directories that files of the set are written to, relative, with `\\`; `.` is the install directory."""
    paths = set_paths(install.layout)
    folders = {path.rpartition("/")[0] or "." for path in (paths.config, paths.profile_mapper)} | {paths.certs}
    return sorted(folder.replace("/", "\\") for folder in folders)
