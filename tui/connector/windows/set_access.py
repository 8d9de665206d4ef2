"""Whether the service account of a Windows host can use a set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ntpath import dirname

from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install
from tui.connector.windows.paths import on_host
from tui.connector.windows.script_calls import call
from tui.connector.windows.sddl import APPEND_DATA, READ_DATA, WRITE_DATA, allowed, allowed_by_inheritance
from tui.remote.session import FileStat
from tui.remote.windows_session import WindowsSession

_REWRITE = READ_DATA | WRITE_DATA | APPEND_DATA


def account_sids(session: WindowsSession, account: str) -> tuple[str, ...]:
    """The SIDs of an account and of its groups, as far as the host can tell; empty when it does not know the account."""
    return tuple(call(session, "Get-AccountSids.ps1", {"Account": account})["sids"])


def unusable(session: WindowsSession, install: Install, files: ConfigurationSet) -> tuple[str, ...]:
    """The paths of `files` that the service account cannot read, and config.json when it cannot rewrite it.

    Judged by the ACL of what lies on the host; what does not yet, by the ACL that it carries, or else by what its
    folder gives to a new file. In two round trips.
    """
    sids = account_sids(session, install.account or "LocalSystem")
    if not sids:
        return ()
    config = set_paths(files.layout).config
    here = {path: on_host(install, path) for path in (*files.files, *files.directories)}
    places = sorted({install.directory, *here.values(), *map(dirname, here.values())})
    seen = session.stat_files(places)
    refused = []
    for path, absolute in here.items():
        wanted = _REWRITE if path == config else READ_DATA
        entry = files.directories.get(path) or files.files[path].attributes
        if not _may(seen, absolute, entry.acl, wanted, sids, directory=path in files.directories):
            refused.append(path)
    return tuple(sorted(refused))


def _may(
    seen: Mapping[str, FileStat],
    absolute: str,
    carried: str | None,
    wanted: int,
    sids: Collection[str],
    *,
    directory: bool,
) -> bool:
    present = seen.get(absolute)
    sddl = present.attributes.acl if present else carried
    if sddl:
        return allowed(sddl, wanted, sids)
    folder = seen.get(dirname(absolute))
    if present or folder is None or not folder.attributes.acl:
        return True
    return allowed_by_inheritance(folder.attributes.acl, wanted, sids, directory=directory)
