"""Whether the service account of a Linux host can use a set, and which parts of a set are links."""

from __future__ import annotations

from collections.abc import Sequence

from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, Install
from tui.connector.scripts import load
from tui.remote.session import ROOT, FileAttributes, Session

_READ, _WRITE, _ENTER = 0o4, 0o2, 0o1


def unusable(session: Session, install: Install, files: ConfigurationSet) -> tuple[str, ...]:
    """The paths of `files` that the service account cannot read, and config.json when it cannot rewrite it.

    What lies on the host is tried there, as that account, in one round trip; what does not yet is judged by the owner,
    group, mode and ACL that it will have, with one more for the account's groups. Raises what becoming the account does.
    """
    account = install.account
    if account in ("", ROOT):
        return ()
    config = set_paths(files.layout).config
    paths = [*files.files, *files.directories]
    absolute = [f"{install.directory}/{path}" for path in paths]
    answer = session.run(load("account_access.sh"), [f"{install.directory}/{config}", *absolute], user=account)
    found: dict[str, list[str]] = {"refused": [], "absent": []}
    for line in answer.text.splitlines():
        word, _, number = line.partition(" ")
        found[word].append(paths[int(number)])
    refused, absent = found["refused"], found["absent"]
    if absent:
        groups = session.run('id -Gn -- "$1"', [account], expect=None).text.split()
        refused += [path for path in absent if not _will_be_allowed(files, path, config, account, groups)]
    return tuple(sorted(refused))


def set_links(session: Session, install: Install) -> dict[str, str]:
    """The parts of the set that are links, and what each leads to, in one round trip."""
    paths = set_paths(install.layout)
    parts = (paths.config, paths.profile_mapper, paths.certs)
    seen = session.stat_files([f"{install.directory}/{part}" for part in parts], user=ROOT)
    found = {part: seen.get(f"{install.directory}/{part}") for part in parts}
    return {part: stat.target or "" for part, stat in found.items() if stat is not None and stat.kind == "symlink"}


def _will_be_allowed(files: ConfigurationSet, path: str, config: str, account: str, groups: Sequence[str]) -> bool:
    if path in files.directories:
        return allowed(files.directories[path], _READ | _ENTER, account, groups)
    return allowed(files.files[path].attributes, _READ | _WRITE if path == config else _READ, account, groups)


def allowed(attributes: FileAttributes, bits: int, account: str, groups: Sequence[str]) -> bool:
    """Whether an account in `groups` has all of `bits` (4 read, 2 write, 1 enter) on what has these attributes."""
    if attributes.acl is not None:
        return _acl_allows(attributes, bits, account, groups)
    if attributes.owner == account:
        return (attributes.mode >> 6) & bits == bits
    if attributes.group in groups:
        return (attributes.mode >> 3) & bits == bits
    return attributes.mode & bits == bits


def _acl_allows(attributes: FileAttributes, bits: int, account: str, groups: Sequence[str]) -> bool:
    """As the kernel decides: the owner, else the named user, else any group that has them all, else the others."""
    granted: dict[tuple[str, str], int] = {}
    for line in (attributes.acl or "").splitlines():
        kind, _, rest = line.partition(":")
        name, _, letters = rest.partition(":")
        granted[kind, name] = sum(bit for bit, letter in ((4, "r"), (2, "w"), (1, "x")) if letter in letters[:3])
    mask = granted.get(("mask", ""), 0o7)

    def has(rights: int) -> bool:
        return rights & bits == bits

    if attributes.owner == account:
        return has(granted.get(("user", ""), (attributes.mode >> 6) & 7))
    if ("user", account) in granted:
        return has(granted["user", account] & mask)
    of_groups = [rights for (kind, name), rights in granted.items() if kind == "group" and name and name in groups]
    if attributes.group in groups:
        of_groups.append(granted.get(("group", ""), (attributes.mode >> 3) & 7))
    if of_groups:
        return any(has(rights & mask) for rights in of_groups)
    return has(granted.get(("other", ""), attributes.mode & 7))
