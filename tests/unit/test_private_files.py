"""Private files: nobody else's from the first byte on, and whole or not there."""

from __future__ import annotations

import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.private_files import write_private


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    previous = os.umask(0)
    yield
    os.umask(previous)


@pytest.fixture
def without_hard_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_a_file_is_written_with_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    for mode in (0o600, 0o400):
        path = tmp_path / f"{mode:o}"
        write_private(path, b"data", mode=mode)
        assert path.read_bytes() == b"data"
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_symlink_is_replaced_rather_than_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"precious")
    link.symlink_to(target)
    write_private(link, b"data")
    assert not link.is_symlink()
    assert target.read_bytes() == b"precious"


def test_a_write_in_small_parts_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    write_private(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize("dangling", [True, False])
def test_a_name_that_is_taken_stays_taken(tmp_path: Path, dangling: bool) -> None:
    path = tmp_path / "file"
    if dangling:
        path.symlink_to("nowhere")
    else:
        path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_private(path, b"data", replace=False)
    assert path.is_symlink() if dangling else path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("without_hard_links")
def test_a_file_system_without_hard_links_is_served_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_private(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_the_file_that_found_no_room(tmp_path: Path) -> None:
    path = tmp_path / "file"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        with pytest.raises(OSError, match="large") as raised:
            write_private(path, b"0123456789")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []
