"""What the file scripts print, read. Pure functions over bytes."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tui.remote.session import FileAttributes, FileStat

_OCTAL = re.compile(rb"\\([0-7]{3})")
Kind = Literal["file", "directory", "symlink", "other"]


def parse_read(output: bytes, boundary: bytes, count: int) -> list[tuple[bytes, str]] | None:
    """The bytes and outcome word of each of `count` files; None when the output is not whole."""
    parts = output.split(boundary)
    if len(parts) != 2 * count + 1 or parts[0]:
        return None
    return [(parts[index], parts[index + 1].decode("utf-8", "replace")) for index in range(1, 2 * count, 2)]


@dataclass(slots=True)
class _Listing:
    entries: dict[bytes, FileStat] = field(default_factory=dict)
    targets: dict[bytes, str] = field(default_factory=dict)
    acls: dict[bytes, str] = field(default_factory=dict)
    labels: dict[bytes, str] = field(default_factory=dict)


def parse_listing(output: bytes, boundary: bytes) -> list[FileStat]:
    """The entries that stat.sh described, with link targets, ACLs and labels put together."""
    listing = _Listing()
    for record in output.split(boundary)[1:]:
        mark, rest = record[:1], record[1:]
        if mark == b"|":
            _entry(rest.removesuffix(b"\n"), listing)
        elif mark == b">":
            target, _, path = rest.rpartition(b"|/")
            listing.targets[b"/" + path] = _text(target)
        elif mark == b"+":
            listing.acls.update(parse_acls(rest))
        elif mark == b"@":
            label, _, path = rest.removesuffix(b"\n").partition(b"|")
            if label != b"?":
                listing.labels[path] = _text(label)
    return [_whole(path, entry, listing) for path, entry in listing.entries.items()]


def _entry(record: bytes, listing: _Listing) -> None:
    raw, size, modified, owner, uid, group, gid, path = record.split(b"|", 7)
    mode = int(raw, 16)
    attributes = FileAttributes(
        owner=_text(uid if owner == b"UNKNOWN" else owner),
        group=_text(gid if group == b"UNKNOWN" else group),
        mode=stat.S_IMODE(mode),
    )
    listing.entries[path] = FileStat(_text(path), _kind(mode), int(size), float(modified), attributes)


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "symlink" if stat.S_ISLNK(mode) else "other"


def _whole(path: bytes, entry: FileStat, listing: _Listing) -> FileStat:
    # getfacl follows links, so what it says of one is about another file.
    acl = None if entry.kind == "symlink" else listing.acls.get(path)
    attributes = replace(entry.attributes, acl=acl, label=listing.labels.get(path))
    return replace(entry, attributes=attributes, target=listing.targets.get(path))


def parse_acls(output: bytes) -> Mapping[bytes, str]:
    """Paths and ACL texts (`getfacl -c -E` form) from `getfacl -s -E -p` output."""
    found: dict[bytes, str] = {}
    for block in output.split(b"\n\n"):
        path, lines = b"", []
        for line in block.split(b"\n"):
            if line.startswith(b"# file: "):
                path = _OCTAL.sub(lambda octal: bytes([int(octal[1], 8)]), line[8:])
            elif line and not line.startswith(b"#"):
                lines.append(_text(line))
        if path and lines:
            found[path] = "\n".join(lines) + "\n"
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
