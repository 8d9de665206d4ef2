"""What differs between Windows hosts in the field: how they are reached, where the connector lies, what the services are called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tui.lab.install_tree import LayoutName

PROGRAM_FILES = "C:\\Program Files (x86)"
INSTALL = f"{PROGRAM_FILES}\\Auth0\\AD LDAP Connector"


@dataclass(frozen=True)
class WindowsFurnishing:
    """One kind of Windows host. `auth` is what the cluster file says, None for its default; `domain` the joined domain.

    `trusted`: over HTTPS, whether the listener's certificate is signed by the lab's authority; else it is self-signed.
    """

    transport: Literal["winrm", "ssh"] = "winrm"
    tls: bool = True
    auth: Literal["negotiate", "ntlm", "basic", "credssp"] | None = None
    trusted: bool = True
    install: str = INSTALL
    connector_service: str = "Auth0 ADLDAP"
    admin_service: str = "Auth0 ADLDAP Admin"
    account: str = "LocalSystem"
    certs_folder: bool = True
    layout: LayoutName = "v6"
    version: str = "6.4.1"
    domain: str | None = "lab.example"


WINDOWS_HTTPS = WindowsFurnishing()
WINDOWS_WINRM = replace(WINDOWS_HTTPS, tls=False, auth="ntlm")
WINDOWS_BASIC = replace(WINDOWS_HTTPS, auth="basic")
WINDOWS_SSH = replace(WINDOWS_HTTPS, transport="ssh")
WINDOWS_UNSIGNED = replace(WINDOWS_HTTPS, trusted=False)

KINDS = {
    "windows": WINDOWS_UNSIGNED,
    "windows-signed": WINDOWS_HTTPS,
    "windows-http": WINDOWS_WINRM,
    "windows-basic": WINDOWS_BASIC,
    "windows-ssh": WINDOWS_SSH,
}
"""By the words of a command line. The certificate of `windows` is self-signed, as Windows makes it by default."""
