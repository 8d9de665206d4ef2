"""What every host of the lab is, whatever its system: the lab, its faults and its control work with this alone."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol

from tui.lab.journal import Journal
from tui.remote.secrets import HostSecrets


class LabMachine(Protocol):
    """A running host."""

    @property
    def name(self) -> str:
        """Its name in the cluster."""
        ...

    @property
    def address(self) -> str:
        """Its own loopback address."""
        ...

    @property
    def port(self) -> int:
        """Where it lets clients in."""
        ...

    @property
    def os(self) -> str:
        """`linux` or `windows`."""
        ...

    @property
    def transport(self) -> str:
        """`ssh` or `winrm`."""
        ...

    @property
    def user(self) -> str:
        """The account to log in with."""
        ...

    @property
    def password(self) -> str:
        """Its password."""
        ...

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        ...

    @property
    def journal(self) -> Journal:
        """What its services have said."""
        ...

    @property
    def connector_unit(self) -> str:
        """The connector's service."""
        ...

    @property
    def real_install(self) -> Path:
        """Where the connector is installed, as a directory of this machine."""
        ...

    @property
    def kept(self) -> dict[str, dict[str, bytes]]:
        """By fault: the files that it changed, as they were before."""
        ...

    drifting: threading.Event | None
    """While the host's clock runs away: what ends that."""

    @property
    def clock_file(self) -> Path:
        """Holds by how many seconds this host's clock is off; absent = right."""
        ...

    def restart_connector(self) -> None:
        """Start the connector anew, whatever state its service is in."""
        ...

    def kill_connector(self) -> None:
        """End the connector's process at once; its service manager starts it again."""
        ...

    def boot(self) -> None:
        """Start the services and let logins in."""
        ...

    def power_off(self) -> None:
        """As if the plug were pulled."""
        ...

    def close(self) -> None:
        """End everything."""
        ...

    def wait_ready(self, configured: bool, seconds: float) -> str | None:
        """Wait until its services have settled; what is wrong when they have not."""
        ...

    def wait_log(self, text: str, *, timeout: float = 10.0, times: int = 1) -> bool:
        """Wait until the connector has logged `text` so many times."""
        ...

    def host_secrets(self) -> HostSecrets:
        """What an operator would type for this host."""
        ...

    def cluster_lines(self, authority_file: Path) -> list[str]:
        """Its table in a cluster file, but for name and address; `authority_file` is the lab's CA."""
        ...

    def known_host(self) -> str:
        """Its line in a known_hosts file; empty when it has no SSH."""
        ...

    def known_certificate(self) -> bytes | None:
        """The DER of a certificate that an operator has to confirm; None when there is none."""
        ...
