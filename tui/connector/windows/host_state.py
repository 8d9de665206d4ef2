"""The two things this program keeps in a Windows install directory: a lock, and files moved aside for the time of a run."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from tui.connector.host_state import (
    LOCK_FILE,
    PARKING,
    checked_path,
    checked_run,
    host_locked,
    lock_text,
    read_lock_text,
)
from tui.connector.model import Install
from tui.connector.windows.paths import windows_path, write_places
from tui.connector.windows.script_calls import call
from tui.remote.errors import ScriptFailed
from tui.remote.windows.windows_files import file_error
from tui.remote.windows_session import WindowsSession

_VERBS = {
    "park": "moved aside",
    "unpark": "put back",
    "list": "read",
    "discard": "removed",
    "sweep": "cleaned up",
}


class Parking:
    """Files of a set moved aside into `.adldap-ha\\RUN` of the install directory, which only administrators may enter."""

    def __init__(self, session: WindowsSession, install: Install) -> None:
        self._session = session
        self._install = install

    def _run(self, action: str, run: str, relative: str | None = None, places: list[str] | None = None) -> Any:
        root = self._install.directory
        parameters: dict[str, Any] = {"Directory": root, "Action": action, "Run": checked_run(run)}
        if relative is not None:
            parameters |= {"Relative": windows_path(relative), "Name": quote(checked_path(relative), safe="")}
        if places is not None:
            parameters["Places"] = places
        try:
            return call(self._session, "Move-Aside.ps1", parameters, timeout=60)
        except ScriptFailed as error:
            path = f"{root}\\{windows_path(relative or PARKING)}"
            raise file_error(self._session.host, _VERBS[action], path, error) from None

    def park(self, relative: str, run: str) -> bool:
        """Move one file or directory aside. True when the run now has it parked, False when there was nothing to move.

        What the run has parked already is never overwritten.
        """
        return bool(self._run("park", run, relative)["outcome"] == "parked")

    def parked(self, run: str) -> tuple[str, ...]:
        """The relative paths that the run has parked, sorted."""
        return tuple(sorted(unquote(name) for name in self._run("list", run)["names"]))

    def unpark(self, relative: str, run: str) -> None:
        """Put one back, replacing what is there now; no error when it is not parked."""
        self._run("unpark", run, relative)

    def discard(self, run: str) -> None:
        """Remove the run's parking directory and all in it, and what writes that were cut off have left."""
        self._run("discard", run, places=write_places(self._install))

    def sweep(self, run: str) -> None:
        """Remove what writes that were cut off have left. Only for who holds the host's lock."""
        self._run("sweep", run, places=write_places(self._install))


def _lock(session: WindowsSession, install: Install, action: str, run: str = "", text: str = "") -> dict[str, Any]:
    path = lock_path(install)
    try:
        return call(session, "Lock-Host.ps1", {"Path": path, "Action": action, "Run": run, "Text": text})
    except ScriptFailed as error:
        raise file_error(session.host, "used as a lock", path, error) from None


def lock_path(install: Install) -> str:
    """The host's lock file."""
    return f"{install.directory}\\{LOCK_FILE}"


def lock_host(session: WindowsSession, install: Install, *, run: str, holder: str) -> None:
    """Take the host's lock; the same run may take it again. Raises HostLocked naming who holds it since when.

    A lock that says nothing, as a power cut may leave it, is this run's when the run has files parked on the host.
    """
    text = f"{lock_text(run, holder)}\n"
    answer = _lock(session, install, "lock", run, text)
    present = read_lock_text(str(answer.get("text") or ""))
    parking = Parking(session, install)
    if answer["outcome"] == "held" and not present.get("run") and parking.parked(run):
        answer = _lock(session, install, "relock", run, text)
    if answer["outcome"] != "taken" and present.get("run") != run:
        raise host_locked(session.host, lock_path(install), present)
    parking.sweep(run)


def unlock_host(session: WindowsSession, install: Install, *, run: str) -> None:
    """Give the lock back when this run holds it; another run's lock stays."""
    _lock(session, install, "unlock", checked_run(run))


def lock_holder(session: WindowsSession, install: Install) -> str | None:
    """The run that holds the host's lock; None when there is no lock, empty when it cannot be told whose it is."""
    answer = _lock(session, install, "holder")
    return None if answer["outcome"] == "none" else read_lock_text(str(answer.get("text") or "")).get("run", "")
