"""A connector on a Windows host under NSSM, over a WindowsSession."""

from __future__ import annotations

from collections.abc import Mapping

from tui.connector.instance import LogMark
from tui.connector.model import ConfigurationSet, HostFacts, Install, Role, Service, SetFile, TicketInfo
from tui.connector.windows.discovery import find_windows_install
from tui.connector.windows.facts import read_facts
from tui.connector.windows.host_state import Parking, lock_holder, lock_host, unlock_host
from tui.connector.windows.log import log_mark, log_since
from tui.connector.windows.paths import on_host
from tui.connector.windows.services import read_services, start_service, stop_service
from tui.connector.windows.set_access import unusable
from tui.connector.windows.set_reader import read_set, set_links, unrepresented
from tui.remote.session import FileAttributes
from tui.remote.windows_session import WindowsSession

__all__ = ["WindowsInstance", "find_windows_install"]


class WindowsInstance:
    """The Instance of a Windows host. Everything is done as the administrator who is logged in."""

    def __init__(self, session: WindowsSession, install: Install) -> None:
        self._session = session
        self._install = install
        self._parking = Parking(session, install)

    @property
    def session(self) -> WindowsSession:
        """The connection it works over."""
        return self._session

    @property
    def install(self) -> Install:
        """Where it is and what it runs."""
        return self._install

    def facts(self) -> HostFacts:
        """The host around it, in one round trip."""
        return read_facts(self._session, self._install)

    def read_set(self) -> ConfigurationSet:
        """The configuration set as it is on the host now."""
        return read_set(self._session, self._install)

    def services(self) -> dict[Role, Service]:
        """Both services as they are now, in one round trip."""
        return read_services(self._session, self._install)

    def stop(self, role: Role, *, timeout: float = 60.0) -> None:
        """Stop a service and wait until it is gone; never by force. Raises ServiceError."""
        stop_service(self._session, self._install, role, timeout)

    def start(self, role: Role, *, timeout: float = 60.0) -> None:
        """Take a service out of NSSM's pause, then start it. Raises ServiceError."""
        start_service(self._session, self._install, role, timeout)

    def log_mark(self) -> LogMark:
        """The end of the connector's log file now."""
        return log_mark(self._session, self._install)

    def log_since(self, mark: LogMark | None, *, lines: int = 2000) -> tuple[str, LogMark]:
        """What the connector logged after `mark`, across a rotation too, and the new end. Raises LogError."""
        return log_since(self._session, self._install, mark, lines)

    def troubleshoot(self, *, timeout: float = 120.0) -> str:
        """The troubleshooter's text: from the console, or run directly with the install's own node.exe."""
        from tui.connector.windows.troubleshooting import run_troubleshooter

        return run_troubleshooter(self._session, self._install, timeout)

    def ticket_info(self, ticket: str, config: Mapping[str, object], *, timeout: float = 30.0) -> TicketInfo:
        """Ask `GET <ticket>/info` from the host with its own node. Raises TicketError."""
        from tui.connector.windows.ticket import ask_ticket

        return ask_ticket(self._session, self._install, ticket, config, timeout)

    def park(self, relative: str, *, run: str) -> bool:
        """Move one file or directory of the set aside; True when the run has it parked now."""
        return self._parking.park(relative, run)

    def parked(self, *, run: str) -> tuple[str, ...]:
        """The relative paths that this run has parked and that are still there."""
        return self._parking.parked(run)

    def unpark(self, relative: str, *, run: str) -> None:
        """Put what was parked back where it was, replacing what is there now."""
        self._parking.unpark(relative, run)

    def discard_parked(self, *, run: str) -> None:
        """Remove this run's parking directory and all in it."""
        self._parking.discard(run)

    def place(self, file: SetFile) -> None:
        """Write one file of a set atomically, with the ACL that it carries, or else the one that its folder gives."""
        self._session.write_file(
            on_host(self._install, file.path), file.data, file.attributes, within=self._install.directory
        )

    def place_directory(self, relative: str, attributes: FileAttributes) -> None:
        """Create one directory of a set."""
        self._session.make_directory(on_host(self._install, relative), attributes, within=self._install.directory)

    def remove(self, relative: str) -> None:
        """Remove one file of the set; a missing one is no error."""
        self._session.remove(on_host(self._install, relative), within=self._install.directory)

    def remove_directory(self, relative: str) -> None:
        """Remove one directory of the set with all that is below it; a missing one is no error."""
        self._session.remove(on_host(self._install, relative), tree=True, within=self._install.directory)

    def links(self) -> dict[str, str]:
        """The parts of the set that are links, and what each leads to, in one round trip."""
        return set_links(self._session, self._install)

    def unrepresented(self) -> tuple[str, ...]:
        """What lies among the files of the set and a backup could not give back as it is."""
        return unrepresented(self._session, self._install)

    def unusable(self, files: ConfigurationSet) -> tuple[str, ...]:
        """The paths of `files` that the service account cannot read, and config.json when it cannot rewrite it."""
        return unusable(self._session, self._install, files)

    def lock(self, *, run: str, holder: str) -> None:
        """Take the host's operator lock. Raises HostLocked naming the present holder."""
        lock_host(self._session, self._install, run=run, holder=holder)

    def unlock(self, *, run: str) -> None:
        """Give back a lock that this run holds."""
        unlock_host(self._session, self._install, run=run)

    def locked_by(self) -> str | None:
        """The run that holds the lock; None without a lock, empty when it cannot be told whose it is."""
        return lock_holder(self._session, self._install)
