"""The one way to open a session with a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cluster import Host
from tui.remote.access import Access

if TYPE_CHECKING:
    from tui.remote.session import Session


def open_session(host: Host, access: Access) -> Session:
    """Connect to `host` and log in.

    Raises HostUnreachable, AuthenticationFailed and HostKeyChanged for good, HostKeyUnknown and SecretNeeded as questions:
    answer them (`remember_host_key`, `Secrets.remember`) and call again.
    """
    from tui.remote.ssh_connect import connect

    return connect(host, access)
