"""Files on a real host, without SFTP: bytes, owner, mode and ACL kept, and never half a file."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.openssh.conftest import make_access, make_host
from tests.system.openssh.hosts import Account, FailingProxy, Sshd, eventually
from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import ConnectionLost, FileFailure, RemoteFileError, SecretKind
from tui.remote.session import ROOT, FileAttributes, Session

DATA = bytes(range(256)) * 20 + b"\r\n\0"


@pytest.fixture
def session(host: Host, access: Access, account: Account) -> Iterator[Session]:
    """Logged in without root's rights, with sudo."""
    access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
    opened = open_posix_session(host, access)
    yield opened
    opened.close()


@pytest.fixture
def install(account: Account, service_account: Account) -> Iterator[Path]:
    """A directory with a difficult name that the service account owns."""
    top = account.home / f'Auth0 "AD" d\'été $x {os.urandom(3).hex()}'
    top.mkdir()
    uid = int(subprocess.run(["id", "-u", service_account.name], capture_output=True, check=True).stdout)
    os.chown(top, uid, uid)
    yield top
    subprocess.run(["rm", "-rf", str(top)], check=True)


@pytest.fixture
def owned(service_account: Account) -> FileAttributes:
    """What a file of the install has."""
    return FileAttributes(service_account.name, service_account.name, 0o640)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_file_goes_out_and_comes_back_to_the_byte(session: Session, install: Path, owned: FileAttributes) -> None:
    path = install / "config.json"
    session.write_file(str(path), DATA, owned, user=ROOT)
    assert path.read_bytes() == DATA
    assert (path.owner(), path.group(), _mode(path)) == (owned.owner, owned.group, 0o640)
    assert os.listdir(install) == ["config.json"]
    found = session.read_files([str(path), str(install / "none"), str(install / "none/below")], user=ROOT)
    assert found == {str(path): DATA}


def test_every_kind_of_content_survives(session: Session, install: Path, owned: FileAttributes) -> None:
    contents = [b"", b"\n", b"\0", b"x", b"\r\n", os.urandom(3_000_000)]
    paths = [str(install / f"{number}") for number in range(len(contents))]
    for path, data in zip(paths, contents, strict=True):
        session.write_file(path, data, owned, user=ROOT)
    before = session.round_trips
    assert session.read_files(paths, user=ROOT) == dict(zip(paths, contents, strict=True))
    assert session.round_trips - before <= 3


def test_a_replacement_keeps_the_acl_and_the_link(session: Session, install: Path, owned: FileAttributes) -> None:
    real, link = install / "real.json", install / "link.json"
    real.write_bytes(b"old")
    link.symlink_to("real.json")
    subprocess.run(["setfacl", "-m", "u:daemon:r,m::r", str(real)], check=True)
    acl = subprocess.run(["getfacl", "-c", "-E", "-p", str(real)], capture_output=True, check=True).stdout
    entries = session.stat_files([str(real), str(link), str(install / "none")], user=ROOT)
    assert set(entries) == {str(real), str(link)}
    assert (entries[str(link)].kind, entries[str(link)].target) == ("symlink", "real.json")
    assert entries[str(link)].attributes.acl is None
    attributes = entries[str(real)].attributes
    assert attributes.acl == acl.decode().strip() + "\n"
    session.write_file(str(link), DATA, attributes, user=ROOT)
    assert link.is_symlink()
    assert real.read_bytes() == DATA
    assert subprocess.run(["getfacl", "-c", "-E", "-p", str(real)], capture_output=True, check=True).stdout == acl


def test_a_default_acl_of_the_directory_gives_nobody_access(
    session: Session, install: Path, owned: FileAttributes
) -> None:
    subprocess.run(["setfacl", "-d", "-m", "u:daemon:rwx", str(install)], check=True)
    session.write_file(str(install / "key"), DATA, owned, user=ROOT)
    session.make_directory(str(install / "certs"), owned, user=ROOT)
    for name in ("key", "certs"):
        shown = subprocess.run(["getfacl", "-c", "-p", str(install / name)], capture_output=True, check=True)
        assert b"daemon" not in shown.stdout


