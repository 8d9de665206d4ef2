"""The one way to open a session with a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.cluster import Host
from tui.remote.access import Access

if TYPE_CHECKING:
    from tui.remote.session import HostSession, Session


def open_session(host: Host, access: Access) -> HostSession:
    """Connect to `host` and log in: a Session with Linux, a WindowsSession with Windows.

    Raises HostUnreachable, AuthenticationFailed, HostKeyChanged and CertificateRefused for good, HostKeyUnknown,
    CertificateUnknown and SecretNeeded as questions: answer them (`remember_host_key`, `remember_certificate`,
    `Secrets.remember`) and call again.
    """
    if host.transport == "winrm":
        from tui.remote.windows.winrm_connect import connect_winrm

        return connect_winrm(host, access)
    if host.system == "windows":
        from tui.remote.windows.ssh_connect import connect_windows_ssh

        return connect_windows_ssh(host, access)
    return open_posix_session(host, access)


def open_posix_session(host: Host, access: Access) -> Session:
    """The same for a host with a POSIX shell, reached by SSH."""
    from tui.remote.ssh_connect import connect

    return connect(host, access)
