"""Whom the program believes to be talking to: known hosts, hashed names, certificates, revoked and changed keys."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.openssh.conftest import make_access, make_host
from tests.system.openssh.hosts import Account, Sshd, make_key, who
from tui.cluster import Host
from tui.remote.access import Access, remember_host_key
from tui.remote.connect import open_posix_session
from tui.remote.errors import (
    HostKeyChanged,
    HostKeyUnknown,
)
from tui.remote.known_hosts import fingerprint


def test_an_unknown_key_is_a_question_whose_answer_is_kept(
    host: Host, access: Access, account: Account, sshd: Sshd
) -> None:
    access.known_hosts.unlink()
    with pytest.raises(HostKeyUnknown) as question:
        open_posix_session(host, access)
    blob = base64.b64decode(Path(f"{sshd.host_key}.pub").read_text().split()[1])
    assert question.value.fingerprint == fingerprint(blob)
    assert (question.value.key_type, question.value.port) == ("ssh-ed25519", sshd.port)
    remember_host_key(access, question.value)
    assert who(host, access) == account.name


def test_the_checked_key_can_be_shown(host: Host, access: Access, sshd: Sshd) -> None:
    session = open_posix_session(host, access)
    try:
        shown = subprocess.run(["ssh-keygen", "-lf", f"{sshd.host_key}.pub"], capture_output=True, check=True)
        assert vars(session)["fingerprint"] == shown.stdout.decode().split()[1]
    finally:
        session.close()


def test_a_changed_key_stops_before_any_secret_is_sent(host: Host, access: Access, sshd: Sshd, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    access.known_hosts.write_text(sshd.known_line(key=other))
    before = sshd.logged("Accepted publickey")
    with pytest.raises(HostKeyChanged, match="not the one that is known") as caught:
        open_posix_session(host, access)
    assert "ssh-keygen -R" in str(caught.value.remedy)
    assert sshd.logged("Accepted publickey") == before


def test_a_key_of_another_type_does_not_get_round_a_known_one(
    host: Host, access: Access, sshd: Sshd, tmp_path: Path
) -> None:
    access.known_hosts.write_text(sshd.known_line(key=make_key(tmp_path / "other", kind="ecdsa")))
    with pytest.raises(HostKeyChanged):
        open_posix_session(host, access)


def test_a_revoked_key_stops_even_when_it_is_known(host: Host, access: Access, sshd: Sshd) -> None:
    access.known_hosts.write_text(sshd.known_line() + sshd.known_line("@revoked"))
    with pytest.raises(HostKeyChanged, match="revoked"):
        open_posix_session(host, access)


def test_hashed_names_are_known(host: Host, access: Access, account: Account) -> None:
    subprocess.run(["ssh-keygen", "-H", "-f", str(access.known_hosts)], check=True, capture_output=True)
    assert "127.0.0.1" not in access.known_hosts.read_text()
    assert who(host, access) == account.name


@pytest.fixture
def certified(tmp_path: Path, key: Path) -> Iterator[tuple[Sshd, Path]]:
    """A server that shows a certificate for its key, and the authority that signed it."""
    authority = make_key(tmp_path / "authority")
    directory = tmp_path / "certified"
    directory.mkdir()
    server = Sshd(directory, key, f"HostCertificate {directory}/host_key-cert.pub")
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(authority), "-h", "-I", "fir", "-n", "127.0.0.1", f"{server.host_key}.pub"],
        check=True,
    )
    with server:
        yield server, authority


def test_a_certificate_of_a_known_authority_is_trusted(
    certified: tuple[Sshd, Path], tmp_path: Path, account: Account, key: Path
) -> None:
    server, authority = certified
    access = make_access(tmp_path, server)
    access.known_hosts.write_text(server.known_line("@cert-authority", authority))
    assert who(make_host(server, account, identity=key), access) == account.name


def test_a_certificate_for_another_name_or_of_a_revoked_authority_is_not_trusted(
    certified: tuple[Sshd, Path], tmp_path: Path, account: Account, key: Path
) -> None:
    server, authority = certified
    access = make_access(tmp_path, server)
    host = make_host(server, account, identity=key)
    line = server.known_line("@cert-authority", authority)
    access.known_hosts.write_text(line.replace("127.0.0.1", "localhost"))
    with pytest.raises(HostKeyUnknown) as caught:
        open_posix_session(host.model_copy(update={"address": "localhost"}), access)
    assert "it is for 127.0.0.1" in str(caught.value.tried)
    access.known_hosts.write_text(line + server.known_line("@revoked", authority))
    with pytest.raises(HostKeyUnknown):
        open_posix_session(host, access)
    second = server.known_line("@cert-authority", make_key(tmp_path / "second"))
    access.known_hosts.write_text(line + second + server.known_line("@revoked", authority))
    with pytest.raises(HostKeyChanged, match="revoked"):
        open_posix_session(host, access)
