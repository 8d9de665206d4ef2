"""The embedded lab: hosts, tenant and directory on loopback addresses of their own, for the demo and the tests.

Of a Linux host what is real: SSH, the shell, quoting, pipes, files, modes, processes, HTTPS, WebSocket, LDAP. What stands in: systemd, sudo,
journald and node are shims on PATH; every host shares this machine's kernel, its /proc and /tmp, and the account that
runs the lab owns everything, so permissions between accounts are not shown. Of a Windows host (tui.lab.windows.host): WSMan,
PowerShell remoting, NTLM, TLS, files and processes are real; PowerShell is not interpreted, ACLs and services are imitated.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import paramiko
from pydantic import SecretStr

from tui.lab.authority import Authority
from tui.lab.directory import BASE, BIND_USER, Directory
from tui.lab.faults import CUT_AFTER, FAULTS, OF_HOSTS, FaultError, set_fault
from tui.lab.host import FURNISHINGS, Furnishing, HostSecretsOf, LabHost, in_parallel
from tui.lab.install_tree import Connection, MadeSet, configured_set
from tui.lab.machine import LabMachine
from tui.lab.sockets import socket_folder
from tui.lab.ssh_server import new_key_text
from tui.lab.tenant import CONNECTION, Tenant, TenantSettings
from tui.lab.windows.furnishing import WindowsFurnishing
from tui.remote.secrets import Secrets, TenantSecrets, VaultSecrets
from tui.remote.windows.known_certificates import fingerprint, place

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

TENANT_PORT = 8443
DIRECTORY_PORT = 1389
_READY = 30.0


class LabError(Exception):
    """The lab cannot be started here."""


class Lab:
    """A running lab; a context manager. `names[0]` is the first host of its cluster.

    `speed` divides every waiting time of the stand-in (its reconnection, its clock check, its directory bind).
    """

    faults: Mapping[str, str] = FAULTS

    def __init__(
        self,
        directory: Path,
        names: Sequence[str] = ("fir", "oak", "elm"),
        configured: Sequence[str] = ("fir",),
        *,
        speed: float = 1.0,
        users: int = 8,
        furnishings: Mapping[str, Furnishing | WindowsFurnishing] | None = None,
        ldaps: bool = False,
    ) -> None:
        """Start everything and wait until the configured instances are accepted. Raises LabError."""
        self.path, self.names, self.speed = directory, tuple(names), speed
        self._stack = contextlib.ExitStack()
        self._canaries: list[str] = []
        self._active: set[tuple[str, str | None]] = set()
        try:
            self._start(tuple(configured), users, furnishings or {}, ldaps)
        except BaseException:
            self.close()
            raise

    def _start(
        self,
        configured: tuple[str, ...],
        users: int,
        furnishings: Mapping[str, Furnishing | WindowsFurnishing],
        ldaps: bool,
    ) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (self.path / "hosts").exists():
            raise LabError(f"{self.path} holds a lab already; choose another directory")
        self._sockets = self._stack.enter_context(socket_folder(self.path, self.names))
        reading, writing = os.pipe()
        self._stack.callback(os.close, reading)
        self._stack.callback(os.close, writing)
        self.authority = Authority(self.path)
        self.block = self._claim_block()
        self.bind_password = self._secret("bind")
        self.vault_passphrase = self._secret("vault")
        self.tenant = self._make_tenant()
        context = self.authority.server_context(self._address(251)) if ldaps else None
        self.directory = Directory(self._address(251), DIRECTORY_PORT, self.bind_password, users=users, context=context)
        self._stack.callback(self.directory.close)
        self.set = self._make_set()
        self.tenant.know(self.set.thumbprint)
        self.client_key = self._make_client_key()
        self.machines: dict[str, LabMachine] = {}
        self.hosts: dict[str, LabHost] = {}
        self.windows: dict[str, WindowsLabHost] = {}
        for number, name in enumerate(self.names):
            furnishing = furnishings.get(name) or FURNISHINGS[number % len(FURNISHINGS)]
            made = self.set if name in configured else None
            if isinstance(furnishing, Furnishing):
                self.machines[name] = self.hosts[name] = self._make_host(name, number, furnishing, made, reading)
            else:
                self.machines[name] = self.windows[name] = self._make_windows(name, number, furnishing, made, reading)
        in_parallel([machine.boot for machine in self.machines.values()])
        self._wait_ready(configured)

    def _make_tenant(self) -> Tenant:
        address = self._address(250)
        settings = TenantSettings(
            ticket_id=self._secret("ticket"),
            client_secret=self._secret("client"),
            signing_key=self._secret("signing-key"),
            token=self._secret("token"),
        )
        names = {self._address(number + 1): name for number, name in enumerate(self.names)}
        tenant = Tenant(address, TENANT_PORT, self.authority.server_context(address), settings, names=names)
        self._stack.callback(tenant.close)
        return tenant

    def _make_set(self) -> MadeSet:
        made = configured_set(self.connection())
        key_lines = made.files["certs/cert.key"].decode("ascii").split("\r\n")
        self._canaries.append(key_lines[len(key_lines) // 2])
        return made

    def connection(self) -> Connection:
        """What the lab's connectors are configured for."""
        return Connection(
            ticket=self.tenant.ticket,
            hub=self.tenant.hub_url,
            name=CONNECTION,
            domain=self.tenant.domain,
            realm=f"urn:auth0:{self.tenant.address}",
            ldap_url=self.directory.url,
            ldap_base=BASE,
            bind_user=BIND_USER,
            bind_password=self.bind_password,
            session_secret=self._secret("session"),
            server_url=f"http://{self.names[0]}:4000",
        )

    def _make_host(
        self, name: str, number: int, furnishing: Furnishing, configured: MadeSet | None, lifeline: int
    ) -> LabHost:
        host = LabHost(
            name,
            self._address(number + 1),
            (self.path / "hosts" / name).resolve(),
            str(self._sockets / name),
            furnishing,
            HostSecretsOf(self._secret(f"{name}-login"), self._secret(f"{name}-sudo"), self._secret(f"{name}-code")),
            configured=configured,
            ca_file=self.authority.certificate_file.resolve(),
            speed=self.speed,
            lifeline=lifeline,
            may_forward=lambda address: address.startswith(self.block),
        )
        host.login.keys.append(paramiko.Ed25519Key.from_private_key_file(str(self.client_key)))
        self._stack.callback(host.close)
        return host

    def _make_windows(
        self, name: str, number: int, furnishing: WindowsFurnishing, configured: MadeSet | None, lifeline: int
    ) -> WindowsLabHost:
        from tui.lab.windows.host import WindowsLabHost

        host = WindowsLabHost(
            name,
            self._address(number + 1),
            (self.path / "hosts" / name).resolve(),
            furnishing,
            self._secret(f"{name}-login"),
            configured=configured,
            authority=self.authority,
            speed=self.speed,
            lifeline=lifeline,
        )
        if host.ssh:
            host.ssh.login.keys.append(paramiko.Ed25519Key.from_private_key_file(str(self.client_key)))
        self._stack.callback(host.close)
        return host

    def _make_client_key(self) -> Path:
        path = self.path / "id_lab"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(new_key_text())
        return path

    def protected_key(self) -> tuple[Path, str]:
        """Make another key that every host lets in: its file, and the passphrase that it is encrypted with."""
        passphrase = self._secret("passphrase")
        path = self.path / f"id_protected_{len(self._canaries)}"
        text = new_key_text(passphrase)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        key = paramiko.Ed25519Key.from_private_key_file(str(path), passphrase)
        for host in self.hosts.values():
            host.login.keys.append(key)
        return path, passphrase

    def _wait_ready(self, configured: tuple[str, ...]) -> None:
        if not self.tenant.hub.wait_for(lambda accepted: set(configured) <= set(accepted), _READY):
            raise LabError("the first host's connector was not accepted in time; look at its journal")
        for name, machine in self.machines.items():
            wrong = machine.wait_ready(name in configured, _READY)
            if wrong:
                raise LabError(wrong)

    def _claim_block(self) -> str:
        for _ in range(100):
            block = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}."
            with contextlib.suppress(OSError), socket.create_server((f"{block}250", TENANT_PORT)):
                return block
        raise LabError("no free loopback addresses")

    def _address(self, number: int) -> str:
        return f"{self.block}{number}"

    def _secret(self, label: str) -> str:
        value = f"CANARY-{label}-{secrets.token_hex(8)}"
        self._canaries.append(value)
        return value

    def canaries(self) -> list[str]:
        """Every secret of this lab, and a line of the first host's private key: none may be found anywhere."""
        return list(self._canaries)

    def secrets(self) -> Secrets:
        """What an operator of this lab would type."""
        return Secrets(
            hosts={name: machine.host_secrets() for name, machine in self.machines.items()},
            vault=VaultSecrets(passphrase=SecretStr(self.vault_passphrase)),
            tenant=TenantSecrets(client_secret=SecretStr(self.tenant.settings.client_secret)),
        )

    def cluster_document(self, name: str = "lab", *, settle_seconds: float | None = None) -> str:
        """The lab as a cluster file. By default an instance settles for as long as the lab's speed makes of 60 s."""
        settle = settle_seconds if settle_seconds is not None else max(1.0, 60 / self.speed)
        ca_file = str(self.authority.certificate_file.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            "[cluster]",
            f'name = "{name}"',
            f'first = "{self.names[0]}"',
            "",
            "[tenant]",
            f'domain = "{self.tenant.domain}"',
            f'client_id = "{self.tenant.settings.client_id}"',
            f'ca_file = "{ca_file}"',
            "",
            "[run]",
            f"settle_seconds = {settle:g}",
        ]
        for machine in self.machines.values():
            lines += ["", "[[hosts]]", f'name = "{machine.name}"', f'address = "{machine.address}"']
            lines += machine.cluster_lines(self.authority.certificate_file.resolve())
        return "\n".join(lines) + "\n"

    def known_hosts_text(self) -> str:
        """The hosts' keys as a known_hosts file."""
        return "".join(machine.known_host() for machine in self.machines.values())

    def known_certificates_text(self) -> str:
        """The certificates that an operator would have to confirm, as the file of confirmed ones."""
        found = ((machine, machine.known_certificate()) for machine in self.machines.values())
        return "".join(
            f"{place(machine.address, machine.port)} SHA256 {fingerprint(certificate)}\n"
            for machine, certificate in found
            if certificate is not None
        )

    def fault(self, name: str, host: str | None = None, on: bool = True, *, after: int = CUT_AFTER) -> None:
        """Switch a fault on or off; `host` None means every host, for those that concern hosts. Raises FaultError.

        `after`: for link_cut, how many more bytes pass.
        """
        if host is not None and host not in self.machines:
            raise FaultError(f"there is no host called {host}; there are {', '.join(self.machines)}")
        concerned = set_fault(self, name, host, on, after)
        marks: set[tuple[str, str | None]] = (
            {(name, each) for each in concerned} if name in OF_HOSTS else {(name, None)}
        )
        self._active = self._active | marks if on else self._active - marks

    def active_faults(self) -> list[tuple[str, str | None]]:
        """The faults that are on: name and host, None for those of tenant and directory."""
        cut = {("link_cut", name) for name, host in self.hosts.items() if not host.server.link.armed}
        cut |= {("mid_receive", name) for name, host in self.windows.items() if not host.wsman.cut_armed}
        cut |= {
            ("link_cut", name) for name, host in self.windows.items() if host.ssh and not host.ssh.server.link.armed
        }
        return sorted(self._active - cut, key=lambda mark: (mark[0], mark[1] or ""))

    def close(self) -> None:
        """End every process and server; the directory stays."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
