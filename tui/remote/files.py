"""File operations as POSIX sh, so that a host needs no SFTP server.

Assumed on a host: a POSIX shell and the coreutils or busybox forms of cat, chmod, chown, cut, find, id, ls, mkdir, mv,
readlink -f, rm, rmdir, stat -c, sync, wc, and one of sha256sum, openssl, shasum. Used where present: getfacl and setfacl,
chcon with SELinux, /proc.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from secrets import token_hex

from tui.remote.errors import CommandFailed, FileFailure, RemoteFileError
from tui.remote.file_listing import parse_listing, parse_read
from tui.remote.session import Completed, FileAttributes, FileStat, Session

_READ_SECONDS = 60.0
_WRITE_SECONDS = 60.0
_CHECKSUM_DIFFERS = 3

_REASONS = (
    ("no space left", FileFailure.NO_SPACE),
    ("quota exceeded", FileFailure.NO_SPACE),
    ("read-only file system", FileFailure.READ_ONLY),
    ("permission denied", FileFailure.DENIED),
    ("operation not permitted", FileFailure.DENIED),
    ("file too large", FileFailure.TOO_LARGE),
    ("no such file", FileFailure.MISSING),
    ("directory nonexistent", FileFailure.MISSING),
    ("nonexistent directory", FileFailure.MISSING),
    ("not a directory", FileFailure.MISSING),
    ("leads out of", FileFailure.LED_AWAY),
    ("checksum differs", FileFailure.CORRUPTED),
)

_MEANINGS = {
    FileFailure.MISSING: ("it, or its directory, does not exist", "check the path"),
    FileFailure.DENIED: ("the account may not do that", "check the owner and mode, and `become` in the cluster file"),
    FileFailure.NO_SPACE: ("the file system is full, or a quota is used up", "make room on the host"),
    FileFailure.READ_ONLY: ("the file system is mounted read-only", "find out why, and mount it writable"),
    FileFailure.LED_AWAY: (
        "a link leads out of the directory that it belongs to",
        "see who made that link; put a plain file or directory in its place",
    ),
    FileFailure.TOO_LARGE: ("the file is larger than is accepted", "look at the file"),
    FileFailure.CORRUPTED: ("what arrived is not what was sent", "try again; check the connection if it happens again"),
    FileFailure.OTHER: ("the host refused it", "look at the file on the host"),
}


@cache
def _script(name: str) -> str:
    return resources.files("tui.remote").joinpath("scripts", f"{name}.sh").read_text("utf-8")


def failure_reason(said: str) -> FileFailure:
    """The reason in what a tool printed under LC_ALL=C."""
    lower = said.lower()
    return next((reason for words, reason in _REASONS if words in lower), FileFailure.OTHER)


def file_error(session: Session, what: str, path: str, said: str, reason: FileFailure | None = None) -> RemoteFileError:
    """The error for a file operation that failed; `said` is what the host's tools printed."""
    reason = reason or failure_reason(said)
    meaning, remedy = _MEANINGS[reason]
    words = " ".join(said.split())[-300:]
    return RemoteFileError(
        f"{path} could not be {what}: {meaning}",
        reason=reason,
        host=session.host,
        tried=words or None,
        remedy=remedy,
    )


def _checked(session: Session, path: str) -> str:
    if not path.startswith("/") or "\n" in path or "\0" in path or path.rstrip("/") == "":
        raise RemoteFileError(
            f"{path!r} is not an absolute path without line breaks", reason=FileFailure.OTHER, host=session.host
        )
    return path.rstrip("/")


def _do(
    session: Session,
    script: str,
    arguments: Sequence[str],
    what: str,
    path: str,
    user: str | None,
    stdin: bytes = b"",
) -> Completed:
    try:
        return session.run(script, arguments, stdin=stdin, user=user, timeout=_WRITE_SECONDS)
    except CommandFailed as error:
        raise file_error(session, what, path, error.meaning or "") from None


