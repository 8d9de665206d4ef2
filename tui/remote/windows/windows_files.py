"""Files of a Windows host by this package's scripts, over either transport."""

from __future__ import annotations

import base64
import hashlib
import ntpath
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tui.remote.errors import FileFailure, RemoteFileError, ScriptFailed
from tui.remote.session import FileAttributes, FileStat
from tui.remote.windows.own_scripts import own_script
from tui.remote.windows_session import Parameter, Script

_SECONDS = 60.0

_CODES = {
    "too-large": FileFailure.TOO_LARGE,
    "corrupted": FileFailure.CORRUPTED,
    "led-away": FileFailure.LED_AWAY,
}

_HRESULTS = {
    0x80070002: FileFailure.MISSING,
    0x80070003: FileFailure.MISSING,
    0x80070005: FileFailure.DENIED,
    0x80070013: FileFailure.READ_ONLY,
    0x80070020: FileFailure.LOCKED,
    0x80070021: FileFailure.LOCKED,
    0x80070027: FileFailure.NO_SPACE,
    0x80070070: FileFailure.NO_SPACE,
    0x8007050F: FileFailure.NO_SPACE,
    0x800700CE: FileFailure.TOO_LONG,
}

_TYPES = {
    "FileNotFoundException": FileFailure.MISSING,
    "DirectoryNotFoundException": FileFailure.MISSING,
    "DriveNotFoundException": FileFailure.MISSING,
    "ItemNotFoundException": FileFailure.MISSING,
    "UnauthorizedAccessException": FileFailure.DENIED,
    "PrivilegeNotHeldException": FileFailure.DENIED,
    "PathTooLongException": FileFailure.TOO_LONG,
}

_MEANINGS = {
    FileFailure.MISSING: ("it, or its folder, does not exist", "check the path"),
    FileFailure.DENIED: (
        "the account may not do that",
        "check its permissions on the file and the folder, that the file is not read-only, and what a virus scanner forbids",
    ),
    FileFailure.NO_SPACE: ("the disk is full, or a quota is used up", "make room on the host"),
    FileFailure.READ_ONLY: ("the disk is write-protected", "find out why, and make it writable"),
    FileFailure.LED_AWAY: (
        "a link leads out of the folder that it belongs to",
        "see who made that link; put a plain file or folder in its place",
    ),
    FileFailure.TOO_LARGE: ("the file is larger than is accepted", "look at the file"),
    FileFailure.CORRUPTED: ("what arrived is not what was sent", "try again; check the connection if it happens again"),
    FileFailure.LOCKED: (
        "another process holds it open",
        "see who does (Resource Monitor, handle.exe): an editor, a backup or a virus scanner; close it and try again",
    ),
    FileFailure.TOO_LONG: (
        "the path is longer than the 260 characters that Windows allows",
        "move the connector to a shorter path",
    ),
    FileFailure.OTHER: ("the host refused it", "look at the file on the host"),
}


class Invoker(Protocol):
    """The part of a WindowsSession that runs scripts."""

    @property
    def host(self) -> str:
        """The host's name in the cluster file."""
        ...

    def invoke(
        self, script: Script, parameters: Mapping[str, Parameter] | None = None, *, timeout: float = 30.0
    ) -> dict[str, Any]:
        """See WindowsSession.invoke."""
        ...


def failure_reason(error: ScriptFailed) -> FileFailure:
    """What an error of a file script means."""
    code = re.match(r"\[([a-z-]+)\]", _said(error))
    if code and code[1] in _CODES:
        return _CODES[code[1]]
    hresult = error.hresult & 0xFFFFFFFF
    if hresult in _HRESULTS:
        return _HRESULTS[hresult]
    return _TYPES.get(error.error_type.rpartition(".")[2], FileFailure.OTHER)


def file_error(host: str, what: str, path: str, error: ScriptFailed) -> RemoteFileError:
    """The error for a file operation that failed."""
    reason = failure_reason(error)
    meaning, remedy = _MEANINGS[reason]
    return RemoteFileError(
        f"{path} could not be {what}: {meaning}", reason=reason, host=host, tried=_said(error)[-300:], remedy=remedy
    )


def _said(error: ScriptFailed) -> str:
    """The host's own words."""
    return error.summary.partition("ended with an error: ")[2]


