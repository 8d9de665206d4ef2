"""What a session does with files is the same whatever the transport and the system; one definition, run against each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import count

import pytest

from tests.lab.windows.places import TRANSPORTS, Place, linux_place, windows_place
from tui.remote.errors import FileFailure, RemoteFileError

_NUMBERS = count()
NASTY = "it's 100% [that] $name & (grün) ~1 #.txt"


@pytest.fixture(scope="module", params=TRANSPORTS)
def transport(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        made = linux_place(directory) if request.param == "linux-ssh" else windows_place(request.param, directory)
        yield stack.enter_context(made)


@pytest.fixture
def place(transport: Place) -> Place:
    """An empty directory on a host, never used before."""
    name = f"folder {next(_NUMBERS)}"
    made = replace(transport, folder=transport.path(name), real=transport.real / name)
    made.real.mkdir()
    return made


def failure(do: Callable[[], object]) -> FileFailure:
    with pytest.raises(RemoteFileError) as failed:
        do()
    return failed.value.reason


@pytest.mark.parametrize(
    "data", [b"", b"one\r\ntwo\n\x00\xff\xef\xbb\xbf", os.urandom(300_000)], ids=["empty", "odd", "big"]
)
def test_bytes_go_and_come_as_they_are(place: Place, data: bytes) -> None:
    path = place.path(NASTY)
    place.session.write_file(path, data, place.plain())

    assert (place.real / NASTY).read_bytes() == data
    assert place.session.read_files([path]) == {path: data}
    assert place.names() == [NASTY]


def test_missing_files_are_absent(place: Place) -> None:
    (place.real / "there").write_bytes(b"yes")
    missing = [place.path("gone"), place.path("gone", "too")]
    there = place.path("there")

    assert place.session.read_files([*missing, there]) == {there: b"yes"}
    assert list(place.session.stat_files([*missing, there])) == [there]
    assert place.session.list_tree(place.path("gone")) == []
    assert place.session.read_files([]) == {}


def test_what_is_no_file_or_too_large_is_not_read(place: Place) -> None:
    (place.real / "folder").mkdir()
    (place.real / "file").write_bytes(b"12345")
    file = place.path("file")

    assert failure(lambda: place.session.read_files([place.path("folder")])) is FileFailure.OTHER
    assert failure(lambda: place.session.read_files([file], limit=4)) is FileFailure.TOO_LARGE
    assert place.session.read_files([file], limit=5) == {file: b"12345"}


def test_entries_tell_kind_size_time_and_target(place: Place) -> None:
    (place.real / "file").write_bytes(b"12345")
    os.utime(place.real / "file", (1_700_000_000, 1_700_000_000))
    (place.real / "folder").mkdir()
    (place.real / "link").symlink_to("file")
    paths = [place.path(name) for name in ("file", "folder", "link")]
    file, folder, link = place.session.stat_files(paths).values()

    assert (file.kind, file.size, file.target) == ("file", 5, None)
    assert abs(file.modified - 1_700_000_000) < 1
    assert file.attributes.owner
    assert folder.kind == "directory"
    assert (link.kind, link.target) == ("symlink", "file")
    assert [file.path, folder.path, link.path] == paths


def test_trees_are_listed_to_a_depth_and_links_not_entered(place: Place) -> None:
    (place.real / "a" / "b" / "c").mkdir(parents=True)
    (place.real / "a" / NASTY).write_bytes(b"")
    (place.real / "z").symlink_to("a")
    session, parts = place.session, [("a",), ("a", "b"), ("a", "b", "c"), ("a", NASTY), ("z",)]

    def listed(depth: int) -> list[str]:
        return [entry.path for entry in session.list_tree(place.folder, depth=depth)]

    for depth in (1, 2, 3, 9):
        assert listed(depth) == sorted(place.path(*names) for names in parts if len(names) <= depth)


def test_replaced_file_keeps_its_attributes_when_they_are_given_back(place: Place) -> None:
    path = place.path("config.json")
    place.session.write_file(path, b"old", place.plain())
    before = place.session.stat_files([path])[path].attributes
    place.session.write_file(path, b"new", before)

    assert place.session.stat_files([path])[path].attributes == before
    assert (place.real / "config.json").read_bytes() == b"new"


def test_link_stays_and_its_target_is_replaced(place: Place) -> None:
    (place.real / "real").write_bytes(b"old")
    (place.real / "link").symlink_to("real")
    place.session.write_file(place.path("link"), b"new", place.plain(), within=place.folder)

    assert (place.real / "link").is_symlink()
    assert (place.real / "real").read_bytes() == b"new"
    assert place.names() == ["link", "real"]


def test_link_that_leads_out_is_not_followed(place: Place) -> None:
    (place.real / "inside").mkdir()
    (place.real / "outside").mkdir()
    (place.real / "outside" / "file").write_bytes(b"old")
    (place.real / "inside" / "door").symlink_to("../outside")
    (place.real / "inside" / "file").symlink_to("../outside/file")
    session, within, plain = place.session, place.path("inside"), place.plain()

    for names in (("inside", "door", "file"), ("inside", "file")):
        path = place.path(*names)
        assert failure(partial(session.write_file, path, b"new", plain, within=within)) is FileFailure.LED_AWAY
    through = place.path("inside", "door", "file")
    assert failure(lambda: session.remove(through, within=within)) is FileFailure.LED_AWAY
    new = place.path("inside", "door", "new")
    assert failure(lambda: session.make_directory(new, plain, within=within)) is FileFailure.LED_AWAY
    assert (place.real / "outside" / "file").read_bytes() == b"old"
    assert sorted(os.listdir(place.real / "outside")) == ["file"]


def test_what_cut_off_writes_left_is_cleared_away(place: Place) -> None:
    for name in ("config.json", "config.json2"):
        (place.real / place.leftover(name)).write_bytes(b"half")
    place.session.write_file(place.path("config.json"), b"new", place.plain())
    assert place.names() == sorted(["config.json", place.leftover("config.json2")])

    (place.real / place.leftover("config.json")).write_bytes(b"half")
    place.session.remove(place.path("config.json"))
    assert place.names() == [place.leftover("config.json2")]


def test_writing_where_nothing_can_be_written(place: Place) -> None:
    (place.real / "folder").mkdir()
    session, plain = place.session, place.plain()

    assert failure(lambda: session.write_file(place.path("gone", "file"), b"x", plain)) is FileFailure.MISSING
    failure(lambda: session.write_file(place.path("folder"), b"x", plain))
    assert place.names() == ["folder"]
    assert os.listdir(place.real / "folder") == []


def test_paths_that_are_not_absolute_are_refused_before_anything_is_sent(place: Place) -> None:
    before = place.session.round_trips
    for path in ("config.json", "folder/file", "folder\\file", "", "\\", "/", "C:config.json", "C:\\"):
        if path.startswith("/") == (place.windows is None) and len(path) > 1:
            continue
        failure(partial(place.session.read_files, [path]))
        failure(partial(place.session.remove, path, tree=True))

    assert place.session.round_trips == before


def test_directories_are_made_once(place: Place) -> None:
    path = place.path("certs")
    place.session.make_directory(path, place.plain())
    (place.real / "certs" / "cert.pem").write_bytes(b"x")
    place.session.make_directory(path, place.plain())

    assert os.listdir(place.real / "certs") == ["cert.pem"]
    assert failure(lambda: place.session.make_directory(place.path("a", "b"), place.plain())) is FileFailure.MISSING
    assert place.names() == ["certs"]


def test_renaming_replaces_a_file(place: Place) -> None:
    (place.real / "new").write_bytes(b"new")
    (place.real / "old").write_bytes(b"old")
    place.session.rename(place.path("new"), place.path("old"))

    assert place.names() == ["old"]
    assert (place.real / "old").read_bytes() == b"new"
    for source, target in (("gone", "old"), ("old", "gone\\file" if place.windows else "gone/file")):
        assert failure(partial(place.session.rename, place.path(source), place.path(target))) is FileFailure.MISSING
    assert place.names() == ["old"]


def test_renaming_a_directory_takes_all_of_it(place: Place) -> None:
    (place.real / "certs").mkdir()
    (place.real / "certs" / "cert.pem").write_bytes(b"x")
    place.session.rename(place.path("certs"), place.path("kept"))

    assert place.names() == ["kept"]
    assert os.listdir(place.real / "kept") == ["cert.pem"]


def test_removing(place: Place) -> None:
    (place.real / "folder" / "inner").mkdir(parents=True)
    (place.real / "folder" / "inner" / "file").write_bytes(b"x")
    (place.real / "kept").mkdir()
    (place.real / "kept" / "file").write_bytes(b"x")
    (place.real / "folder" / "link").symlink_to("../kept")
    (place.real / "dangling").symlink_to("nowhere")
    session = place.session

    failure(lambda: session.remove(place.path("folder")))
    assert (place.real / "folder" / "inner" / "file").exists()
    for name in ("folder", "dangling", "gone"):
        session.remove(place.path(name), tree=True, within=place.folder)
    session.remove(place.path("gone", "too"))
    assert place.names() == ["kept"]
    assert os.listdir(place.real / "kept") == ["file"]


def test_acting_account_is_one_that_may_change_things(place: Place) -> None:
    assert place.session.acting_account() in {"root", "WIN-ELM\\ops"}
