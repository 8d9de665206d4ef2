"""Several hosts beside each other on one bridge, and everything that must go when they go."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.system.hosts.bridge import Bridge
from tests.system.hosts.janitor import Janitor
from tests.system.hosts.machine import NspawnHost
from tests.system.hosts.private_mounts import PrivateMounts
from tests.system.hosts.root_image import LOGIN_USER, root_image

_NETWORK = """\
[Match]
Name=host0

[Network]
Address={address}/{prefix}
LinkLocalAddressing=no
IPv6AcceptRA=no
"""


class NspawnHosts:
    """A context manager around booted hosts, reachable as `hosts["fir"]`.

    On entering, the hosts exist and are switched off, so that files can be put into their trees; `boot` switches them on. The
    login account is `login_user` with `password` (also for sudo) and `identity`, an Ed25519 key; nobody else may log in. On
    leaving, and whenever this process ends, every process, mount, interface and file of the hosts is gone.
    """

    login_user = LOGIN_USER

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._hosts: dict[str, NspawnHost] = {}
        self._exit = ExitStack()
        self.password = f"CANARY-{secrets.token_urlsafe(12)}"
        self.name = f"adha{secrets.token_hex(4)}"
        self.directory = Path()
        self.identity = Path()
        self.address = ""

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self._start(undo)
            self._exit = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exit.close()

    def __getitem__(self, name: str) -> NspawnHost:
        return self._hosts[name]

    def __iter__(self) -> Iterator[NspawnHost]:
        return iter(self._hosts.values())

    def boot(self) -> None:
        """Switch all on, a few at a time, and return when every one answers SSH."""
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
            list(pool.map(self._boot, self))

    @staticmethod
    def _boot(host: NspawnHost) -> None:
        host.boot()
        host.wait_until_up()

    def known_hosts(self) -> str:
        """A known_hosts file for every host, from the keys on their disks."""
        return "".join(f"{host.address} {host.host_key()}\n" for host in self)

    def _start(self, undo: ExitStack) -> None:
        image = root_image()
        self.directory = Path(tempfile.mkdtemp(prefix="adldap-ha-hosts-"))
        undo.callback(Janitor(self.name, self.directory).close)
        self.identity = self.directory / "identity"
        self._make_identity()
        trees = self.directory / "trees"
        trees.mkdir()
        mounts = PrivateMounts(trees)
        undo.callback(mounts.close)
        bridge = Bridge(self.name)
        self.address = bridge.address
        for index, name in enumerate(self._names):
            self._hosts[name] = NspawnHost(name, bridge.host_address(index), trees / name, mounts, bridge)
        with ThreadPoolExecutor(len(self._hosts)) as pool:
            list(pool.map(lambda host: self._lay(host, image, bridge.prefix), self))

    def _make_identity(self) -> None:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "system-test", "-f", str(self.identity)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    def _lay(self, host: NspawnHost, image: Path, prefix: int) -> None:
        host.lay(image)
        host.write("/etc/hostname", f"{host.name}\n")
        host.write("/etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
        names = "".join(f"{other.address} {other.name}\n" for other in self)
        host.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{names}")
        host.write("/etc/systemd/network/10-host0.network", _NETWORK.format(address=host.address, prefix=prefix))
        host.offline("chpasswd", stdin=f"{self.login_user}:{self.password}\n".encode())
        key = self.identity.with_suffix(".pub").read_text(encoding="ascii")
        host.offline(
            f"install -d -m 0700 -o {self.login_user} -g {self.login_user} /home/{self.login_user}/.ssh && umask 077 && "
            f"cat >/home/{self.login_user}/.ssh/authorized_keys && chown -R {self.login_user}: /home/{self.login_user}/.ssh",
            stdin=key.encode(),
        )
