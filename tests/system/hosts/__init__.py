"""Real Debian hosts for system tests: systemd as PID 1, OpenSSH, sudo, journald, each with its own address and loopback."""

from tests.system.hosts.machine import HostFailed, NspawnHost
from tests.system.hosts.nspawn_hosts import NspawnHosts
from tests.system.hosts.requirements import why_unavailable

__all__ = ["HostFailed", "NspawnHost", "NspawnHosts", "why_unavailable"]
