"""One lab host: its tree, its shims, its services and its SSH server."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from tui.lab.desk import Desk
from tui.lab.install_tree import LayoutName, MadeSet, build_install
from tui.lab.journal import Journal
from tui.lab.services import ServiceManager
from tui.lab.sftp import Tree
from tui.lab.ssh_server import LoginSettings, SshServer, known_host_line
from tui.lab.tools import ToolSettings, write_tools
from tui.remote.secrets import HostSecrets

SSH_PORT = 2222
LOGIN = "ops"
NOISE = "Welcome! 3 updates can be applied.\nunterminated noise "


@dataclass(frozen=True)
class Furnishing:
    """What differs between hosts in the field: names of units, place of the install, login shell.

    `install` is relative to the host's root; with `link_to` it is a symlink to that directory beside it.
    """

    connector_unit: str
    admin_unit: str | None
    install: str
    link_to: str | None = None
    shell: str = "/bin/sh"
    certs_folder: bool = True
    layout: LayoutName = "v6"
    version: str = "6.4.1"


FURNISHINGS = (
    Furnishing("auth0-adldap.service", "auth0-adldap-admin.service", "opt/auth0-adldap"),
    Furnishing(
        "ad-ldap-connector.service", "ad-ldap-connector-admin.service", "opt/AD LDAP Connector", certs_folder=False
    ),
    Furnishing(
        "auth0-connector.service", "auth0-connector-console.service", "opt/auth0-connector", "auth0-connector-6.4.1"
    ),
)


@dataclass(frozen=True)
class HostSecretsOf:
    """The secrets of one host, in clear."""

    password: str = field(repr=False)
    sudo_password: str = field(repr=False)
    code: str = field(repr=False)


class LabHost:
    """A running Linux host. `login` may be changed while it runs; `sudo_rule` is 0 (no password), 1 (password), 2 (not allowed)."""

    os = "linux"
    transport = "ssh"

    def __init__(
        self,
        name: str,
        address: str,
        root: Path,
        socket_path: str,
        furnishing: Furnishing,
        secrets: HostSecretsOf,
        *,
        configured: MadeSet | None,
        ca_file: Path,
        speed: float,
        lifeline: int,
        may_forward: Callable[[str], bool],
    ) -> None:
        """Build the tree and start listening; services are started by `boot`. Raises OSError."""
        self.name, self.address, self.root, self.furnishing = name, address, root, furnishing
        self.port, self.user = SSH_PORT, LOGIN
        self.password, self.sudo_password = secrets.password, secrets.sudo_password
        self.sudo_rule = 1
        self.sudo_attempts: list[bool] = []
        self.shell = furnishing.shell
        self.noisy = False
        self.read_only = False
        self.powered = True
        self.kept: dict[str, dict[str, bytes]] = {}
        self.drifting: threading.Event | None = None
        self._sudo_now = secrets.sudo_password
        self._may_forward = may_forward
        self.account = _own_account()
        self.home = root / "home" / self.user
        self.tools = ToolSettings(
            root, socket_path, name, address, self.user, self.account, root / "var" / "clock", speed
        )
        self._build(configured, ca_file)
        self.journal = Journal(self.clock)
        environment = {"PATH": self.tools.search_path, "LANG": "C.UTF-8", "HOME": str(root)}
        self.services = ServiceManager(
            self.journal, (root / "lib/systemd/system", root / "etc/systemd/system"), environment, self.clock, lifeline
        )
        self.services.add_decoy("ssh.service", "OpenBSD Secure Shell server", 411, ("/usr/sbin/sshd", "-D"))
        self.services.add_decoy("cron.service", "Regular background jobs", 398, ("/usr/sbin/cron", "-f"))
        self.services.add_decoy(
            "metrics.service", "Metrics exporter", 512, ("/usr/bin/node", "server.js"), f"{root}/opt/metrics"
        )
        self.desk = Desk(
            socket_path, name, self.services, self.journal, lambda account: self._rule(account), self._sudo_try
        )
        self.login = LoginSettings(self.user, secrets.password, code=secrets.code)
        self.tree = type("HostTree", (Tree,), {"root": root, "home": self.home})
        self.server = SshServer(self, self.login, self.port)

    @property
    def install_dir(self) -> str:
        """Where the connector is installed, as its units name it."""
        return str(self.root / self.furnishing.install)

    @property
    def real_install(self) -> Path:
        """The same as a real directory."""
        return Path(self.install_dir)

    @property
    def connector_unit(self) -> str:
        """The connector's unit."""
        return self.furnishing.connector_unit

    @property
    def admin_unit(self) -> str | None:
        """The admin console's unit."""
        return self.furnishing.admin_unit

    @property
    def clock_file(self) -> Path:
        """Holds by how many seconds this host's clock is off; absent = right."""
        return self.tools.clock_file

    def clock(self) -> float:
        """This host's own time."""
        try:
            return time.time() + float(self.clock_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return time.time()

    def _build(self, configured: MadeSet | None, ca_file: Path) -> None:
        for part in ("home", "var", "tmp", "etc/systemd/system", "lib/systemd/system", "opt/metrics"):
            (self.root / part).mkdir(parents=True)
        self.home.mkdir(mode=0o750)
        write_tools(self.tools)
        install = self.root / self.furnishing.install
        if self.furnishing.link_to:
            install.symlink_to(self.furnishing.link_to)
            install = install.with_name(self.furnishing.link_to)
        build_install(
            install,
            layout=self.furnishing.layout,
            version=self.furnishing.version,
            configured=configured,
            certs_folder=self.furnishing.certs_folder,
        )
        (self.root / "opt/metrics/server.js").write_text("'use strict';\n", encoding="utf-8")
        for unit, script, words in (
            (self.connector_unit, "server.js", "Auth0 AD LDAP Connector"),
            (self.admin_unit, "admin/server.js", "Auth0 AD LDAP Connector admin console"),
        ):
            if unit:
                text = self._unit_text(script, words, ca_file)
                (self.root / "lib/systemd/system" / unit).write_text(text, encoding="utf-8")

    def _unit_text(self, script: str, description: str, ca_file: Path) -> str:
        return (
            f"[Unit]\nDescription={description}\nAfter=network-online.target\nStartLimitIntervalSec=30\n\n"
            f"[Service]\nUser={self.account}\nWorkingDirectory={self.install_dir}\n"
            f"ExecStart={quote(str(self.tools.node))} {script}\n"
            f"Environment={quote(f'NODE_EXTRA_CA_CERTS={ca_file}')}\nRestart=always\nRestartSec=100ms\n\n"
            "[Install]\nWantedBy=multi-user.target\n"
        )

    def boot(self) -> None:
        """Start the services and let logins in."""
        self.powered = True
        self.server.open()
        self.services.boot()

    def power_off(self) -> None:
        """As if the plug were pulled."""
        self.powered = False
        self.server.close()
        self.services.close()

    def close(self) -> None:
        """End everything."""
        self.power_off()
        self.desk.close()

    def may_forward(self, address: str) -> bool:
        """Whether this address belongs to the lab."""
        return self._may_forward(address)

    def command(self, text: str | None) -> tuple[Sequence[str], str, dict[str, str]]:
        """How the login shell runs `text`; None is an interactive shell."""
        argv = [self.shell, "-l"] if text is None else [self.shell, "-c", text]
        if self.noisy and text is not None:
            noise = f'printf %s {quote(NOISE)}; printf %s {quote(NOISE)} >&2; exec "$@"'
            argv = ["/bin/sh", "-c", noise, "sh", *argv]
        if self.read_only:
            argv = [*read_only_view(self.root), *argv]
        environment = {
            "PATH": self.tools.search_path,
            "HOME": str(self.home),
            "USER": self.user,
            "LOGNAME": self.user,
            "SHELL": self.shell,
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root / "tmp"),
            "LAB_AS": self.user,
            "SSH_CLIENT": f"127.0.0.1 1 {self.port}",
        }
        return argv, str(self.home), environment

    def change_sudo_password(self, password: str | None) -> None:
        """Let sudo expect another password; None = the one that `sudo_password` says."""
        self._sudo_now = password if password is not None else self.sudo_password

    def _rule(self, account: str) -> int:
        return 0 if account == "root" else self.sudo_rule

    def _sudo_try(self, password: str) -> bool:
        self.sudo_attempts.append(password == self._sudo_now)
        return self.sudo_attempts[-1]

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return self.server.connections

    def wait_ready(self, configured: bool, seconds: float) -> str | None:
        """Wait until its services have settled; what is wrong when they have not."""
        if self.admin_unit and not self.journal.wait_for(self.admin_unit, "listening", timeout=seconds):
            return f"the admin console of {self.name} did not start; is port 8357 of {self.address} free?"
        if not configured:
            self.services.wait(self.connector_unit, lambda unit: unit.active == "failed", timeout=seconds)
        return None

    def host_secrets(self) -> HostSecrets:
        """What an operator would type for this host."""
        texts = {"password": self.password, "sudo_password": self.sudo_password, "challenge": self.login.code}
        return HostSecrets.model_validate(texts)

    def cluster_lines(self, authority_file: Path) -> list[str]:
        """Its table in a cluster file, but for name and address."""
        return [f"port = {self.port}", f'user = "{self.user}"', 'become = "sudo"']

    def known_host(self) -> str:
        """Its line in a known_hosts file."""
        return known_host_line(self.address, self.server)

    def known_certificate(self) -> bytes | None:
        """None: it has no TLS."""
        return None

    def restart_connector(self) -> None:
        """Stop it, forget how often it was started, and start it."""
        self.services.stop(self.connector_unit)
        self.services.reset_failed(self.connector_unit)
        self.services.start(self.connector_unit)

    def kill_connector(self) -> None:
        """End its process at once; its service manager starts it again."""
        self.services.kill(self.connector_unit)

    def wait_log(self, text: str, *, timeout: float = 10.0, times: int = 1) -> bool:
        """Wait until the connector has logged `text` so many times."""
        return self.journal.wait_for(self.connector_unit, text, timeout=timeout, times=times)


def read_only_view(root: Path) -> list[str]:
    """The start of a command line that sees `root` mounted read-only, in a mount namespace of its own."""
    mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$PWD" && exec "$@"'
    user = [] if os.getuid() == 0 else ["-r"]
    return ["unshare", "-m", *user, "/bin/sh", "-c", mount, str(root)]


def can_mount(root: Path) -> bool:
    """Whether this machine lets the lab make a read-only view."""
    if shutil.which("unshare") is None:
        return False
    with contextlib.suppress(OSError):
        return subprocess.run([*read_only_view(root), "true"], capture_output=True, check=False).returncode == 0
    return False


def _own_account() -> str:
    try:
        return getpass.getuser() if os.getuid() else "root"
    except (KeyError, OSError):
        return str(os.getuid())


def in_parallel(actions: Sequence[Callable[[], None]]) -> None:
    """Run every action in a thread of its own and wait for all."""
    threads = [threading.Thread(target=action, daemon=True) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