def test_attributes_round_trip_through_stat(session: Session, install: Path) -> None:
    (install / "f").write_bytes(b"12345")
    (install / "f").chmod(0o4751)
    os.chown(install / "f", 54321, 54321)
    entry = session.stat_files([str(install / "f")], user=ROOT)[str(install / "f")]
    assert (entry.kind, entry.size, entry.attributes.owner, entry.attributes.group) == ("file", 5, "54321", "54321")
    os.chown(install / "f", 54321, 54321)
    session.write_file(str(install / "g"), b"12345", entry.attributes, user=ROOT)
    assert (install / "g").stat().st_uid == 54321
    assert session.stat_files([str(install / "g")], user=ROOT)[str(install / "g")].attributes == entry.attributes


def test_a_tree_is_listed_to_its_depth(session: Session, install: Path) -> None:
    (install / "certs/extra").mkdir(parents=True)
    (install / "certs/extra/deep").write_bytes(b"")
    (install / "certs/cert.pem").write_bytes(b"pem")
    (install / "link").symlink_to("/nowhere")
    os.mkfifo(install / "pipe")
    names = [entry.path.removeprefix(f"{install}/") for entry in session.list_tree(str(install), depth=2, user=ROOT)]
    assert names == ["certs", "certs/cert.pem", "certs/extra", "link", "pipe"]
    kinds = {entry.path.rsplit("/", 1)[1]: entry.kind for entry in session.list_tree(str(install), user=ROOT)}
    assert kinds == {"certs": "directory", "link": "symlink", "pipe": "other"}
    assert session.list_tree(str(install / "none"), user=ROOT) == []
    (install / "down").symlink_to("certs")
    assert len(session.list_tree(str(install / "down"), user=ROOT)) == 2


def test_directories_are_made_once(session: Session, install: Path, owned: FileAttributes) -> None:
    made = install / "certs"
    session.make_directory(str(made), FileAttributes(owned.owner, owned.group, 0o2750), user=ROOT)
    assert (made.owner(), _mode(made)) == (owned.owner, 0o2750)
    session.make_directory(str(made), FileAttributes("root", "root", 0o700), user=ROOT)
    assert (made.owner(), _mode(made)) == (owned.owner, 0o2750)
    cut_off = install / ".more.0123456789abcdef.new"
    cut_off.mkdir(mode=0o700)
    session.make_directory(str(install / "more"), FileAttributes(owned.owner, owned.group, 0o750), user=ROOT)
    assert ((install / "more").owner(), _mode(install / "more")) == (owned.owner, 0o750)
    assert not cut_off.exists()
    with pytest.raises(RemoteFileError) as caught:
        session.make_directory(str(install / "a/b"), owned, user=ROOT)
    assert caught.value.reason is FileFailure.MISSING


def test_files_are_renamed_and_removed(session: Session, install: Path) -> None:
    (install / "a").write_bytes(b"a")
    (install / "b").write_bytes(b"b")
    (install / "tree/below").mkdir(parents=True)
    session.rename(str(install / "a"), str(install / "b"), user=ROOT)
    assert (install / "b").read_bytes() == b"a"
    session.rename(str(install / "tree"), str(install / "parked"), user=ROOT)
    for source, target, reason in (
        ("none", "x", FileFailure.MISSING),
        ("b", "parked", FileFailure.OTHER),
    ):
        with pytest.raises(RemoteFileError) as caught:
            session.rename(str(install / source), str(install / target), user=ROOT)
        assert caught.value.reason is reason
    with pytest.raises(RemoteFileError, match="could not be renamed"):
        session.rename(str(install / "b"), "/dev/shm/adldap-ha-other-file-system", user=ROOT)
    with pytest.raises(RemoteFileError):
        session.remove(str(install / "parked"), user=ROOT)
    session.remove(str(install / "parked"), tree=True, user=ROOT)
    session.remove(str(install / "b"), user=ROOT)
    session.remove(str(install / "b"), user=ROOT)
    assert os.listdir(install) == []


