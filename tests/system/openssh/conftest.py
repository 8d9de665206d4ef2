"""Real OpenSSH servers on loopback, with throw-away accounts. Needs root (CI is root)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.openssh.hosts import Account, Sshd, make_key
from tui.cluster import Host
from tui.remote.access import Access

NEEDED = ("sshd", "ssh", "ssh-keygen", "ssh-agent", "sudo", "useradd", "setfacl", "fish", "tcsh", "busybox")
PACKAGES = "openssh-server openssh-client sudo passwd acl fish tcsh busybox"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests are system tests; what this machine cannot run is counted as skipped, with the way out."""
    here = Path(__file__).parent
    lacking = [tool for tool in NEEDED if not shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")]
    reason = "needs root" if os.geteuid() else f"needs {', '.join(lacking)}: apt-get install {PACKAGES}"
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.system)
            if os.geteuid() or lacking:
                item.add_marker(pytest.mark.skip(reason=reason))


@contextlib.contextmanager
def _account_files() -> Iterator[None]:
    """useradd fails when another one runs: take turns with the other test processes."""
    with open("/tmp/.adldap-ha-tests-accounts", "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def temporary_account(login_shell: str = "/bin/bash", sudoers: str = "") -> Iterator[Account]:
    """A local account with a password and, when `sudoers` says so, sudo rights; `{user}` stands for its name."""
    name = f"ha{uuid.uuid4().hex[:10]}"
    account = Account(name, f"CANARY-{uuid.uuid4().hex}", Path("/home") / name)
    rules = Path("/etc/sudoers.d") / name
    with _account_files():
        subprocess.run(
            ["useradd", "-m", "-d", str(account.home), "-s", login_shell, name], check=True, capture_output=True
        )
        subprocess.run(["chpasswd"], input=f"{name}:{account.password}\n".encode(), check=True)
    try:
        if sudoers:
            rules.touch(mode=0o440)
            rules.write_text(sudoers.replace("{user}", name) + "\n")
        yield account
    finally:
        rules.unlink(missing_ok=True)
        with _account_files():
            subprocess.run(["userdel", "-f", "-r", name], check=False, capture_output=True)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The usual login: bash, sudo with its password."""
    log = tmp_path_factory.mktemp("sudo") / "log"
    with temporary_account(sudoers=f"Defaults:{{user}} logfile={log}, passwd_tries=3\n{{user}} ALL=(ALL) ALL") as made:
        made.sudo_log = log
        yield made


@pytest.fixture(scope="session")
def service_account() -> Iterator[Account]:
    """The account that owns an install; nobody logs in with it."""
    with temporary_account(login_shell="/usr/sbin/nologin") as made:
        yield made


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory, account: Account) -> Path:
    """A key pair that every server here accepts for every account."""
    return make_key(tmp_path_factory.mktemp("key") / "id")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Iterator[Sshd]:
    """A server as Debian configures it, without SFTP."""
    with Sshd(tmp_path_factory.mktemp("sshd"), key) as server:
        yield server


@pytest.fixture
def access(tmp_path: Path, sshd: Sshd) -> Access:
    """Knows the usual server's key, and nothing of this machine's own OpenSSH configuration."""
    return make_access(tmp_path, sshd)


def make_access(directory: Path, *servers: Sshd) -> Access:
    """Access that knows the keys of `servers`."""
    known = directory / "known_hosts"
    known.write_text("".join(server.known_line() for server in servers))
    config = directory / "ssh_config"
    config.write_text("Host *\n  IdentityFile none\n  IdentityAgent none\n")
    return Access(known_hosts=known, system_known_hosts=directory / "none", ssh_config=config)


@pytest.fixture
def host(sshd: Sshd, account: Account, key: Path) -> Host:
    """The usual server, logged in to with the key."""
    return make_host(sshd, account, identity=key)


def make_host(server: Sshd, account: Account, **values: object) -> Host:
    """A cluster file's host for `server`."""
    return Host.model_validate(
        {"name": "fir", "address": "127.0.0.1", "port": server.port, "user": account.name, **values}
    )