def read_files(session: Session, paths: Sequence[str], *, user: str | None, limit: int) -> dict[str, bytes]:
    """See Session.read_files."""
    checked = [_checked(session, path) for path in paths]
    if not checked:
        return {}
    boundary = token_hex(16)
    done = session.run(_script("read"), [boundary, str(limit), *checked], user=user, timeout=_READ_SECONDS, expect=None)
    answers = parse_read(done.stdout, boundary.encode(), len(checked))
    if answers is None:
        raise file_error(session, "read", paths[0], done.error_text)
    found = {}
    for path, (data, outcome) in zip(paths, answers, strict=True):
        word, _, said = outcome.partition(" ")
        if word == "ok":
            found[path] = data
        elif word == "large":
            raise file_error(session, "read", path, f"{said} bytes, {limit} accepted", FileFailure.TOO_LARGE)
        elif word == "other":
            raise file_error(session, "read", path, "it is no regular file", FileFailure.OTHER)
        elif word == "failed" or (word == "absent" and failure_reason(said) is not FileFailure.MISSING):
            raise file_error(session, "read", path, said)
    return found


def stat_files(session: Session, paths: Sequence[str], *, user: str | None) -> dict[str, FileStat]:
    """See Session.stat_files."""
    checked = [_checked(session, path) for path in paths]
    if not checked:
        return {}
    script = f'boundary=$1\nshift\n{_script("stat")}\ndescribe "$@"\n'
    found = {entry.path: entry for entry in _listed(session, script, checked, user, checked[0])}
    return {
        path: FileStat(path, entry.kind, entry.size, entry.modified, entry.attributes, entry.target)
        for path, asked in zip(paths, checked, strict=True)
        if (entry := found.get(asked))
    }


def list_tree(session: Session, directory: str, *, depth: int, user: str | None) -> list[FileStat]:
    """See Session.list_tree."""
    top = _checked(session, directory)
    # The function travels as an argument of find's own shell; find lists each batch in one go.
    script = (
        "boundary=$1 top=$2 depth=$3 describe=$4\nexport boundary\n"
        '[ -d "$top" ] || { ls -ld -- "$top/" >/dev/null; exit 0; }\n'
        'find -H "$top" -mindepth 1 -maxdepth "$depth" -exec /bin/sh -c "$describe" sh {} +\n'
    )
    body = f'{_script("stat")}\ndescribe "$@"\n'
    entries = _listed(session, script, [top, str(depth), body], user, top)
    return sorted(entries, key=lambda entry: entry.path)


def _listed(session: Session, script: str, arguments: Sequence[str], user: str | None, path: str) -> list[FileStat]:
    boundary = token_hex(16)
    done = session.run(script, [boundary, *arguments], user=user, timeout=_READ_SECONDS, expect=None)
    for line in done.error_text.splitlines():
        if failure_reason(line) is not FileFailure.MISSING and line.strip():
            raise file_error(session, "looked at", path, line)
    return parse_listing(done.stdout, boundary.encode())


def _attribute_arguments(attributes: FileAttributes) -> list[str]:
    return [
        attributes.owner,
        attributes.group,
        f"{attributes.mode & 0o7777:04o}",
        attributes.acl or "",
        attributes.label or "",
    ]


def _within(session: Session, directory: str | None) -> str:
    return "" if directory is None else _checked(session, directory)


def write_file(
    session: Session, path: str, data: bytes, attributes: FileAttributes, *, user: str | None, within: str | None = None
) -> None:
    """See Session.write_file."""
    target = _checked(session, path)
    arguments = [
        target,
        *_attribute_arguments(attributes),
        hashlib.sha256(data).hexdigest(),
        token_hex(8),
        _within(session, within),
    ]
    _do(session, _script("within") + _script("attributes") + _script("write"), arguments, "written", path, user, data)


def make_directory(
    session: Session, path: str, attributes: FileAttributes, *, user: str | None, within: str | None = None
) -> None:
    """See Session.make_directory."""
    arguments = [_checked(session, path), *_attribute_arguments(attributes), token_hex(8), _within(session, within)]
    _do(session, _script("within") + _script("attributes") + _script("directory"), arguments, "made", path, user)


def rename(session: Session, source: str, target: str, *, user: str | None) -> None:
    """See Session.rename."""
    arguments = [_checked(session, source), _checked(session, target)]
    _do(session, _script("attributes") + _script("rename"), arguments, f"renamed to {target}", source, user)


def remove(session: Session, path: str, *, tree: bool, user: str | None, within: str | None = None) -> None:
    """See Session.remove."""
    arguments = [_checked(session, path), "yes" if tree else "no", _within(session, within)]
    _do(session, _script("within") + _script("attributes") + _script("remove"), arguments, "removed", path, user)
