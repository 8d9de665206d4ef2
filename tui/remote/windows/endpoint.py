"""A WinRM listener, and a plain connection to it for looking before anything is sent."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from tui.remote.errors import HostUnreachable

CONNECT_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A WinRM listener. `host` is its host's name in the cluster file."""

    host: str
    address: str
    port: int

    @property
    def shown(self) -> str:
        """For a sentence."""
        return f"{self.address} port {self.port}"

    def connect(self) -> socket.socket:
        """A TCP connection, which is closed by whoever asked for it. Raises HostUnreachable."""
        try:
            return socket.create_connection((self.address, self.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            raise self.unreachable(error) from None

    def unreachable(self, error: OSError) -> HostUnreachable:
        """The error for a connection that could not be made."""
        if isinstance(error, socket.gaierror):
            summary, remedy = f"the name {self.address} is not known", "check the address, or this machine's DNS"
        elif isinstance(error, TimeoutError):
            summary = f"{self.shown} does not answer"
            remedy = "check that the host is up and that no firewall (its own: rule Windows Remote Management) drops it"
        elif isinstance(error, ConnectionRefusedError):
            summary = f"{self.shown} refuses connections"
            remedy = (
                "check that the WinRM service runs there and has a listener on that port (winrm enumerate "
                "winrm/config/listener); winrm quickconfig makes one for HTTP"
            )
        else:
            summary = f"{self.shown} cannot be reached: {error.strerror or error}"
            remedy = "check the address, the route and the firewalls between"
        return HostUnreachable(summary, host=self.host, tried=f"a TCP connection to {self.shown}", remedy=remedy)
