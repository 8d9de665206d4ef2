"""Full disks, read-only trees and slow links of the lab, met by the project's own client and by plain commands."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import OpenSsh, leaks, write_known_hosts
from tui.cluster import Cluster
from tui.lab.host import can_mount
from tui.lab.lab import Lab
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import BecomeFailed, ConnectionLost, FileFailure, RemoteFileError
from tui.remote.session import ROOT, FileAttributes, Session

_DATA = b"new bytes\r\n" * 100


@pytest.fixture
def session(lab: Lab, tmp_path: Path) -> Iterator[Session]:
    """The project's own session to the host with spaces in its paths."""
    cluster = Cluster.model_validate(tomllib.loads(lab.cluster_document()))
    access = Access(secrets=lab.secrets(), known_hosts=write_known_hosts(lab, tmp_path))
    opened = open_posix_session(cluster.host("oak"), access)
    yield opened
    opened.close()


@pytest.fixture
def target(lab: Lab) -> Iterator[Path]:
    """A file in that host's install directory."""
    path = Path(lab.hosts["oak"].install_dir) / "target file"
    path.write_bytes(b"old bytes")
    path.chmod(0o600)
    yield path
    path.unlink()


def attributes(path: Path) -> FileAttributes:
    """The file's own owner and mode."""
    return FileAttributes(path.owner(), path.group(), path.stat().st_mode & 0o777)


def beside(path: Path) -> list[str]:
    """Everything in the same directory."""
    return sorted(entry.name for entry in path.parent.iterdir())


def test_files_are_replaced_by_the_projects_own_client(session: Session, target: Path) -> None:
    session.write_file(str(target), _DATA, attributes(target), user=ROOT)
    assert target.read_bytes() == _DATA
    assert session.read_files([str(target)], user=ROOT) == {str(target): _DATA}


def test_a_full_disk_fails_the_write_and_keeps_the_old_bytes(
    session: Session, target: Path, fault: Callable[..., None]
) -> None:
    before = beside(target)
    fault("disk_full", "oak")
    with pytest.raises(RemoteFileError) as failure:
        session.write_file(str(target), _DATA, attributes(target), user=ROOT)
    assert failure.value.reason is FileFailure.NO_SPACE
    assert target.read_bytes() == b"old bytes"
    assert beside(target) == before
    assert session.run("df -P -k .").text.splitlines()[1].split()[3] == "0"


def test_a_read_only_tree_fails_the_write_and_keeps_the_old_bytes(
    session: Session, target: Path, fault: Callable[..., None]
) -> None:
    if not can_mount(target.parent):
        pytest.skip("this machine lets nobody make a mount namespace")
    before = beside(target)
    fault("read_only", "oak")
    with pytest.raises(RemoteFileError) as failure:
        session.write_file(str(target), _DATA, attributes(target), user=ROOT)
    assert failure.value.reason is FileFailure.READ_ONLY
    assert target.read_bytes() == b"old bytes"
    assert beside(target) == before


def test_a_link_cut_in_the_middle_of_a_write_keeps_the_old_bytes(
    lab: Lab, session: Session, target: Path, fault: Callable[..., None]
) -> None:
    fault("link_cut", "oak", after=200_000)
    with pytest.raises(ConnectionLost):
        session.write_file(str(target), b"x" * 1_000_000, attributes(target), user=ROOT)
    assert target.read_bytes() == b"old bytes"
    assert lab.active_faults() == []


def test_a_changed_sudo_password_is_tried_once(lab: Lab, session: Session, fault: Callable[..., None]) -> None:
    fault("wrong_sudo", "oak")
    before = len(lab.hosts["oak"].sudo_attempts)
    with pytest.raises(BecomeFailed):
        session.run("id", user=ROOT)
    assert lab.hosts["oak"].sudo_attempts[before:] == [False]


def test_noise_and_a_slow_link_change_no_bytes(session: Session, target: Path, fault: Callable[..., None]) -> None:
    fault("noisy_shell", "oak")
    fault("slow", "oak")
    session.write_file(str(target), _DATA, attributes(target), user=ROOT)
    assert session.read_files([str(target)], user=ROOT) == {str(target): _DATA}


def test_a_clock_that_is_off_shows_in_date_and_journal(lab: Lab, ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("clock", "elm")
    seconds = [int(ssh.run(name, "date +%s").stdout) for name in ("fir", "elm")]
    assert 6 <= seconds[1] - seconds[0] <= 20
    host = lab.hosts["elm"]
    host.journal.append(host.connector_unit, "node", 1, b"now")
    assert host.journal.entries(host.connector_unit)[-1].at - seconds[1] < 20


def test_the_leak_search_finds_a_secret_in_a_file_and_in_a_name(no_leaks: Path, lab: Lab, tmp_path: Path) -> None:
    canary = lab.canaries()[0]
    (tmp_path / "log").write_bytes(b"\x00" + canary.encode() + b"\x00")
    (tmp_path / canary).touch()
    found = leaks(lab.canaries(), tmp_path)
    assert len(found) == 2
    assert len(lab.canaries()) == len(set(lab.canaries())) >= 15
