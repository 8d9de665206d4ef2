"""Directories on hosts of the lab, each seen through a session of this program, on either system and by each transport."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab.conftest import write_known_hosts
from tui.cluster import Cluster, Host
from tui.lab.authority import Authority
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_BASIC, WINDOWS_SSH, WINDOWS_WINRM, WindowsFurnishing
from tui.lab.windows.host import WindowsLabHost
from tui.remote.access import Access
from tui.remote.connect import open_session
from tui.remote.secrets import HostSecrets, Secrets
from tui.remote.session import FileAttributes, HostSession

PASSWORD = "canary-file-password"
FOLDER = "C:\\Program Files (x86)\\Kept here"
WINDOWS = {"winrm-http-ntlm": WINDOWS_WINRM, "winrm-https-basic": WINDOWS_BASIC, "windows-ssh": WINDOWS_SSH}
TRANSPORTS = [*WINDOWS, "linux-ssh"]


def own_address() -> str:
    """A loopback address of this process, of none of the lab's blocks: Windows' ports are fixed, and tests run side by side."""
    number = os.getpid()
    return f"127.{2 + (number >> 16) % 13}.{number >> 8 & 255}.{number & 255}"


@dataclass(frozen=True)
class Place:
    """A directory on a host, seen by a session as `folder` and by the test as `real`."""

    session: HostSession
    folder: str
    real: Path
    windows: WindowsLabHost | None

    def path(self, *names: str) -> str:
        """The host's own form of a path below the directory."""
        return ("\\" if self.windows else "/").join((self.folder, *names))

    def plain(self) -> FileAttributes:
        """What a new file is to have."""
        real = self.real.stat()
        return FileAttributes("", "", 0) if self.windows else FileAttributes(str(real.st_uid), str(real.st_gid), 0o640)

    def names(self) -> list[str]:
        """What lies in the directory."""
        return sorted(entry.name for entry in self.real.iterdir())

    def leftover(self, name: str) -> str:
        """A file that a write which was cut off may have left."""
        return f".adldap-ha-{name}-0123456789abcdef.tmp" if self.windows else f".{name}.0123456789abcdef.new"


@contextmanager
def windows_place(kind: str, directory: Path) -> Iterator[Place]:
    """A directory of a Windows host."""
    furnishing: WindowsFurnishing = WINDOWS[kind]
    authority = Authority(directory)
    lifeline, end = os.pipe()
    host = WindowsLabHost(
        "elm",
        own_address(),
        directory / "elm",
        furnishing,
        PASSWORD,
        configured=None,
        authority=authority,
        speed=20.0,
        lifeline=lifeline,
    )
    for service in (host.connector_unit, host.admin_unit):
        host.services.set_start_mode(service, "Disabled")
    host.boot()
    access = Access(
        secrets=Secrets(hosts={"elm": HostSecrets.model_validate({"password": PASSWORD})}),
        known_hosts=directory / "known_hosts",
        known_certificates=directory / "known_certificates",
    )
    access.known_hosts.write_text(host.known_host())
    lines = [*host.cluster_lines(authority.certificate_file), 'name = "elm"', f'address = "{host.address}"']
    session = open_session(Host.model_validate(tomllib.loads("\n".join(lines))), access)
    try:
        real = host.tree.real(FOLDER)
        real.mkdir()
        yield Place(session, FOLDER, real, host)
    finally:
        session.close()
        host.close()
        os.close(lifeline)
        os.close(end)


@contextmanager
def linux_place(directory: Path) -> Iterator[Place]:
    """The same on a Linux host."""
    with Lab(directory / "lab", names=("oak",), configured=("oak",), speed=20.0) as lab:
        cluster = Cluster.model_validate(tomllib.loads(lab.cluster_document()))
        access = Access(secrets=lab.secrets(), known_hosts=write_known_hosts(lab, directory))
        session = open_session(cluster.host("oak"), access)
        try:
            real = directory / "Kept here"
            real.mkdir()
            yield Place(session, str(real), real, None)
        finally:
            session.close()
