"""Reading a configuration set from a host: bytes and attributes, links followed, nothing changed."""

from __future__ import annotations

from posixpath import dirname, relpath

from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install, SetFile
from tui.remote.session import ROOT, FileAttributes, FileStat, Session

_DEPTH = 6


def read_set(session: Session, install: Install) -> ConfigurationSet:
    """The set as it is now, in three round trips (more where files of it are links); absent files are absent."""
    paths, root = set_paths(install.layout), install.directory
    config, mapper, certs = (f"{root}/{path}" for path in (paths.config, paths.profile_mapper, paths.certs))
    lone = session.stat_files([config, mapper, certs, dirname(mapper)], user=ROOT)
    tree = session.list_tree(certs, depth=_DEPTH, user=ROOT) if certs in lone else []
    seen = {stat.path: stat for stat in [*lone.values(), *tree]}
    seen.update(_behind_links(session, [stat for stat in seen.values() if stat.kind == "symlink"]))
    if certs in lone and lone[certs].kind == "symlink" and seen[certs].kind == "directory":
        inside = session.list_tree(f"{certs}/.", depth=_DEPTH, user=ROOT)
        seen.update({stat.path.replace(f"{certs}/./", f"{certs}/"): stat for stat in inside})
    wanted = [path for path, stat in seen.items() if stat.kind == "file"]
    contents = session.read_files(wanted, user=ROOT) if wanted else {}
    files = {
        relpath(path, root): SetFile(relpath(path, root), data, seen[path].attributes)
        for path, data in contents.items()
    }
    directories: dict[str, FileAttributes] = {
        relpath(path, root): stat.attributes for path, stat in seen.items() if stat.kind == "directory"
    }
    return ConfigurationSet(
        layout=install.layout,
        version=install.version,
        files=dict(sorted(files.items())),
        directories=dict(sorted(directories.items())),
    )


def _behind_links(session: Session, links: list[FileStat]) -> dict[str, FileStat]:
    """What the links lead to, by the links' own paths; broken links are left as links."""
    if not links:
        return {}
    script = 'for link in "$@"; do readlink -f "$link" || echo; done'
    paths = [link.path for link in links]
    targets = session.run(script, paths, user=ROOT).text.splitlines()
    behind = session.stat_files([target for target in targets if target], user=ROOT)
    return {path: behind[target] for path, target in zip(paths, targets, strict=False) if target in behind}
