"""Reading a configuration set from a host: bytes and attributes, links followed, nothing changed.

Root does not follow a link out of the install: the service account owns that directory, and could let root hand out any
file of the host. What such a link leads to is read as the service account.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from posixpath import dirname, relpath

from tui.connector.errors import ConnectorError
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install, SetFile
from tui.remote.errors import FileFailure, RemoteFileError
from tui.remote.session import ROOT, FileAttributes, FileStat, Session

_DEPTH = 6


@dataclass(slots=True)
class _Seen:
    """What was found by path (links replaced by what they lead to), and which of it lies outside the install."""

    stats: dict[str, FileStat]
    outside: set[str] = field(default_factory=set)


def read_set(session: Session, install: Install) -> ConfigurationSet:
    """The set as it is now, in three round trips (more where files of it are links); absent files are absent.

    Raises ConnectorError for a link that leads to what the service account itself cannot read.
    """
    root = install.directory
    seen = _look(session, install)
    files_seen = [path for path, stat in seen.stats.items() if stat.kind == "file"]
    inside = [path for path in files_seen if path not in seen.outside]
    contents = session.read_files(inside, user=ROOT) if inside else {}
    contents |= _read_outside(session, install, [path for path in files_seen if path in seen.outside])
    files = {
        relpath(path, root): SetFile(relpath(path, root), contents[path], seen.stats[path].attributes)
        for path in files_seen
        if path in contents
    }
    directories: dict[str, FileAttributes] = {
        relpath(path, root): stat.attributes for path, stat in seen.stats.items() if stat.kind == "directory"
    }
    return ConfigurationSet(
        layout=install.layout,
        version=install.version,
        files=dict(sorted(files.items())),
        directories=dict(sorted(directories.items())),
    )


def _look(session: Session, install: Install) -> _Seen:
    paths, root = set_paths(install.layout), install.directory
    config, mapper, certs = (f"{root}/{path}" for path in (paths.config, paths.profile_mapper, paths.certs))
    lone = session.stat_files([config, mapper, certs, dirname(mapper)], user=ROOT)
    tree = session.list_tree(certs, depth=_DEPTH, user=ROOT) if _is(lone, certs, "directory") else []
    seen = _Seen({stat.path: stat for stat in [*lone.values(), *tree]})
    _resolve(session, install, seen, [stat.path for stat in seen.stats.values() if stat.kind == "symlink"])
    if _is(lone, certs, "symlink") and _is(seen.stats, certs, "directory"):
        away = certs in seen.outside
        inside = _list_behind(session, install, certs, away=away)
        seen.stats.update(inside)
        if away:
            seen.outside.update(inside)
        _resolve(session, install, seen, [path for path, stat in inside.items() if stat.kind == "symlink"])
    if dirname(mapper) in seen.outside and mapper in seen.stats:
        seen.outside.add(mapper)
    return seen


def _is(stats: dict[str, FileStat], path: str, kind: str) -> bool:
    return path in stats and stats[path].kind == kind


def _list_behind(session: Session, install: Install, certs: str, *, away: bool) -> dict[str, FileStat]:
    """What lies below a certs folder that is a link, by the link's own path."""
    try:
        found = session.list_tree(f"{certs}/.", depth=_DEPTH, user=_reader(install) if away else ROOT)
    except RemoteFileError as error:
        if error.reason is not FileFailure.DENIED:
            raise
        raise _unreadable(session, install, certs) from None
    return {(path := stat.path.replace(f"{certs}/./", f"{certs}/")): _at(stat, path) for stat in found}


def _at(stat: FileStat, path: str) -> FileStat:
    return FileStat(path, stat.kind, stat.size, stat.modified, stat.attributes, stat.target)


def _resolve(session: Session, install: Install, seen: _Seen, links: list[str]) -> None:
    """Put what the links lead to in their place; broken links are left as links."""
    if not links:
        return
    script = 'for link in "$@"; do readlink -f -- "$link" || echo; done'
    top, *targets = session.run(script, [install.directory, *links], user=ROOT).text.splitlines()
    behind = session.stat_files([target for target in targets if target], user=ROOT)
    for path, target in zip(links, targets, strict=False):
        if target in behind:
            seen.stats[path] = behind[target]
            if not f"{target}/".startswith(f"{top or install.directory}/"):
                seen.outside.add(path)


def _read_outside(session: Session, install: Install, paths: list[str]) -> dict[str, bytes]:
    if not paths:
        return {}
    try:
        found = session.read_files(paths, user=_reader(install))
    except RemoteFileError as error:
        if error.reason is not FileFailure.DENIED:
            raise
        raise _unreadable(session, install, paths[0]) from None
    # Below a directory that the account cannot enter, nothing exists for it.
    if hidden := [path for path in paths if path not in found]:
        raise _unreadable(session, install, hidden[0])
    return found


def _reader(install: Install) -> str:
    return install.account or ROOT


def _unreadable(session: Session, install: Install, path: str) -> ConnectorError:
    return ConnectorError(
        f"a link in {install.directory} leads to what the connector itself cannot read",
        host=session.host,
        tried=f"read {path}, which leads out of the install, as {_reader(install)}",
        meaning="root is not asked to read it: whoever owns this directory may have planted the link",
        remedy=f"see what {path} leads to; remove the link, or let {_reader(install)} read what is behind it",
    )
