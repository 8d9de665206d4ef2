"""Labs for tests, real SSH clients to reach them with, and the search for leaked secrets."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from tui.lab.host import LabHost
from tui.lab.lab import Lab

SPEED = 20.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of three hosts that the tests of one module share; whoever changes it puts it back."""
    with Lab(tmp_path_factory.mktemp("lab"), speed=SPEED) as made:
        yield made


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Start labs of one's own, with Lab's own arguments but for the directory."""
    with ExitStack() as stack:

        def make(**arguments: Any) -> Lab:
            arguments.setdefault("speed", SPEED)
            number = len(list(tmp_path.glob("lab-*")))
            return stack.enter_context(Lab(tmp_path / f"lab-{number}", **arguments))

        yield make


@pytest.fixture
def fault(lab: Lab) -> Iterator[Callable[..., None]]:
    """Switch a fault of the shared lab on until the end of the test."""
    with ExitStack() as stack:

        def switch(name: str, host: str | None = None, **options: Any) -> None:
            lab.fault(name, host, **options)
            stack.callback(lab.fault, name, host, False)

        yield switch


@dataclass(frozen=True)
class OpenSsh:
    """The real ssh client, pointed at a lab with the lab's key and known hosts, and at nothing of the user's."""

    lab: Lab
    known_hosts: Path

    def options(self) -> list[str]:
        """What ssh and sftp have in common."""
        chosen = {
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": self.lab.client_key,
            "BatchMode": "yes",
        }
        return ["-F", "none", *(word for name, value in chosen.items() for word in ("-o", f"{name}={value}"))]

    def argv(self, host: str, command: str) -> list[str]:
        """A whole command line."""
        at = self.lab.hosts[host]
        return ["ssh", *self.options(), "-p", str(at.port), f"{at.user}@{at.address}", command]

    def run(self, host: str, command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command on a host."""
        return subprocess.run(self.argv(host, command), input=stdin, capture_output=True, timeout=60, check=False)


@pytest.fixture
def ssh(lab: Lab, tmp_path: Path) -> OpenSsh:
    """The real ssh client for the shared lab."""
    if shutil.which("ssh") is None:
        pytest.skip("there is no ssh client on this machine")
    return OpenSsh(lab, write_known_hosts(lab, tmp_path))


def write_known_hosts(lab: Lab, folder: Path) -> Path:
    """The lab's host keys as a file."""
    path = folder / "known_hosts"
    path.write_text(lab.known_hosts_text(), encoding="ascii")
    return path


def connect(host: LabHost, **arguments: Any) -> paramiko.SSHClient:
    """A paramiko client that knows the host's key; logs in with the password unless told otherwise."""
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[{host.address}]:{host.port}", "ssh-ed25519", host.server.key)
    arguments.setdefault("password", host.password)
    client.connect(
        host.address,
        host.port,
        host.user,
        allow_agent=False,
        look_for_keys=False,
        timeout=10,
        auth_timeout=10,
        **arguments,
    )
    return client


@pytest.fixture
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory and XDG directories of the test's own."""
    home = tmp_path / "home"
    for name, part in (
        ("HOME", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_RUNTIME_DIR", "run"),
    ):
        folder = home / part
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(folder))
    return home


def leaks(canaries: list[str], *places: Path) -> list[str]:
    """Every file below `places` that holds one of `canaries`, or is named after one: `PATH: CANARY`."""
    wanted = [(canary, canary.encode()) for canary in canaries]
    found = []
    for place in places:
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found += [f"{path}: {text}" for text, raw in wanted if raw in data or text in path.name]
    return found


@pytest.fixture
def no_leaks(private_home: Path, lab: Lab, capfd: pytest.CaptureFixture[str]) -> Iterator[Path]:
    """A private home in which, like in the test's output, no secret of the shared lab may be found at the end."""
    yield private_home
    assert leaks(lab.canaries(), private_home) == []
    printed = "".join(capfd.readouterr())
    assert [canary for canary in lab.canaries() if canary in printed] == []
