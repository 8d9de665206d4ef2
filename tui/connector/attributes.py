"""Who may do what with a file: owner, group and mode on Linux, owner and ACL (SDDL) on Windows; and how one becomes the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.remote.session import FileAttributes

FROM_FOLDER = FileAttributes(owner="", group="", mode=0)
"""What a new file on Windows is asked for: the ACL that its folder gives, and the owner that Windows gives."""

_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700
_BOOKKEEPING = re.compile(r"([DS]):((?:P|AI|AR)*)(?=\(|[DS]:|$)")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Whose a file is that a host does not have yet: `owner` and `group` of the install, `account` of its service."""

    owner: str
    group: str
    account: str = ""


def attributes_for_new(
    theirs: FileAttributes, newcomer: Newcomer, *, source: str, target: str, directory: bool = False
) -> FileAttributes:
    """What a file or directory gets that the target host does not have yet; `source` and `target` are `linux` or `windows`.

    From Linux to Linux the mode is the source's. An ACL has no mode, so what comes from Windows is the service account's alone.
    """
    if target == "windows":
        return FROM_FOLDER
    if source == "windows":
        mode = _PRIVATE_DIRECTORY if directory else _PRIVATE_FILE
        return FileAttributes(owner=newcomer.account or newcomer.owner, group=newcomer.group, mode=mode)
    return FileAttributes(owner=newcomer.owner, group=newcomer.group, mode=theirs.mode)


def as_meant(here: FileAttributes, wanted: FileAttributes) -> bool:
    """Whether a placed file has the attributes that were asked for.

    An ACL or label that the folder gave is kept where none was asked for.
    """
    if wanted == FROM_FOLDER:
        return True
    if (here.owner, here.group, here.mode) != (wanted.owner, wanted.group, wanted.mode):
        return False
    return not _is_sddl(wanted.acl) or _plain(here) == _plain(replace(wanted, label=here.label))


def same_attributes(here: FileAttributes | None, there: FileAttributes | None) -> bool:
    """Whether two files may be used by the same accounts in the same ways.

    How an ACL came about (Windows' flags for automatic inheritance) makes no difference.
    """
    return _plain(here) == _plain(there)


def told_attributes(attributes: FileAttributes) -> str:
    """Owner, group and mode, or owner and kind of ACL, for display."""
    if attributes == FROM_FOLDER:
        return "ACL of its folder"
    if _is_sddl(attributes.acl):
        return f"{attributes.owner}, {told_mode(attributes.mode, attributes.acl)}"
    return f"{attributes.owner}:{attributes.group} {attributes.mode:04o}"


def told_mode(mode: int, acl: str | None) -> str:
    """A mode in octal digits; on Windows whether the ACL is the folder's or the file's own."""
    if acl is None or not _is_sddl(acl):
        return f"{mode:04o}"
    aces = re.findall(r"\([^;()]*;([^;()]*);", acl.partition("D:")[2])
    return "folder's ACL" if aces and all("ID" in flags for flags in aces) else "own ACL"


def _is_sddl(acl: str | None) -> bool:
    return acl is not None and acl.startswith(("O:", "G:", "D:"))


def _plain(attributes: FileAttributes | None) -> FileAttributes | None:
    if attributes is None or attributes.acl is None or not _is_sddl(attributes.acl):
        return attributes
    kept = _BOOKKEEPING.sub(lambda found: f"{found[1]}:{'P' if 'P' in found[2] else ''}", attributes.acl)
    return replace(attributes, acl=kept)
