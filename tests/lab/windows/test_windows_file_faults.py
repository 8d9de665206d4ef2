"""Files of a Windows host that cannot be changed: told in words, with nothing half written; and ACLs that are kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.lab.windows.places import WINDOWS, Place, windows_place
from tui.lab.windows.host import WindowsLabHost
from tui.remote.errors import FileFailure, RemoteFileError, RightsLacking
from tui.remote.session import FileAttributes

PLAIN = FileAttributes("", "", 0)
ONLY_ADMINISTRATORS = "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)"
_NUMBERS = count()


@pytest.fixture(scope="module", params=list(WINDOWS))
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with windows_place(request.param, tmp_path_factory.mktemp(request.param)) as made:
        yield made


@pytest.fixture
def place(shared: Place) -> Place:
    """A directory with one file that must not change."""
    name = f"folder {next(_NUMBERS)}"
    made = replace(shared, folder=shared.path(name), real=shared.real / name)
    made.real.mkdir()
    (made.real / "config.json").write_bytes(b"old")
    return made


@pytest.fixture
def host(place: Place) -> Iterator[WindowsLabHost]:
    assert place.windows is not None
    yield place.windows
    place.windows.tree.full = place.windows.tree.read_only = False
    place.windows.tree.let_go(place.path("config.json"))


def refused(place: Place, do: Callable[[], object], reason: FileFailure, *words: str) -> None:
    """`do` fails for `reason`, and the directory is as it was."""
    with pytest.raises(RemoteFileError) as failed:
        do()
    text = str(failed.value)
    assert failed.value.reason is reason, text
    assert failed.value.host == "elm"
    assert failed.value.remedy
    assert all(word in text for word in words), text
    assert place.names() == ["config.json"]
    assert (place.real / "config.json").read_bytes() == b"old"


def test_full_disk(place: Place, host: WindowsLabHost) -> None:
    host.tree.full = True
    path = place.path("config.json")
    refused(place, lambda: place.session.write_file(path, b"new", PLAIN), FileFailure.NO_SPACE, "room", path)


def test_write_protected_disk(place: Place, host: WindowsLabHost) -> None:
    host.tree.read_only = True
    path = place.path("config.json")
    refused(place, lambda: place.session.write_file(path, b"new", PLAIN), FileFailure.READ_ONLY, "write-protected")
    refused(place, lambda: place.session.remove(path), FileFailure.READ_ONLY)


@pytest.mark.parametrize("share", ["", "r", "rw"])
def test_file_that_another_process_holds_open(place: Place, host: WindowsLabHost, share: str) -> None:
    path = place.path("config.json")
    host.tree.hold(path, share)
    refused(place, lambda: place.session.write_file(path, b"new", PLAIN), FileFailure.LOCKED, "another process", path)
    refused(place, lambda: place.session.remove(path), FileFailure.LOCKED)
    refused(place, lambda: place.session.rename(path, place.path("other")), FileFailure.LOCKED)


def test_file_that_is_held_open_and_shared_is_read(place: Place, host: WindowsLabHost) -> None:
    path = place.path("config.json")
    host.tree.hold(path, "r")
    assert place.session.read_files([path]) == {path: b"old"}
    host.tree.hold(path, "")
    refused(place, lambda: place.session.read_files([path]), FileFailure.LOCKED, path)


def test_folder_that_the_account_may_not_write_to(place: Place, host: WindowsLabHost) -> None:
    host.tree.set_acl(place.folder, "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BA)")
    path = place.path("config.json")
    refused(place, lambda: place.session.write_file(path, b"new", PLAIN), FileFailure.DENIED, "permissions")
    refused(place, lambda: place.session.make_directory(place.path("certs"), PLAIN), FileFailure.DENIED)


def test_file_that_the_account_may_not_read(place: Place, host: WindowsLabHost) -> None:
    path = place.path("config.json")
    host.tree.set_acl(path, "O:SYG:SYD:PAI(A;;FA;;;SY)")
    refused(
        place, lambda: place.session.read_files([place.path("gone"), path]), FileFailure.DENIED, f"{path} could not"
    )


def test_path_that_is_too_long(place: Place, host: WindowsLabHost) -> None:
    path = place.path("x" * 300)
    for do in (
        lambda: place.session.write_file(path, b"new", PLAIN),
        lambda: place.session.make_directory(path, PLAIN),
        lambda: place.session.read_files([path]),
    ):
        refused(place, do, FileFailure.TOO_LONG, "260")


def test_new_file_gets_what_its_folder_gives(place: Place, host: WindowsLabHost) -> None:
    path = place.path("new")
    place.session.write_file(path, b"new", PLAIN)
    acl = place.session.stat_files([path])[path].attributes.acl

    assert acl is not None
    assert "ID;FA;;;SY" in acl


def test_replaced_file_keeps_its_own_acl_or_gets_the_given_one(place: Place, host: WindowsLabHost) -> None:
    path, session = place.path("config.json"), place.session
    host.tree.set_acl(path, ONLY_ADMINISTRATORS)
    before = session.stat_files([path])[path].attributes
    session.write_file(path, b"new", PLAIN)
    assert session.stat_files([path])[path].attributes == before
    host.tree.set_acl(path, "O:SYG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)")
    session.write_file(path, b"newer", before)

    assert session.stat_files([path])[path].attributes == before
    assert (place.real / "config.json").read_bytes() == b"newer"


def test_made_directory_gets_the_given_acl(place: Place) -> None:
    path = place.path("certs")
    place.session.make_directory(path, FileAttributes("", "", 0, acl=ONLY_ADMINISTRATORS))

    assert place.session.stat_files([path])[path].attributes.acl == ONLY_ADMINISTRATORS
    assert place.session.stat_files([path])[path].attributes.owner == "BUILTIN\\Administrators"


def test_file_of_several_messages_goes_and_comes(place: Place) -> None:
    data, path = os.urandom(1 << 20), place.path("logs.log")
    place.session.write_file(path, data, PLAIN)

    assert place.session.read_files([path]) == {path: data}


@pytest.mark.parametrize("lacking", ["constrained", "elevated", "powershell"])
def test_rights_that_lack_stop_everything_before_it_begins(
    lacking: str, shared: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shared.windows is not None
    monkeypatch.setattr(shared.windows, lacking, {"constrained": True, "elevated": False, "powershell": "4.0"}[lacking])
    monkeypatch.setattr(shared.session, "_ability", None)
    for do in (shared.session.acting_account, lambda: shared.session.remove(shared.path("config.json"), tree=True)):
        with pytest.raises(RightsLacking) as told:
            do()
        assert told.value.remedy
