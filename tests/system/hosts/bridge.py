"""A bridge with an address of a private range that exists only on this machine."""

from __future__ import annotations

import ipaddress
import secrets
import subprocess


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout


def _free_network() -> ipaddress.IPv4Network:
    taken = [
        ipaddress.ip_network(line.split()[0], strict=False)
        for line in _ip("-4", "route", "show", "table", "all").splitlines()
        if line.split()[0][0].isdigit()
    ]
    while True:
        candidate = ipaddress.IPv4Network((f"10.{secrets.randbelow(200) + 20}.{secrets.randbelow(256)}.0", 24))
        if not any(candidate.overlaps(network) for network in taken if isinstance(network, ipaddress.IPv4Network)):
            return candidate


class Bridge:
    """The network that hosts are plugged into. `address` is this machine's own on it."""

    prefix = 24

    def __init__(self, name: str) -> None:
        """Make it under an interface name of at most 15 characters. Removing it is the janitor's work."""
        self.name = name
        self._network = _free_network()
        self.address = str(self._network[1])
        _ip("link", "add", self.name, "type", "bridge", "forward_delay", "0")
        _ip("address", "add", f"{self.address}/{self.prefix}", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def host_address(self, index: int) -> str:
        """The address of host number `index`, from 0."""
        return str(self._network[10 + index])
