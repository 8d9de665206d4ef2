"""The Instance interface: a connector on a host, whatever the operating system and the transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tui.connector.model import (
    ConfigurationSet,
    HostFacts,
    Install,
    Role,
    Service,
    SetFile,
    TicketInfo,
)
from tui.remote.session import FileAttributes, HostSession


@dataclass(frozen=True, slots=True)
class LogMark:
    """A place in an instance's log, to read on from. `token` is the source's own (a journal cursor, a byte offset)."""

    token: str


class Instance(Protocol):
    """What the runbook and the health probes need of one instance. Blocking, one thread at a time.

    Raises what Session raises, besides what is named. No method writes unless its name says so.
    """

    @property
    def session(self) -> HostSession:
        """The connection it works over."""
        ...

    @property
    def install(self) -> Install:
        """Where it is and what it runs."""
        ...

    def facts(self) -> HostFacts:
        """The host around it, in one round trip."""
        ...

    def read_set(self) -> ConfigurationSet:
        """The configuration set as it is on the host now; absent files are absent. Bytes are never changed."""
        ...

    def services(self) -> dict[Role, Service]:
        """Both services as they are now; a role without a unit is absent."""
        ...

    def stop(self, role: Role, *, timeout: float = 60.0) -> None:
        """Stop a service and wait until it is gone. No error when there is none or it does not run."""
        ...

    def start(self, role: Role, *, timeout: float = 60.0) -> None:
        """Clear a start limit, then start a service; raises OperatorError when the service manager refuses."""
        ...

    def log_mark(self) -> LogMark:
        """The end of the connector's log now."""
        ...

    def log_since(self, mark: LogMark | None, *, lines: int = 2000) -> tuple[str, LogMark]:
        """What the connector logged after `mark` (None: its last `lines` lines), and the new end."""
        ...

    def troubleshoot(self, *, timeout: float = 120.0) -> str:
        """Run the connector's own troubleshooter and return its text.

        Through the admin console over a tunnel when that works, else directly with the install's own node as the service account.
        """
        ...

    def ticket_info(self, ticket: str, config: Mapping[str, object], *, timeout: float = 30.0) -> TicketInfo:
        """Ask `GET <ticket>/info` from the host with its own node and the unit's environment; from the jump box if the host has no
        node. `config` supplies proxy settings. The ticket never appears in a command line. Raises TicketError."""
        ...

    def park(self, relative: str, *, run: str) -> bool:
        """Move one file or directory of the set aside, keeping inode, owner, ACL and label, into a 0700 directory of this run
        inside the install directory. False when there was nothing to move. Doing it twice is harmless."""
        ...

    def parked(self, *, run: str) -> tuple[str, ...]:
        """The relative paths that this run has parked and that are still there."""
        ...

    def unpark(self, relative: str, *, run: str) -> None:
        """Put what was parked back where it was, replacing what is there now."""
        ...

    def discard_parked(self, *, run: str) -> None:
        """Remove this run's parking directory and all in it."""
        ...

    def place(self, file: SetFile) -> None:
        """Write one file of a set atomically, with the attributes that `file` carries; parents must exist."""
        ...

    def place_directory(self, relative: str, attributes: FileAttributes) -> None:
        """Create one directory of a set."""
        ...

    def remove(self, relative: str) -> None:
        """Remove one file of the set; a missing one is no error."""
        ...

    def remove_directory(self, relative: str) -> None:
        """Remove one directory of the set with all that is below it; a missing one is no error."""
        ...

    def links(self) -> dict[str, str]:
        """The parts of the set (config.json, profile mapper, certs) that are links, and what each leads to."""
        ...

    def unrepresented(self) -> tuple[str, ...]:
        """The relative paths among the files of the set that a backup could not give back as they are: links, special
        files, and what lies too deep to be read."""
        ...

    def unusable(self, files: ConfigurationSet) -> tuple[str, ...]:
        """The paths of `files`, as they lie on this host, that the service account cannot read, and config.json when it
        cannot rewrite it. A connector that cannot read its key makes a new one and publishes it."""
        ...

    def lock(self, *, run: str, holder: str) -> None:
        """Take the host's operator lock, writing who, where from and when; raises OperatorError naming the present holder."""
        ...

    def unlock(self, *, run: str) -> None:
        """Give back a lock that this run holds."""
        ...

    def locked_by(self) -> str | None:
        """The run that holds the host's lock; None when there is no lock, empty when it cannot be told whose it is."""
        ...
