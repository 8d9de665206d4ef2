"""Whether the service account can use the set: a key that it cannot read makes the connector publish a pair of its own."""

from __future__ import annotations

from tui.connector.instance import Instance
from tui.connector.layouts import set_paths
from tui.connector.model import ConfigurationSet, SetFile
from tui.findings import Finding, Severity
from tui.remote.session import ROOT, FileAttributes

_READ, _WRITE, _ENTER = 0o4, 0o2, 0o1


def unreadable(instance: Instance, files: ConfigurationSet) -> Finding | None:
    """The finding for files that the service account cannot read, or a config.json that it cannot rewrite.

    Judged by owner, group and mode; a file with an ACL is given the benefit of the doubt. None when all is well.
    """
    account = instance.install.account
    if account in ("", ROOT):
        return None
    config = set_paths(files.layout).config
    wanted = [(path, file.attributes, _rights(path, file, config)) for path, file in files.files.items()]
    wanted += [(path, attributes, _READ | _ENTER) for path, attributes in files.directories.items()]
    doubtful = [
        (path, attributes, bits) for path, attributes, bits in wanted if not _allowed(attributes, bits, account, ())
    ]
    if not doubtful:
        return None
    groups = instance.session.run('id -Gn -- "$1"', [account], expect=None).text.split()
    refused = sorted(path for path, attributes, bits in doubtful if not _allowed(attributes, bits, account, groups))
    if not refused:
        return None
    return Finding(
        id="not-readable-by-service",
        severity=Severity.BLOCKER,
        summary=f"the service account {account} cannot use {', '.join(refused)}",
        evidence=("a connector that cannot read its key makes a new one and publishes it",),
        remedy=f"give these files to {account} (chown) or open them to its group, then retry",
    )


def _rights(path: str, file: SetFile, config: str) -> int:
    return _READ | _WRITE if path == config else _READ


def _allowed(attributes: FileAttributes, bits: int, account: str, groups: list[str] | tuple[str, ...]) -> bool:
    if attributes.acl is not None:
        return True
    if attributes.owner == account:
        return (attributes.mode >> 6) & bits == bits
    if attributes.group in groups:
        return (attributes.mode >> 3) & bits == bits
    return attributes.mode & bits == bits
