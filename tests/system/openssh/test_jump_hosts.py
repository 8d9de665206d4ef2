"""The way to a host: chains of jump hosts, closed ports, and many logins at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.openssh.conftest import make_access, make_host
from tests.system.openssh.hosts import Account, Sshd, who
from tui.cluster import Host
from tui.remote.access import Access, remember_host_key
from tui.remote.connect import open_posix_session
from tui.remote.errors import (
    HostKeyUnknown,
    HostUnreachable,
)


@pytest.fixture
def bastions(tmp_path: Path, key: Path) -> Iterator[list[Sshd]]:
    """Two jump hosts."""
    for name in ("b1", "b2"):
        (tmp_path / name).mkdir()
    with Sshd(tmp_path / "b1", key) as one, Sshd(tmp_path / "b2", key) as two:
        yield [one, two]


def test_a_chain_of_jump_hosts_each_with_its_key_checked(
    bastions: list[Sshd], sshd: Sshd, account: Account, key: Path, tmp_path: Path
) -> None:
    access = make_access(tmp_path)
    jump = ",".join(f"{account.name}@127.0.0.1:{server.port}" for server in bastions)
    host = make_host(sshd, account, identity=key, jump=jump)
    for server in (*bastions, sshd):
        with pytest.raises(HostKeyUnknown) as question:
            open_posix_session(host, access)
        assert question.value.port == server.port
        remember_host_key(access, question.value)
    session = open_posix_session(host, access)
    try:
        assert session.run("echo $SSH_CONNECTION").text.split()[3] == str(sshd.port)
        assert all(server.logged("Accepted publickey") for server in bastions)
    finally:
        session.close()


def test_a_jump_host_of_the_openssh_configuration_is_used(
    bastions: list[Sshd], sshd: Sshd, account: Account, key: Path, tmp_path: Path
) -> None:
    access = make_access(tmp_path, sshd, *bastions)
    assert access.ssh_config is not None
    access.ssh_config.write_text(
        f"Host fir\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User {account.name}\n  IdentityFile {key}\n"
        f"  ProxyJump via\nHost via\n  HostName 127.0.0.1\n  Port {bastions[0].port}\n  User {account.name}\n"
        f"  IdentityFile {key}\n"
    )
    assert who(Host(name="fir", address="fir"), access) == account.name
    assert bastions[0].logged("Accepted publickey") == 1


def test_a_jump_host_that_forbids_forwarding_is_told(sshd: Sshd, account: Account, key: Path, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "AllowTcpForwarding no") as bastion:
        access = make_access(tmp_path, sshd, bastion)
        host = make_host(sshd, account, identity=key, jump=f"{account.name}@127.0.0.1:{bastion.port}")
        with pytest.raises(HostUnreachable, match="forbids forwarding"):
            open_posix_session(host, access)


def test_a_closed_port_and_an_unknown_name_are_told_apart(access: Access, sshd: Sshd, account: Account) -> None:
    host = make_host(sshd, account)
    with pytest.raises(HostUnreachable, match="refuses connections"):
        open_posix_session(host.model_copy(update={"port": 1}), access)
    with pytest.raises(HostUnreachable, match="is not known"):
        open_posix_session(host.model_copy(update={"address": "nowhere.invalid"}), access)


def test_thirty_two_logins_at_once_pass_a_server_that_admits_few(tmp_path: Path, key: Path, account: Account) -> None:
    (tmp_path / "s").mkdir()
    with Sshd(tmp_path / "s", key, "MaxStartups 5:100:5") as server:
        access = make_access(tmp_path, server)
        host = make_host(server, account, identity=key)
        names: list[str] = []
        threads = [threading.Thread(target=lambda: names.append(who(host, access))) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert names == [account.name] * 32
