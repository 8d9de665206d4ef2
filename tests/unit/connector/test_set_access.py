"""Whether a service account could use files that are yet to come, told from the attributes that they will have."""

from __future__ import annotations

import grp
import pwd
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.connector.local_session import LocalSession
from tests.unit.connector.material import configuration_set
from tui.connector.model import ConfigurationSet, Install, Layout, SetFile
from tui.connector.set_access import set_links, unusable
from tui.remote.session import FileAttributes

ACCOUNT = "nobody"
GROUP = grp.getgrgid(pwd.getpwnam(ACCOUNT).pw_gid).gr_name


def install(directory: Path, account: str = ACCOUNT) -> Install:
    return Install(
        directory=str(directory),
        found_at=str(directory),
        layout=Layout.V6,
        version="6.4.1",
        owner="root",
        group="root",
        node="node",
        connector_unit="c.service",
        admin_unit=None,
        account=account,
    )


def owned(attributes: FileAttributes, **more: FileAttributes) -> ConfigurationSet:
    """A set whose files have `attributes`, config.json and the folders what `config` and `folders` say."""
    made = configuration_set()
    files = {path: SetFile(path, file.data, attributes) for path, file in made.files.items()}
    files["config.json"] = SetFile(
        "config.json", made.files["config.json"].data, more.get("config", FileAttributes(ACCOUNT, GROUP, 0o600))
    )
    folder = more.get("folders", FileAttributes("root", "root", 0o755))
    return replace(made, files=files, directories={"certs": folder, "lib": folder})


SOMEBODY_ELSES = "user::rw-\nuser:daemon:r--\ngroup::---\nmask::r--\nother::---\n"


@pytest.mark.parametrize(
    "acl",
    [SOMEBODY_ELSES, "user::rw-\nuser:nobody:rw-\ngroup::---\nmask::---\nother::---\n"],
    ids=["somebody else's", "masked"],
)
def test_an_acl_that_gives_the_account_nothing_is_no_permission(tmp_path: Path, acl: str) -> None:
    attributes = FileAttributes("root", "root", 0o640, acl=acl)
    assert "certs/cert.key" in unusable(LocalSession(tmp_path / "bin"), install(tmp_path), owned(attributes))


@pytest.mark.parametrize(
    "attributes",
    [
        FileAttributes(ACCOUNT, "root", 0o400),
        FileAttributes("root", GROUP, 0o640),
        FileAttributes("root", "root", 0o644),
        FileAttributes("root", "root", 0o600, acl="user::rw-\nuser:nobody:r--\ngroup::---\nmask::r--\nother::---\n"),
        FileAttributes("root", "root", 0o640, acl=f"user::rw-\ngroup::---\ngroup:{GROUP}:r--\nmask::r--\nother::---\n"),
    ],
)
def test_files_that_the_account_can_read_are_fine(tmp_path: Path, attributes: FileAttributes) -> None:
    assert unusable(LocalSession(tmp_path / "bin"), install(tmp_path), owned(attributes)) == ()


def test_files_of_another_owner_are_named(tmp_path: Path) -> None:
    refused = unusable(LocalSession(tmp_path / "bin"), install(tmp_path), owned(FileAttributes("root", "root", 0o600)))
    assert refused == ("certs/cert.key", "certs/cert.pem", "lib/profileMapper.js")


def test_a_configuration_that_cannot_be_rewritten_is_named(tmp_path: Path) -> None:
    readable = FileAttributes("root", "root", 0o644)
    assert unusable(LocalSession(tmp_path / "bin"), install(tmp_path), owned(readable, config=readable)) == (
        "config.json",
    )


def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path) -> None:
    files = owned(FileAttributes("root", "root", 0o644), folders=FileAttributes("root", "root", 0o700))
    assert unusable(LocalSession(tmp_path / "bin"), install(tmp_path), files) == ("certs", "lib")


def test_root_can_use_everything(tmp_path: Path) -> None:
    files = owned(FileAttributes("someone", "someone", 0o400))
    assert unusable(LocalSession(tmp_path / "bin"), install(tmp_path, account="root"), files) == ()


def test_links_are_told_with_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "config.json").symlink_to("/nowhere/config.json")
    assert set_links(LocalSession(tmp_path / "bin"), install(tmp_path)) == {"config.json": "/nowhere/config.json"}
