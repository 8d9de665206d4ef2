"""SFTP of one host: the same tree that its commands see, and nothing outside it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

import paramiko
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

T = TypeVar("T")

_OPEN_FLAGS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_EXCL


class Tree(paramiko.SFTPServerInterface):
    """Files below `root`. Relative paths begin at the account's home; `root` and `home` are set on a subclass."""

    root = Path("/nonexistent")
    home = Path("/nonexistent")

    def _path(self, path: str, *, follow: bool = True) -> str:
        joined = os.path.join(self.home, path)
        parent, name = os.path.split(os.path.normpath(joined))
        real = os.path.realpath(joined) if follow else os.path.join(os.path.realpath(parent), name)
        if real != str(self.root) and not real.startswith(f"{self.root}/"):
            raise PermissionError(13, "outside the host's tree")
        return real

    def canonicalize(self, path: str) -> str:
        """The absolute form of a path."""
        return os.path.realpath(os.path.join(self.home, path))

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        """The entries of a directory."""
        return _told(lambda: [_attributes(e.name, e.stat(follow_symlinks=False)) for e in os.scandir(self._path(path))])

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        """What a path leads to."""
        return _told(lambda: _attributes(path, os.stat(self._path(path))))

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        """What a path is."""
        return _told(lambda: _attributes(path, os.lstat(self._path(path, follow=False))))

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        """Open a file."""
        mode = stat.S_IMODE(attr.st_mode) if attr.st_mode is not None else 0o666
        access = "r+b" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
        return _told(lambda: _Handle(flags, os.fdopen(os.open(self._path(path), flags & _OPEN_FLAGS, mode), access)))

    def remove(self, path: str) -> int:
        """Remove a file."""
        return _done(lambda: os.remove(self._path(path, follow=False)))

    def rename(self, oldpath: str, newpath: str) -> int:
        """Move a file where none is yet."""
        if os.path.lexists(os.path.join(self.home, newpath)):
            return SFTP_FAILURE
        return self.posix_rename(oldpath, newpath)

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        """Move a file, replacing another."""
        return _done(lambda: os.rename(self._path(oldpath, follow=False), self._path(newpath, follow=False)))

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        """Create a directory."""
        mode = stat.S_IMODE(attr.st_mode) if attr.st_mode is not None else 0o777
        return _done(lambda: os.mkdir(self._path(path), mode))

    def rmdir(self, path: str) -> int:
        """Remove an empty directory."""
        return _done(lambda: os.rmdir(self._path(path)))

    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        """Change mode or times."""
        return _done(lambda: _change(self._path(path), attr))

    def readlink(self, path: str) -> str | int:
        """The text of a link."""
        return _told(lambda: os.readlink(self._path(path, follow=False)))


def _attributes(name: str, found: os.stat_result) -> paramiko.SFTPAttributes:
    return paramiko.SFTPAttributes.from_stat(found, os.path.basename(name))


def _change(target: str | int, wanted: paramiko.SFTPAttributes) -> None:
    if wanted.st_mode is not None:
        os.chmod(target, stat.S_IMODE(wanted.st_mode))
    if wanted.st_atime is not None and wanted.st_mtime is not None:
        os.utime(target, (wanted.st_atime, wanted.st_mtime))
    if wanted.st_size is not None:
        os.truncate(target, wanted.st_size)


class _Handle(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, flags: int, file: IO[bytes]) -> None:
        super().__init__(flags)
        self.readfile = self.writefile = file
        self._file = file

    def stat(self) -> paramiko.SFTPAttributes | int:
        return _told(lambda: _attributes("", os.fstat(self._file.fileno())))

    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        return _done(lambda: _change(self._file.fileno(), attr))


def _told(action: Callable[[], T]) -> T | int:
    try:
        return action()
    except OSError as error:
        return int(paramiko.SFTPServer.convert_errno(error.errno or 5))


def _done(action: Callable[[], None]) -> int:
    result = _told(action)
    return int(SFTP_OK) if result is None else result
