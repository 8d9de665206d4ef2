"""The two things this program keeps in an install directory: a lock, and files moved aside for the time of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from posixpath import dirname
from urllib.parse import quote, unquote

from tui.connector.errors import ConnectorError, HostLocked
from tui.connector.layouts import set_paths
from tui.connector.model import Install
from tui.connector.scripts import load
from tui.remote.errors import FileFailure, RemoteFileError
from tui.remote.session import ROOT, Completed, Session

LOCK_FILE = ".adldap-ha.lock"
PARKING = ".adldap-ha"
_HELD = 73


def checked_path(relative: str) -> str:
    """`relative` when it stays below the install directory; raises ValueError otherwise."""
    parts = PurePosixPath(relative).parts
    if not parts or relative.startswith("/") or ".." in parts:
        raise ValueError(f"not a path below the install directory: {relative!r}")
    return "/".join(parts)


def checked_run(run: str) -> str:
    """`run` when it can be a directory's name; raises ValueError otherwise."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run):
        raise ValueError(f"not a run id: {run!r}")
    return run


def file_failure(session: Session, answer: Completed, what: str) -> RemoteFileError:
    """The error for a script that failed on files: `what` is said first, then the host's own words."""
    said = " ".join(answer.error_text.split())[:300]
    lowered = said.lower()
    reasons = (
        ("no space left", FileFailure.NO_SPACE, "free some space on that file system"),
        (
            "read-only file system",
            FileFailure.READ_ONLY,
            "find out why the file system is read-only; remount it writable",
        ),
        ("permission denied", FileFailure.DENIED, "let the login account use sudo on this host"),
        (
            "operation not permitted",
            FileFailure.DENIED,
            "look for an immutable attribute (lsattr) or a security module",
        ),
    )
    reason, remedy = FileFailure.OTHER, "look at the install directory on the host, then retry"
    for words, code, advice in reasons:
        if words in lowered:
            reason, remedy = code, advice
            break
    return RemoteFileError(f"{what}: {said or answer.exit_status}", reason=reason, host=session.host, remedy=remedy)


class Parking:
    """Files of a set moved aside into `.adldap-ha/RUN/` (0700) of the install directory, by rename only."""

    def __init__(self, session: Session, install: Install) -> None:
        self._session = session
        self._root = install.directory
        paths = set_paths(install.layout)
        self._places = sorted({".", dirname(paths.config) or ".", dirname(paths.profile_mapper) or ".", paths.certs})

    def _run(self, word: str, run: str, relative: str | None = None, *more: str) -> Completed:
        arguments = [word, self._root, checked_run(run), *more]
        if relative is not None:
            arguments += [checked_path(relative), quote(checked_path(relative), safe="")]
        answer = self._session.run(load("park.sh"), arguments, user=ROOT, expect=None)
        if answer.exit_status:
            raise file_failure(self._session, answer, f"cannot {word} {relative or PARKING} in {self._root}")
        return answer

    def park(self, relative: str, run: str) -> bool:
        """Move one file or directory aside. True when the run now has it parked, False when there was nothing to move.

        What the run has parked already is never overwritten.
        """
        return self._run("park", run, relative).text.strip() == "parked"

    def parked(self, run: str) -> tuple[str, ...]:
        """The relative paths that the run has parked, sorted."""
        names = self._run("list", run).text.splitlines()
        return tuple(sorted(unquote(name) for name in names))

    def unpark(self, relative: str, run: str) -> None:
        """Put one back, replacing what is there now; no error when it is not parked."""
        self._run("unpark", run, relative)

    def discard(self, run: str) -> None:
        """Remove the run's parking directory and all in it, and what writes that were cut off have left."""
        self._run("discard", run, None, *self._places)

    def sweep(self, run: str) -> None:
        """Remove what writes that were cut off have left. Only for who holds the host's lock."""
        self._run("sweep", run, None, *self._places)


def lock_host(session: Session, install: Install, *, run: str, holder: str) -> None:
    """Take the host's lock; the same run may take it again. Raises HostLocked naming who holds it since when.

    A lock that says nothing, as a power cut may leave it, is this run's when the run has files parked on the host.
    """
    path = f"{install.directory}/{LOCK_FILE}"
    text = lock_text(run, holder)

    def ask(word: str) -> Completed:
        return session.run(load("lock.sh"), [word, path, run], stdin=f"{text}\n".encode(), user=ROOT, expect=None)

    answer = ask("lock")
    present = read_lock_text(answer.text)
    parking = Parking(session, install)
    if answer.exit_status == _HELD and not present.get("run") and parking.parked(run):
        answer = ask("relock")
    if answer.exit_status == 0 or (answer.exit_status == _HELD and present.get("run") == run):
        parking.sweep(run)
        return
    if answer.exit_status != _HELD:
        raise file_failure(session, answer, f"cannot make the lock file {path}")
    raise host_locked(session.host, path, present)


def lock_text(run: str, holder: str) -> str:
    """What a lock file says: JSON with the run, who and since when."""
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"run": checked_run(run), "holder": holder, "since": since})


def host_locked(host: str, path: str, present: Mapping[str, str]) -> HostLocked:
    """The error that names the holder of the lock file `path`, which says `present`."""
    who, since = present.get("holder", "somebody"), present.get("since", "an unknown time")
    return HostLocked(
        f"{who} has been working on this host since {since}",
        holder_run=present.get("run"),
        host=host,
        tried=f"make {path}",
        meaning=f"run {present.get('run', 'unknown')} has not given the host back: it is at work, or it was interrupted",
        remedy=f"resume or undo that run; if nobody is at work any more, remove {path} and retry",
    )


def read_lock_text(text: str) -> dict[str, str]:
    """The same, read; empty when it says nothing that can be understood."""
    try:
        values = json.loads(text)
    except ValueError:
        return {}
    return {key: str(value) for key, value in values.items()} if isinstance(values, dict) else {}


def lock_holder(session: Session, install: Install) -> str | None:
    """The run that holds the host's lock; None when there is no lock, empty when it cannot be told whose it is."""
    path = f"{install.directory}/{LOCK_FILE}"
    script = '[ -e "$1" ] && [ ! -L "$1" ] || exit 74; cat "$1"'
    answer = session.run(script, [path], user=ROOT, expect=None)
    return read_lock_text(answer.text).get("run", "") if answer.exit_status == 0 else None


def unlock_host(session: Session, install: Install, *, run: str) -> None:
    """Give the lock back when this run holds it; another run's lock stays."""
    path = f"{install.directory}/{LOCK_FILE}"
    answer = session.run(load("lock.sh"), ["unlock", path, checked_run(run)], user=ROOT, expect=None)
    if answer.exit_status:
        raise ConnectorError(f"cannot remove the lock file {path}", host=session.host, remedy=f"remove {path} by hand")
