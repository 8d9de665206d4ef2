"""Whether the service account of a Linux host can use a set, and which parts of a set are links."""

from __future__ import annotations

from collections.abc import Sequence

from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install
from tui.remote.session import ROOT, FileAttributes, Session

_READ, _WRITE, _ENTER = 0o4, 0o2, 0o1


def unusable(session: Session, install: Install, files: ConfigurationSet) -> tuple[str, ...]:
    """The paths of `files` that the service account cannot read, and config.json when it cannot rewrite it.

    Judged by owner, group and mode, with one round trip for the account's groups where they matter; a file with an ACL
    is given the benefit of the doubt.
    """
    account = install.account
    if account in ("", ROOT):
        return ()
    config = set_paths(files.layout).config
    wanted = {
        path: (file.attributes, _READ | _WRITE if path == config else _READ) for path, file in files.files.items()
    }
    wanted |= {path: (attributes, _READ | _ENTER) for path, attributes in files.directories.items()}
    doubtful = [path for path, (attributes, bits) in wanted.items() if not _allowed(attributes, bits, account, ())]
    if not doubtful:
        return ()
    groups = session.run('id -Gn -- "$1"', [account], expect=None).text.split()
    return tuple(sorted(path for path in doubtful if not _allowed(*wanted[path], account, groups)))


def set_links(session: Session, install: Install) -> dict[str, str]:
    """The parts of the set that are links, and what each leads to, in one round trip."""
    paths = set_paths(install.layout)
    parts = (paths.config, paths.profile_mapper, paths.certs)
    seen = session.stat_files([f"{install.directory}/{part}" for part in parts], user=ROOT)
    found = {part: seen.get(f"{install.directory}/{part}") for part in parts}
    return {part: stat.target or "" for part, stat in found.items() if stat is not None and stat.kind == "symlink"}


def _allowed(attributes: FileAttributes, bits: int, account: str, groups: Sequence[str]) -> bool:
    if attributes.acl is not None:
        return True
    if attributes.owner == account:
        return (attributes.mode >> 6) & bits == bits
    if attributes.group in groups:
        return (attributes.mode >> 3) & bits == bits
    return attributes.mode & bits == bits