def checked(host: str, path: str) -> str:
    r"""`path` without a trailing `\`. Raises RemoteFileError unless it is absolute, with a drive or a share, and below it."""
    drive, rest = ntpath.splitdrive(path)
    below = rest.strip("\\/")
    if not drive or not rest.startswith("\\") or not below or any(ord(letter) < 32 for letter in path):
        raise RemoteFileError(f"{path!r} is no absolute Windows path", reason=FileFailure.OTHER, host=host)
    if len(path) >= 32_000:
        raise RemoteFileError(f"{path[:60]}… is too long", reason=FileFailure.TOO_LONG, host=host)
    return path.rstrip("\\")


def _do(session: Invoker, name: str, parameters: Mapping[str, Parameter], what: str, path: str) -> dict[str, Any]:
    try:
        return session.invoke(own_script(name), parameters, timeout=_SECONDS)
    except ScriptFailed as error:
        raise file_error(session.host, what, _named(error, parameters) or path, error) from None


def _named(error: ScriptFailed, parameters: Mapping[str, Parameter]) -> str | None:
    """Which of several paths the error is about, when it says so."""
    paths = parameters.get("Paths")
    if not isinstance(paths, (list, tuple)):
        return None
    return next((path for path in sorted(paths, key=len, reverse=True) if path in error.summary), None)


def read_files(session: Invoker, paths: Sequence[str], *, limit: int) -> dict[str, bytes]:
    """See HostSession.read_files."""
    asked = {path: checked(session.host, path) for path in paths}
    if not asked:
        return {}
    parameters: dict[str, Parameter] = {"Paths": list(asked.values()), "Limit": limit}
    done = _do(session, "Read-Files.ps1", parameters, "read", paths[0])
    found = {entry["path"]: base64.b64decode(entry["data"]) for entry in done["files"]}
    return {path: found[name] for path, name in asked.items() if name in found}


def stat_files(session: Invoker, paths: Sequence[str]) -> dict[str, FileStat]:
    """See HostSession.stat_files."""
    asked = {path: checked(session.host, path) for path in paths}
    if not asked:
        return {}
    done = _do(session, "Get-Entries.ps1", {"Paths": list(asked.values())}, "looked at", paths[0])
    found = {entry["path"]: entry for entry in done["entries"]}
    return {path: _stat(found[name], path) for path, name in asked.items() if name in found}


def list_tree(session: Invoker, directory: str, *, depth: int) -> list[FileStat]:
    """See HostSession.list_tree."""
    top = checked(session.host, directory)
    done = _do(session, "Get-Tree.ps1", {"Directory": top, "Depth": depth}, "listed", directory)
    return sorted((_stat(entry, entry["path"]) for entry in done["entries"]), key=lambda entry: entry.path)


def _stat(entry: Mapping[str, Any], path: str) -> FileStat:
    attributes = FileAttributes(owner=entry["owner"] or "", group="", mode=0, acl=entry["sddl"] or None)
    return FileStat(path, entry["kind"], int(entry["size"]), float(entry["modified"]), attributes, entry["target"])


def write_file(
    session: Invoker, path: str, data: bytes, attributes: FileAttributes, *, within: str | None = None
) -> None:
    """See HostSession.write_file."""
    parameters = {
        "Path": checked(session.host, path),
        "Data": base64.b64encode(data).decode("ascii"),
        "Sha256": hashlib.sha256(data).hexdigest(),
        "Sddl": attributes.acl or "",
        "Within": checked(session.host, within) if within else "",
    }
    _do(session, "Write-File.ps1", parameters, "written", path)


def make_directory(session: Invoker, path: str, attributes: FileAttributes, *, within: str | None = None) -> None:
    """See HostSession.make_directory."""
    parameters = {
        "Path": checked(session.host, path),
        "Sddl": attributes.acl or "",
        "Within": checked(session.host, within) if within else "",
    }
    _do(session, "New-Folder.ps1", parameters, "made", path)


def rename(session: Invoker, source: str, target: str) -> None:
    """See HostSession.rename."""
    parameters = {"Source": checked(session.host, source), "Target": checked(session.host, target)}
    _do(session, "Move-Entry.ps1", parameters, f"renamed to {target}", source)


def remove(session: Invoker, path: str, *, tree: bool, within: str | None = None) -> None:
    """See HostSession.remove."""
    parameters: dict[str, Parameter] = {
        "Path": checked(session.host, path),
        "Tree": tree,
        "Within": checked(session.host, within) if within else "",
    }
    _do(session, "Remove-Entry.ps1", parameters, "removed", path)
