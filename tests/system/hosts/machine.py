"""One booted host: systemd-nspawn over an overlay of the root image."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.system.hosts.bridge import Bridge
from tests.system.hosts.control_group import ControlGroup
from tests.system.hosts.private_mounts import PrivateMounts, children

BOOT_SECONDS = 120.0


class HostFailed(Exception):
    """A host did not boot or did not do as told; the text ends with the last lines of its console."""


def _wait(what: str, ready: Callable[[], bool], seconds: float, console: Path) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            tail = console.read_text(errors="replace").splitlines()[-15:] if console.exists() else []
            raise HostFailed(f"{what} took longer than {seconds:.0f} s\n" + "\n".join(tail))
        time.sleep(0.05)


def _answers_ssh(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 22), timeout=1) as connection:
        connection.settimeout(2)
        return connection.recv(4) == b"SSH-"
    return False


def _alive(pid: int) -> bool:
    """Whether a process still exists; PID 1 of a host only ends after every other process of that host has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class NspawnHost:
    """A host under test. Files are prepared with `write` before `boot`; `root` runs commands as root, not over SSH."""

    port = 22

    def __init__(self, name: str, address: str, directory: Path, mounts: PrivateMounts, bridge: Bridge) -> None:
        self.name = name
        self.address = address
        self._mounts = mounts
        self._bridge = bridge
        self._tree = directory / "root"
        self._machine = f"{bridge.name}-{name}"
        self._console = Path(f"{directory}.console")
        self._group = ControlGroup(self._machine)
        self._process: subprocess.Popen[bytes] | None = None

    def lay(self, image: Path) -> None:
        """Mount the overlay; the host then exists but is switched off."""
        upper, work = self._tree.with_name("upper"), self._tree.with_name("work")
        self._mounts.run("mkdir", "-p", str(self._tree), str(upper), str(work))
        options = f"lowerdir={image},upperdir={upper},workdir={work}"
        self._mounts.run("mount", "-t", "overlay", "-o", options, "overlay", str(self._tree))

    def write(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """Put a root-owned file into the switched-off host's tree; parents are made."""
        target = self.outside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        target.chmod(mode)

    def read(self, path: str) -> bytes:
        """The bytes of one of the host's files, on or off, links not followed out of its tree."""
        return self.outside(path).read_bytes()

    def outside(self, path: str) -> Path:
        """One of the host's files as it is reached from this machine; absolute links in it must not be followed."""
        return self._mounts.outside(self._tree / path.lstrip("/"))

    def offline(self, script: str, stdin: bytes = b"") -> bytes:
        """Run `script` with sh inside the switched-off host's tree."""
        return self._mounts.run("chroot", str(self._tree), "/bin/sh", "-c", script, stdin=stdin)

    def boot(self) -> None:
        """Switch on; `wait_until_up` tells when SSH answers."""
        assert self._process is None, f"{self.name} is already switched on"
        environment = {**os.environ, **({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "0"} if self._group.legacy else {})}
        command = [
            *("systemd-nspawn", "--quiet", f"--directory={self._tree}"),
            *(f"--machine={self._machine}", f"--hostname={self.name}", "--boot"),
            *(f"--network-bridge={self._bridge.name}", "--register=no", "--keep-unit", "--console=read-only"),
            *("--link-journal=no", "--resolv-conf=off", "--timezone=off"),
        ]
        with self._console.open("ab") as console:
            self._process = subprocess.Popen(
                self._group.command(self._mounts.command(command)),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def wait_until_up(self) -> None:
        """Return when the host's SSH server greets; raises HostFailed when it does not within two minutes."""

        def ready() -> bool:
            if self._process is None or self._process.poll() is not None:
                raise HostFailed(
                    f"{self.name} went off while booting\n{self._console.read_text(errors='replace')[-2000:]}"
                )
            return _answers_ssh(self.address)

        _wait(f"booting {self.name}", ready, BOOT_SECONDS, self._console)

    def root(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
        """Run a program as root in the running host, through its namespaces; returns its standard output."""
        command = ["nsenter", "--target", str(self._leader()), "--mount", "--uts", "--ipc", "--net", "--pid", "--root"]
        done = subprocess.run([*command, "--wdns=/", "--", *arguments], input=stdin, capture_output=True, check=False)
        if check and done.returncode != 0:
            raise HostFailed(
                f"{self.name}: {arguments} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
            )
        return done.stdout.decode(errors="replace")

    def wait_for_unit(self, unit: str, state: str, seconds: float = 30) -> None:
        """Return when systemd says `state` (`active`, `failed`) of a unit; raises HostFailed when it does not in time."""

        def ready() -> bool:
            return self.root("systemctl", "is-active", unit, check=False).strip() == state

        _wait(f"{unit} to become {state} on {self.name}", ready, seconds, self._console)

    def host_key(self) -> str:
        """The Ed25519 public key of this host's SSH server, `TYPE BASE64`, read from its disk rather than from the network."""
        return " ".join(self.read("/etc/ssh/ssh_host_ed25519_key.pub").decode().split()[:2])

    def power_off(self) -> None:
        """Shut down cleanly and wait until it is off."""
        if self._process is None:
            return
        self.root("systemctl", "poweroff", check=False)
        process = self._process
        _wait(f"switching {self.name} off", lambda: process.poll() is not None, 60, self._console)
        self._process = None

    def power_cut(self) -> None:
        """Take the power away: every process of the host is killed at once and nothing is written any more."""
        process, self._process = self._process, None
        if process is None:
            return
        supervisors = children(process.pid)
        leaders = [pid for supervisor in supervisors for pid in children(supervisor)]
        for pid in (*leaders, *supervisors):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        _wait(f"cutting the power of {self.name}", lambda: not any(map(_alive, leaders)), 20, self._console)

    def _leader(self) -> int:
        """PID 1 of the host: the child of systemd-nspawn, which is the child of what entered the namespaces for it."""
        if self._process is None:
            raise HostFailed(f"{self.name} is switched off")
        for supervisor in children(self._process.pid):
            for leader in children(supervisor):
                return leader
        raise HostFailed(f"{self.name} has no PID 1")
