"""The file scripts: reading, listing, writing beside the target and moving, with Windows' errors."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui.lab.windows import dotnet

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost


def read_files(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """The bytes of every file that is there."""
    found = []
    for path in given["Paths"]:
        if not host.tree.real(path).exists():
            continue
        data = host.tree.read(path)
        if len(data) > given["Limit"]:
            raise dotnet.refused(f"[too-large] {path} ({len(data)} bytes)")
        found.append({"path": path, "data": base64.b64encode(data).decode("ascii")})
    return {"files": found}


def get_entries(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """What each path is; missing ones are absent."""
    return {"entries": [entry for path in given["Paths"] if (entry := host.tree.entry(path)) is not None]}


def get_tree(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Everything below a directory."""
    return {"entries": host.tree.below(given["Directory"], given["Depth"])}


def write_file(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a file in one move; the bytes must have the hash that is said."""
    try:
        data = base64.b64decode(given["Data"], validate=True)
    except binascii.Error:
        raise dotnet.error("System.FormatException", "The input is not a valid Base-64 string.", 0x80131537) from None
    if hashlib.sha256(data).hexdigest() != given["Sha256"].lower():
        raise dotnet.refused(f"[corrupted] {given['Path']}")
    return {"bytes": host.tree.replace(given["Path"], data, given["Sddl"], given["Within"])}


def new_folder(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Create one directory."""
    return {"created": host.tree.make_directory(given["Path"], given["Sddl"], given["Within"])}


def move_entry(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Move one file or directory."""
    host.tree.move(given["Source"], given["Target"])
    return {"moved": True}


def remove_entry(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Remove a file or a tree, and what writes of it that were cut off left beside it."""
    for leftover in host.tree.leftovers(host.tree.real(given["Path"])):
        host.tree.remove(host.tree.drive.shown(leftover))
    return {"removed": host.tree.remove(given["Path"], tree=given["Tree"], within=given["Within"])}


ANSWERS = {
    "Read-Files.ps1": read_files,
    "Get-Entries.ps1": get_entries,
    "Get-Tree.ps1": get_tree,
    "Write-File.ps1": write_file,
    "New-Folder.ps1": new_folder,
    "Move-Entry.ps1": move_entry,
    "Remove-Entry.ps1": remove_entry,
}
