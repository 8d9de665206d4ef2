"""Reading a configuration set from a Windows host: bytes and ACLs, links followed inside the install, nothing changed.

A link (any reparse point) that leads out of the install is followed only where the service account is the system
itself: an administrator would otherwise read for it what it may not read.
"""

from __future__ import annotations

from dataclasses import replace
from ntpath import dirname, isabs, join, normpath

from tui.connector.errors import ConnectorError
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install, SetFile
from tui.connector.windows.paths import in_set, on_host
from tui.remote.session import FileAttributes, FileStat
from tui.remote.windows_session import WindowsSession

DEPTH = 6
_MOST_LINKS = 16
_SYSTEM = ("localsystem", "nt authority\\system", "")


def read_set(session: WindowsSession, install: Install) -> ConfigurationSet:
    """The set as it is now, in three round trips (more where files of it are links); absent files are absent.

    Raises ConnectorError for a link that leads out of an install whose account is not the system.
    """
    seen = _follow(session, install, _look(session, install))
    found = sorted(path for path, stat in seen.items() if stat.kind == "file")
    contents = session.read_files(found) if found else {}
    files: dict[str, SetFile] = {}
    directories: dict[str, FileAttributes] = {}
    for path, stat in sorted(seen.items()):
        relative = in_set(install, path)
        if stat.kind == "directory":
            directories[relative] = stat.attributes
        elif path in contents:
            files[relative] = SetFile(relative, contents[path], stat.attributes)
    return ConfigurationSet(install.layout, install.version, files, directories, os=install.os)


def set_links(session: WindowsSession, install: Install) -> dict[str, str]:
    """The parts of the set that are links, and what each leads to, in one round trip."""
    paths = set_paths(install.layout)
    parts = (paths.config, paths.profile_mapper, paths.certs)
    seen = session.stat_files([on_host(install, part) for part in parts])
    found = {part: seen.get(on_host(install, part)) for part in parts}
    return {part: stat.target for part, stat in found.items() if stat is not None and _is_link(stat) and stat.target}


def unrepresented(session: WindowsSession, install: Install) -> tuple[str, ...]:
    """What lies among the files of the set and a backup could not give back as it is: links, and what lies too deep."""
    certs = on_host(install, set_paths(install.layout).certs)
    links = set_links(session, install)
    found = set(links)
    if set_paths(install.layout).certs not in links:
        for stat in session.list_tree(certs, depth=DEPTH + 1):
            too_deep = stat.path[len(certs) :].count("\\") > DEPTH
            if too_deep or stat.kind == "other" or (_is_link(stat) and stat.target):
                found.add(in_set(install, stat.path))
    return tuple(sorted(found))


def _is_link(stat: FileStat) -> bool:
    return stat.kind == "symlink"


def _look(session: WindowsSession, install: Install) -> dict[str, FileStat]:
    paths = set_paths(install.layout)
    config, mapper, certs = (on_host(install, path) for path in (paths.config, paths.profile_mapper, paths.certs))
    seen = dict(session.stat_files([config, mapper, certs, dirname(mapper)]))
    if certs in seen and seen[certs].kind == "directory":
        seen |= {stat.path: stat for stat in session.list_tree(certs, depth=DEPTH)}
    return seen


def _follow(session: WindowsSession, install: Install, seen: dict[str, FileStat]) -> dict[str, FileStat]:
    """Put what the links lead to in their place; a link that leads nowhere is left as it is."""
    links = {path: stat for path, stat in seen.items() if _is_link(stat)}
    if not links:
        return seen
    # Deduplicated and off-line files are reparse points that lead nowhere else: their bytes are read as any file's.
    leading = {path: _led_to(path, stat.target) for path, stat in links.items() if stat.target}
    behind: dict[str, FileStat] = {}
    further = leading
    for _ in range(_MOST_LINKS):
        if not further:
            break
        for path, target in further.items():
            _refuse_away(session, install, path, target)
        behind |= session.stat_files(list(dict.fromkeys(further.values())))
        further = {
            path: _led_to(target, behind[target].target)
            for path, target in further.items()
            if _leads_on(behind, target)
        }
        leading |= further
    found = dict(seen)
    for path, stat in links.items():
        if path not in leading:
            found[path] = replace(stat, kind="file")
        elif leading[path] in behind:
            found[path] = replace(behind[leading[path]], path=path)
    certs = on_host(install, set_paths(install.layout).certs)
    if certs in leading and found[certs].kind == "directory":
        target = leading[certs]
        for stat in session.list_tree(target, depth=DEPTH):
            inside = f"{certs}{stat.path[len(target) :]}"
            found[inside] = replace(stat, path=inside)
    return found


def _leads_on(seen: dict[str, FileStat], path: str) -> bool:
    return path in seen and _is_link(seen[path]) and bool(seen[path].target)


def _led_to(path: str, target: str | None) -> str:
    named = target or ""
    return normpath(named if isabs(named) else join(dirname(path), named))


def _refuse_away(session: WindowsSession, install: Install, path: str, target: str) -> None:
    inside = f"{target}\\".casefold().startswith(f"{install.directory}\\".casefold())
    if inside or install.account.casefold() in _SYSTEM:
        return
    raise ConnectorError(
        f"a link in {install.directory} leads out of it, to {target}",
        host=session.host,
        tried=f"looked where {path} leads",
        meaning=f"an administrator is not asked to read it: {install.account}, which may write there, may have planted the link",
        remedy="replace the link by a plain file or directory",
    )
