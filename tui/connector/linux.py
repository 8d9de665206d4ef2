"""A connector on a Linux host under systemd, over a Session."""

from __future__ import annotations

from collections.abc import Mapping

from tui.connector.host_facts import read_facts
from tui.connector.host_state import Parking, checked_path, lock_holder, lock_host, unlock_host
from tui.connector.instance import LogMark
from tui.connector.journal_log import log_mark, log_since
from tui.connector.model import ConfigurationSet, HostFacts, Install, Role, Service, SetFile, TicketInfo
from tui.connector.service_control import read_services, start_service, stop_service
from tui.connector.set_access import set_links, unusable
from tui.connector.set_reader import read_set
from tui.connector.unit_environment import UnitEnvironment
from tui.remote.session import ROOT, FileAttributes, Session


class LinuxInstance:
    """The Instance of a Linux host. Reads and writes as root, runs the connector's own code as its service account."""

    def __init__(self, session: Session, install: Install) -> None:
        self._session = session
        self._install = install
        self._parking = Parking(session, install)
        self._environment = UnitEnvironment(session, install)

    @property
    def session(self) -> Session:
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
        """Stop a service and wait until it is gone. Raises ServiceError."""
        stop_service(self._session, self._install, role, timeout)

    def start(self, role: Role, *, timeout: float = 60.0) -> None:
        """Clear a start limit, then start a service. Raises ServiceError."""
        self._environment.forget()
        start_service(self._session, self._install, role, timeout)

    def log_mark(self) -> LogMark:
        """The end of the connector's journal now."""
        return log_mark(self._session, self._install)

    def log_since(self, mark: LogMark | None, *, lines: int = 2000) -> tuple[str, LogMark]:
        """What the connector logged after `mark`, colours included, and the new end. Raises LogError."""
        return log_since(self._session, self._install, mark, lines)

    def troubleshoot(self, *, timeout: float = 120.0) -> str:
        """The troubleshooter's text: from the console over a tunnel, or run directly as the service account."""
        from tui.connector.troubleshooting import run_troubleshooter

        return run_troubleshooter(self._session, self._install, self._environment, timeout)

    def ticket_info(self, ticket: str, config: Mapping[str, object], *, timeout: float = 30.0) -> TicketInfo:
        """Ask `GET <ticket>/info` from the host with its own node. Raises TicketError."""
        from tui.connector.ticket import ask_ticket

        return ask_ticket(self._session, self._install, self._environment, ticket, config, timeout)

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

    def _absolute(self, relative: str) -> str:
        return f"{self._install.directory}/{checked_path(relative)}"

    def place(self, file: SetFile) -> None:
        """Write one file of a set atomically, with the attributes that it carries."""
        self._session.write_file(
            self._absolute(file.path), file.data, file.attributes, user=ROOT, within=self._install.directory
        )

    def place_directory(self, relative: str, attributes: FileAttributes) -> None:
        """Create one directory of a set."""
        self._session.make_directory(self._absolute(relative), attributes, user=ROOT, within=self._install.directory)

    def remove(self, relative: str) -> None:
        """Remove one file of the set; a missing one is no error."""
        self._session.remove(self._absolute(relative), user=ROOT, within=self._install.directory)

    def remove_directory(self, relative: str) -> None:
        """Remove one directory of the set with all that is below it; a missing one is no error."""
        self._session.remove(self._absolute(relative), tree=True, user=ROOT, within=self._install.directory)

    def links(self) -> dict[str, str]:
        """The parts of the set that are links, and what each leads to, in one round trip."""
        return set_links(self._session, self._install)

    def unrepresented(self) -> tuple[str, ...]:
        """What lies among the files of the set and a backup could not give back as it is, in one round trip."""
        from tui.connector.unrepresented import unrepresented

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
