"""One Windows host of the lab: a tree with ACLs, services under NSSM, and a WSMan endpoint or OpenSSH in front of them.

What it cannot show: no PowerShell is interpreted (the project's scripts are answered from Python, so a mistake in one of
them stays hidden here), there is no NTFS, no service control manager, no registry, no domain controller and no Kerberos,
no group policy, no antivirus. Account rights are told, and ACLs hold for what the scripts do; the connector's own processes
run as the account that runs the lab, on this machine's kernel.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tui.lab.authority import Authority
from tui.lab.install_tree import MadeSet, build_install
from tui.lab.journal import Journal
from tui.lab.ssh_server import known_host_line
from tui.lab.windows.accounts import Accounts
from tui.lab.windows.certificates import self_signed, signed
from tui.lab.windows.furnishing import PROGRAM_FILES, WindowsFurnishing
from tui.lab.windows.openssh import OpenSsh
from tui.lab.windows.programs import Programs
from tui.lab.windows.scripts import run_script
from tui.lab.windows.services import ServiceControl, ServiceRefusal, WindowsService
from tui.lab.windows.tree import WindowsTree
from tui.lab.windows.wsman import HTTP_PORT, HTTPS_PORT, Call, WsmanServer
from tui.remote.secrets import HostSecrets

LOGIN = "ops"
_AUTHORITY_FILE = "C:\\ProgramData\\lab-ca.pem"
_PROGRAM_FILES_ACL = (
    "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;AC)"
)


class WindowsLabHost:
    """A running Windows host. What its account is and may do can be changed while it runs."""

    os = "windows"

    def __init__(
        self,
        name: str,
        address: str,
        root: Path,
        furnishing: WindowsFurnishing,
        password: str,
        *,
        configured: MadeSet | None,
        authority: Authority,
        speed: float,
        lifeline: int,
    ) -> None:
        """Build the tree; the services are started, and WSMan listens, by `boot`. Raises OSError."""
        self.name, self.address, self.furnishing = name, address, furnishing
        self.user, self.password = LOGIN, password
        self.powered = False
        self.elevated = self.administrator = True
        self.constrained = False
        self.kept: dict[str, dict[str, bytes]] = {}
        self.drifting: threading.Event | None = None
        self.powershell, self.build, self.domain = "5.1.17763.5830", "17763", furnishing.domain
        self.accounts = Accounts(f"WIN-{name.upper()}"[:15], self.user)
        self.scripts: list[str] = []
        """The names of the scripts that were run, in their order."""
        self._actions: dict[str, Callable[[], None]] = {}
        self.root = root / "C"
        self.root.mkdir(parents=True, mode=0o700)
        self.tree = WindowsTree(self.root, self.accounts)
        self.clock_file = root / "clock"
        self._build(configured, authority)
        self.journal = Journal(self.clock)
        self.programs = Programs(self.tree, address, name, self.domain, self.clock_file, speed)
        self.services = ServiceControl(self.journal, self._program, self.clock, speed, lifeline)
        self._install_services()
        self.wsman = self._endpoint(authority)
        """Also there, and closed, on a host that is reached by SSH."""
        self.ssh = OpenSsh(address, self.user, password, self._answer) if self.transport == "ssh" else None

    @property
    def transport(self) -> str:
        """How it is reached."""
        return self.furnishing.transport

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.ssh.server.port if self.ssh else self.wsman.port

    @property
    def install_dir(self) -> str:
        """Where the connector is installed."""
        return self.furnishing.install

    @property
    def real_install(self) -> Path:
        """The same as a real directory."""
        return self.tree.real(self.install_dir)

    @property
    def connector_unit(self) -> str:
        """The connector's service."""
        return self.furnishing.connector_service

    @property
    def admin_unit(self) -> str:
        """The admin console's service."""
        return self.furnishing.admin_service

    @property
    def connections(self) -> int:
        """How many sessions clients have open."""
        return self.ssh.server.connections if self.ssh else self.wsman.shells.open_shells()

    def clock(self) -> float:
        """This host's own time."""
        try:
            return time.time() + float(self.clock_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return time.time()

    def _build(self, configured: MadeSet | None, authority: Authority) -> None:
        for part in ("Program Files", "Program Files (x86)", "ProgramData", "Windows/System32", "Windows/Temp"):
            (self.root / part).mkdir(parents=True)
        self.tree.set_acl(PROGRAM_FILES, _PROGRAM_FILES_ACL)
        self.tree.real(_AUTHORITY_FILE).write_bytes(authority.certificate_file.read_bytes())
        made = build_install(
            self.real_install,
            layout=self.furnishing.layout,
            version=self.furnishing.version,
            configured=configured,
            certs_folder=self.furnishing.certs_folder,
        )
        for program in ("node.exe", "nssm.exe"):
            (made / program).write_bytes(b"MZ a placeholder of the lab\r\n")

    def _install_services(self) -> None:
        for service, directory, words in (
            (self.connector_unit, self.install_dir, "Auth0 ADLDAP"),
            (self.admin_unit, f"{self.install_dir}\\admin", "Auth0 ADLDAP Admin"),
        ):
            self.services.add(
                WindowsService(
                    name=service,
                    display=words,
                    application=f"{self.install_dir}\\node.exe",
                    arguments=("server.js",),
                    directory=directory,
                    environment={"NODE_EXTRA_CA_CERTS": _AUTHORITY_FILE},
                    image=f'"{self.install_dir}\\nssm.exe"',
                    account=self.furnishing.account,
                )
            )
        for name, display, account in (
            ("W32Time", "Windows Time", "NT AUTHORITY\\LocalService"),
            ("WinRM", "Windows Remote Management (WS-Management)", "NT AUTHORITY\\NetworkService"),
        ):
            self.services.add(
                WindowsService(name, display, image="C:\\Windows\\System32\\svchost.exe", account=account, decoy=True)
            )

    def _program(self, service: WindowsService) -> tuple[list[str], str, dict[str, str]]:
        variables = dict(service.environment)
        if service.name == self.connector_unit:
            variables["LAB_LOG_FILE"] = f"{self.install_dir}\\logs.log"
        directory = str(self.tree.real(service.directory))
        return self.programs.command(service.arguments), directory, self.programs.environment(variables)

    def _endpoint(self, authority: Authority) -> WsmanServer:
        furnishing = self.furnishing
        made = None
        if furnishing.tls and furnishing.transport == "winrm":
            made = signed(authority, self.address) if furnishing.trusted else self_signed(self.address)
        self._unsigned = made.der if made and not furnishing.trusted else None
        auth = {"basic": "basic", "credssp": "credssp"}.get(furnishing.auth or "", "negotiate")
        return WsmanServer(
            self.address,
            HTTPS_PORT if made else HTTP_PORT,
            accounts={self.user: self.password},
            handler=self._answer,
            host_name=self.accounts.computer,
            tls=made.context if made else None,
            auth=(auth,),
        )

    def _answer(self, call: Call) -> str:
        return run_script(self, call)

    def notice(self, script: str) -> None:
        """A script is about to be answered: keep its name, and do what waits for it."""
        self.scripts.append(script)
        action = self._actions.pop(script, None)
        if action is not None:
            action()

    def at_script(self, script: str, action: Callable[[], None]) -> None:
        """Do something once, just before a script of that name is answered the next time."""
        self._actions[script] = action

    def boot(self) -> None:
        """Start the services and let logins in."""
        self.powered = True
        (self.ssh.server if self.ssh else self.wsman).open()
        self.services.boot()

    def power_off(self) -> None:
        """As if the plug were pulled."""
        self.powered = False
        (self.ssh.server if self.ssh else self.wsman).close()
        self.services.close()

    def close(self) -> None:
        """End everything."""
        self.power_off()

    def wait_ready(self, configured: bool, seconds: float) -> str | None:
        """Wait until its services have settled; what is wrong when they have not."""
        if not self.journal.wait_for(self.admin_unit, "listening", timeout=seconds):
            return f"the admin console of {self.name} did not start; is port 8357 of {self.address} free?"
        if not configured:
            self.services.wait_state(self.connector_unit, "Paused", seconds)
        return None

    def host_secrets(self) -> HostSecrets:
        """What an operator would type for this host."""
        return HostSecrets.model_validate({"password": self.password})

    def cluster_lines(self, authority_file: Path) -> list[str]:
        """Its table in a cluster file, but for name and address."""
        furnishing = self.furnishing
        lines = [
            f'transport = "{furnishing.transport}"',
            'os = "windows"',
            f"port = {self.port}",
            f'user = "{self.user}"',
        ]
        if furnishing.transport == "winrm":
            if not furnishing.tls:
                lines.append("tls = false")
            elif furnishing.trusted:
                lines.append(f"ca_file = {_quoted(str(authority_file))}")
            if furnishing.auth:
                lines.append(f'auth = "{furnishing.auth}"')
        return lines

    def known_host(self) -> str:
        """Its line in a known_hosts file; empty when it has no SSH."""
        return known_host_line(self.address, self.ssh.server) if self.ssh else ""

    def known_certificate(self) -> bytes | None:
        """The DER of its listener's certificate, when nobody whom the cluster file names has signed it."""
        return self._unsigned

    def restart_connector(self) -> None:
        """Stop it, wait until it is gone, and start it."""
        with contextlib.suppress(ServiceRefusal):
            self.services.stop(self.connector_unit)
        self.services.wait_state(self.connector_unit, "Stopped", 10)
        with contextlib.suppress(ServiceRefusal):
            self.services.start(self.connector_unit)

    def kill_connector(self) -> None:
        """End its process at once; NSSM starts it again."""
        self.services.kill(self.connector_unit)

    def wait_log(self, text: str, *, timeout: float = 10.0, times: int = 1) -> bool:
        """Wait until the connector has logged `text` so many times."""
        return self.journal.wait_for(self.connector_unit, text, timeout=timeout, times=times)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