@pytest.mark.parametrize("path", ["relative", "", "/", "/a\nb", "/a\0b"])
def test_paths_that_cannot_be_meant_are_refused(path: str, session: Session) -> None:
    with pytest.raises(RemoteFileError, match="absolute path"):
        session.remove(path, tree=True)


def test_what_the_login_account_may_not_do_is_denied(
    session: Session, install: Path, owned: FileAttributes, account: Account
) -> None:
    install.chmod(0o700)
    (install / "secret").write_bytes(b"x")
    own = FileAttributes(account.name, account.name, 0o600)
    for attempt in (
        lambda: session.read_files([str(install / "secret")]),
        lambda: session.stat_files([str(install / "secret")]),
        lambda: session.list_tree(str(install)),
        lambda: session.write_file(str(install / "new"), b"", own),
        lambda: session.remove(str(install / "secret")),
        lambda: session.read_files(["/etc/shadow"]),
        lambda: session.write_file(str(account.home / "mine"), b"", owned),
    ):
        with pytest.raises(RemoteFileError) as caught:
            attempt()
        assert caught.value.reason is FileFailure.DENIED
    assert not (account.home / "mine").exists()
    session.write_file(str(account.home / "mine"), b"x", own)
    assert session.read_files([str(account.home / "mine")]) == {str(account.home / "mine"): b"x"}


def test_what_is_no_file_or_too_large_is_told(session: Session, install: Path, owned: FileAttributes) -> None:
    (install / "f").write_bytes(b"12345")
    with pytest.raises(RemoteFileError) as caught:
        session.read_files([str(install / "f")], limit=4, user=ROOT)
    assert caught.value.reason is FileFailure.TOO_LARGE
    with pytest.raises(RemoteFileError, match="no regular file"):
        session.read_files([str(install)], user=ROOT)
    with pytest.raises(RemoteFileError, match="could not be written"):
        session.write_file(str(install), b"", owned, user=ROOT)


@pytest.fixture
def small_file_system(install: Path) -> Iterator[Path]:
    """A file system of 64 kB inside the install."""
    mounted = install / "small"
    mounted.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mounted)], check=True)
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def test_a_full_disk_leaves_the_old_file(session: Session, small_file_system: Path, owned: FileAttributes) -> None:
    path = small_file_system / "config.json"
    path.write_bytes(b"old")
    with pytest.raises(RemoteFileError, match="full") as caught:
        session.write_file(str(path), os.urandom(200_000), owned, user=ROOT)
    assert caught.value.reason is FileFailure.NO_SPACE
    assert path.read_bytes() == b"old"
    assert os.listdir(small_file_system) == ["config.json"]


def test_a_read_only_file_system_is_told(session: Session, small_file_system: Path, owned: FileAttributes) -> None:
    path = small_file_system / "config.json"
    path.write_bytes(b"old")
    subprocess.run(["mount", "-o", "remount,ro", str(small_file_system)], check=True)
    attempts: tuple[Callable[[], None], ...] = (
        lambda: session.write_file(str(path), b"new", owned, user=ROOT),
        lambda: session.make_directory(str(small_file_system / "d"), owned, user=ROOT),
        lambda: session.remove(str(path), user=ROOT),
        lambda: session.rename(str(path), f"{path}.old", user=ROOT),
    )
    for attempt in attempts:
        with pytest.raises(RemoteFileError, match="read-only") as caught:
            attempt()
        assert caught.value.reason is FileFailure.READ_ONLY


@pytest.mark.parametrize("passed_on", [20_000, 400_000])
def test_a_link_cut_in_the_middle_of_a_write_changes_nothing(
    passed_on: int, sshd: Sshd, account: Account, key: Path, install: Path, owned: FileAttributes, tmp_path: Path
) -> None:
    path = install / "config.json"
    path.write_bytes(b"old")
    proxy = FailingProxy(sshd.port)
    access = make_access(tmp_path, sshd)
    access.known_hosts.write_text(sshd.known_line().replace(f":{sshd.port}", f":{proxy.port}"))
    access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
    host = make_host(sshd, account, identity=key).model_copy(update={"port": proxy.port})
    session = open_posix_session(host, access)
    proxy.cut_after(passed_on)
    with pytest.raises(ConnectionLost):
        session.write_file(str(path), os.urandom(1_000_000), owned, user=ROOT)
    session.close()
    proxy.close()
    eventually(lambda: os.listdir(install) == ["config.json"])
    assert path.read_bytes() == b"old"


@pytest.fixture
def busybox(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The login account finds busybox's tools before all others; the tools' directory."""
    tools = account.home / "busybox"
    tools.mkdir()
    for tool in [
        "cat",
        "chmod",
        "chown",
        "cut",
        "find",
        "id",
        "ls",
        "mkdir",
        "mv",
        "readlink",
        "rm",
        "rmdir",
        "sha256sum",
        "stat",
        "sync",
        "wc",
    ]:
        (tools / tool).symlink_to(str(shutil.which("busybox")))
    start_up = account.home / ".bashrc"
    before = start_up.read_bytes()
    start_up.write_text(f"PATH={tools}:$PATH\n")
    yield tools
    start_up.write_bytes(before)
    shutil.rmtree(tools)


def test_busybox_tools_are_enough(host: Host, access: Access, account: Account, busybox: Path) -> None:
    session = open_posix_session(host, access)
    try:
        assert session.run("command -v stat").text.strip() == str(busybox / "stat")
        top, own = f"{account.home}/d é", FileAttributes(account.name, account.name, 0o640)
        session.make_directory(top, FileAttributes(account.name, account.name, 0o750))
        session.write_file(f"{top}/a", DATA, own)
        session.rename(f"{top}/a", f"{top}/b")
        assert session.read_files([f"{top}/a", f"{top}/b"]) == {f"{top}/b": DATA}
        assert session.stat_files([f"{top}/a", f"{top}/b"])[f"{top}/b"].attributes == own
        assert [entry.path for entry in session.list_tree(top)] == [f"{top}/b"]
        for path, reason in (("/etc/shadow", FileFailure.DENIED), (f"{top}/x/y", FileFailure.MISSING)):
            with pytest.raises(RemoteFileError) as caught:
                session.write_file(path, b"", own)
            assert caught.value.reason is reason
        with pytest.raises(RemoteFileError) as caught:
            session.read_files(["/etc/shadow"])
        assert caught.value.reason is FileFailure.DENIED
        session.remove(top, tree=True)
        assert session.list_tree(top) == []
    finally:
        session.close()


def test_the_new_file_is_never_readable_by_others_before_it_is_whole(
    session: Session, install: Path, owned: FileAttributes
) -> None:
    seen: set[tuple[int, str]] = set()
    trace = subprocess.Popen(
        [
            "sh",
            "-c",
            'cd "$1"; while [ ! -e stop ]; do for f in .*.new; do stat -c "%a %U %s" "$f" 2>/dev/null; done; done',
            "sh",
            str(install),
        ],
        stdout=subprocess.PIPE,
    )
    for _ in range(5):
        session.write_file(str(install / "key"), os.urandom(500_000), owned, user=ROOT)
    (install / "stop").touch()
    out, _ = trace.communicate(timeout=20)
    for line in out.decode().splitlines():
        mode, owner, size = line.split()
        seen.add((int(mode, 8), owner if int(size) else "any"))
    assert seen <= {(0o600, "any"), (0o640, "any"), (0o640, owned.owner)}
    assert (0o640, owned.owner) in seen
