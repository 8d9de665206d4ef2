"""Connecting to a Windows host by its OpenSSH server."""

from __future__ import annotations

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.ssh_connect import log_in
from tui.remote.windows.ssh_session import WindowsSshSession


def connect_windows_ssh(host: Host, access: Access) -> WindowsSshSession:
    """A session with `host`, over its jump hosts; see `open_session`."""
    return WindowsSshSession(host.name, log_in(host, access))
