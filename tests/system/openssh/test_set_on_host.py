"""A set on a real host whose install directory belongs to an account that may not be trusted with root's rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.openssh.hosts import Account
from tui.cluster import Host
from tui.connector.errors import ConnectorError
from tui.connector.linux import LinuxInstance
from tui.connector.model import Install, Layout, SetFile
from tui.remote.access import Access
from tui.remote.connect import open_posix_session
from tui.remote.errors import FileFailure, RemoteFileError, SecretKind
from tui.remote.session import FileAttributes

SECRET = b"CANARY of root's own\n"


@pytest.fixture
def top(service_account: Account) -> Iterator[Path]:
    """An install as the service account owns it, and beside it what is root's own."""
    made = Path(tempfile.mkdtemp(prefix="adldap-ha-", dir="/tmp"))
    made.chmod(0o755)
    install = made / "install"
    for directory in (install, install / "certs", install / "lib"):
        directory.mkdir(mode=0o755)
    for name in ("config.json", "certs/cert.pem", "certs/cert.key", "lib/profileMapper.js"):
        (install / name).write_text(name)
        (install / name).chmod(0o640)
    subprocess.run(["chown", "-R", f"{service_account.name}:", str(install)], check=True)
    (made / "root").mkdir(mode=0o700)
    (made / "root/secret").write_bytes(SECRET)
    (made / "root/secret").chmod(0o600)
    yield install
    shutil.rmtree(made)


@pytest.fixture
def instance(
    host: Host, access: Access, account: Account, service_account: Account, top: Path
) -> Iterator[LinuxInstance]:
    """The connector in that directory, reached with sudo."""
    access.secrets.remember("fir", SecretKind.SUDO_PASSWORD, account.password)
    session = open_posix_session(host, access)
    yield LinuxInstance(
        session,
        Install(
            directory=str(top),
            found_at=str(top),
            layout=Layout.V6,
            version="6.4.1",
            owner=service_account.name,
            group=service_account.name,
            node="node",
            connector_unit="c.service",
            admin_unit=None,
            account=service_account.name,
        ),
    )
    session.close()


def test_an_acl_that_names_somebody_else_does_not_make_a_key_readable(instance: LinuxInstance, top: Path) -> None:
    assert instance.unusable(instance.read_set()) == ()
    key = top / "certs/cert.key"
    os.chown(key, 0, 0)
    key.chmod(0o600)
    subprocess.run(["setfacl", "-m", "u:daemon:r", str(key)], check=True)
    assert instance.unusable(instance.read_set()) == ("certs/cert.key",)
    subprocess.run(["setfacl", "-m", f"u:{instance.install.account}:r", str(key)], check=True)
    assert instance.unusable(instance.read_set()) == ()


def test_what_is_yet_to_come_and_what_cannot_be_rewritten_is_judged_too(instance: LinuxInstance, top: Path) -> None:
    files = instance.read_set()
    os.chown(top / "config.json", 0, 0)
    (top / "config.json").chmod(0o644)
    assert instance.unusable(instance.read_set()) == ("config.json",)
    (top / "config.json").unlink()
    assert instance.unusable(files) == ()
    config = replace(files.files["config.json"], attributes=FileAttributes("root", "root", 0o644))
    assert instance.unusable(replace(files, files={**files.files, "config.json": config})) == ("config.json",)


def test_root_reads_no_link_for_an_account_that_cannot(instance: LinuxInstance, top: Path) -> None:
    (top / "certs/extra.pem").symlink_to(top.parent / "root/secret")
    with pytest.raises(ConnectorError, match="cannot read") as refused:
        instance.read_set()
    assert refused.value.remedy
    (top / "certs/extra.pem").unlink()
    (top / "certs").rename(top / "old")
    (top / "certs").symlink_to(top.parent / "root")
    with pytest.raises(ConnectorError, match="cannot read"):
        instance.read_set()


def test_a_link_to_what_the_account_can_read_is_followed(instance: LinuxInstance, top: Path) -> None:
    elsewhere = top.parent / "store"
    (top / "certs").rename(elsewhere)
    (top / "certs").symlink_to("../store")
    files = instance.read_set().files
    assert files["certs/cert.key"].data == b"certs/cert.key"
    assert (files["certs/cert.key"].attributes.mode, len(files)) == (0o640, 4)


@pytest.mark.parametrize("planted", ["config.json", "certs"])
def test_root_writes_and_removes_nothing_through_a_link_out_of_the_install(
    instance: LinuxInstance, top: Path, planted: str
) -> None:
    mine = FileAttributes(instance.install.account, instance.install.account, 0o640)
    outside = top.parent / "root"
    if planted == "certs":
        (top / "certs").rename(top / "old")
        (top / "certs").symlink_to(outside)
        path = "certs/secret"
        with pytest.raises(RemoteFileError):
            instance.remove(path)
        with pytest.raises(RemoteFileError):
            instance.place_directory("certs/sub", mine)
    else:
        (top / "config.json").unlink()
        (top / "config.json").symlink_to(outside / "evil")
        path = "config.json"
    with pytest.raises(RemoteFileError) as refused:
        instance.place(SetFile(path, b"new", mine))
    assert refused.value.reason is FileFailure.LED_AWAY
    assert os.listdir(outside) == ["secret"]
    assert (outside / "secret").read_bytes() == SECRET


def test_a_link_inside_the_install_is_written_through(instance: LinuxInstance, top: Path) -> None:
    (top / "config.json").rename(top / "real.json")
    (top / "config.json").symlink_to("real.json")
    mine = FileAttributes(instance.install.account, instance.install.account, 0o640)
    instance.place(SetFile("config.json", b"new", mine))
    assert (top / "config.json").is_symlink()
    assert (top / "real.json").read_bytes() == b"new"


def test_the_lock_is_not_written_through_a_planted_link(instance: LinuxInstance, top: Path) -> None:
    (top / ".adldap-ha.lock.r1").symlink_to(top.parent / "root/secret")
    instance.lock(run="r1", holder="ada@jump")
    assert (top.parent / "root/secret").read_bytes() == SECRET
    assert "ada@jump" in (top / ".adldap-ha.lock").read_text()


@pytest.mark.parametrize("act", ["place", "remove", "unpark", "park", "discard", "lock"])
def test_what_a_write_that_was_cut_off_has_left_is_removed(instance: LinuxInstance, top: Path, act: str) -> None:
    mine = FileAttributes(instance.install.account, instance.install.account, 0o640)
    if act == "unpark":
        instance.park("config.json", run="r1")
    left = top / ".config.json.0123456789abcdef.new"
    left.write_bytes(SECRET)
    match act:
        case "place":
            instance.place(SetFile("config.json", b"new", mine))
        case "remove":
            instance.remove("config.json")
        case "unpark":
            instance.unpark("config.json", run="r1")
        case "park":
            instance.park("config.json", run="r1")
        case "discard":
            instance.discard_parked(run="r1")
        case "lock":
            instance.lock(run="r1", holder="ada@jump")
    assert not left.exists()
