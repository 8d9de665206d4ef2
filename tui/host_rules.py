"""Which keys of a host in a cluster file go together, by its operating system and its transport."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.cluster import Host

_POSIX_ACCOUNT = re.compile(r"[A-Za-z0-9_.\\@$+~][A-Za-z0-9_.\\@$+~-]*")
_WINDOWS_NAME = r"[^\s\"/\\\[\]:;|=,+*?<>@\x00-\x1f\x7f](?:[^\"/\\\[\]:;|=,+*?<>@\x00-\x1f\x7f]*[^\s\"/\\\[\]:;|=,+*?<>@\x00-\x1f\x7f])?"
_WINDOWS_ACCOUNT = re.compile(
    rf"(?:(?:\.|[A-Za-z0-9][A-Za-z0-9._-]*)\\)?{_WINDOWS_NAME}|{_WINDOWS_NAME}@[A-Za-z0-9][A-Za-z0-9.-]*"
)
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*")
_SERVICE = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_DRIVE = re.compile(r"[A-Za-z]:\\[^/:*?\"<>|\x00-\x1f\x7f]*")

_WINRM_ONLY = ("auth", "ca_file", "client_certificate")
_WITHOUT_ACCOUNT = ("kerberos", "certificate")
"""Ways to log in for which a ticket or a certificate says who it is."""


def contradiction(host: Host) -> tuple[str, str] | None:
    """The first key of `host` that does not go with the others, and what is wrong with it; None when all is well."""
    rules: list[_Rule] = [_system, _windows if host.system == "windows" else _linux]
    rules += [_winrm_way, _winrm_login] if host.transport == "winrm" else [_ssh]
    return next((found for rule in rules if (found := rule(host))), None)


_Rule = Callable[["Host"], tuple[str, str] | None]


def _system(host: Host) -> tuple[str, str] | None:
    if host.transport == "winrm" and host.os == "linux":
        return "os", 'WinRM reaches Windows hosts only; a Linux host is reached with transport = "ssh"'
    return None


def _linux(host: Host) -> tuple[str, str] | None:
    if host.install_dir is not None and not host.install_dir.startswith("/"):
        return "install_dir", "a Linux host's folder is an absolute path that begins with /"
    if host.user is not None and not _POSIX_ACCOUNT.fullmatch(host.user):
        return "user", "no account of a Linux host is called this"
    for key, unit in (("connector_unit", host.connector_unit), ("admin_unit", host.admin_unit)):
        if unit is not None and not _UNIT.fullmatch(unit):
            return key, "no systemd unit is called this"
    return None


def _windows(host: Host) -> tuple[str, str] | None:
    if host.install_dir is not None and not _DRIVE.fullmatch(host.install_dir):
        return (
            "install_dir",
            r"a Windows host's folder begins with a drive, as in 'C:\Program Files (x86)\Auth0\AD LDAP Connector'",
        )
    if host.user is not None and not _WINDOWS_ACCOUNT.fullmatch(host.user):
        return "user", r"a Windows account is written 'DOMAIN\name', 'name@domain' or, of the host itself, '.\name'"
    for key, service in (("connector_unit", host.connector_unit), ("admin_unit", host.admin_unit)):
        if service is not None and not _SERVICE.fullmatch(service):
            return key, 'no Windows service is called this; give its name, as in "Auth0 ADLDAP"'
    if host.become == "sudo" and "become" in host.model_fields_set:
        return "become", "Windows has no sudo: the account that logs in must be an administrator; leave this key out"
    return None


def _ssh(host: Host) -> tuple[str, str] | None:
    given = [key for key in _WINRM_ONLY if getattr(host, key) is not None]
    if not host.tls:
        given.insert(0, "tls")
    return (given[0], 'this key is for WinRM, and this host has transport = "ssh"') if given else None


def _winrm_way(host: Host) -> tuple[str, str] | None:
    if host.jump is not None:
        return (
            "jump",
            'WinRM goes through no jump host; where one stands between, use OpenSSH on Windows: transport = "ssh", os = "windows"',
        )
    if not host.tls and host.auth in ("basic", "certificate"):
        return "auth", f"{host.auth} is refused without TLS: the login would travel in the clear"
    if not host.tls and host.ca_file is not None:
        return "ca_file", "with tls = false there is no certificate that an authority could have signed"
    return None


def _winrm_login(host: Host) -> tuple[str, str] | None:
    if host.auth == "certificate":
        if host.client_certificate is None:
            return "client_certificate", 'auth = "certificate" needs the path of the certificate to log in with'
        if host.identity is None:
            return "identity", 'auth = "certificate" needs the path of the certificate\'s private key'
        return None
    for key in ("client_certificate", "identity"):
        if getattr(host, key) is not None:
            return key, 'WinRM uses it with auth = "certificate" only'
    if host.auth == "kerberos" and "\\" in (host.user or ""):
        return "user", "Kerberos knows an account as 'name@DOMAIN.EXAMPLE', with the domain in capitals"
    if host.user is None and host.auth not in _WITHOUT_ACCOUNT:
        return "user", "this key is missing: WinRM must be told the account to log in with"
    return None
