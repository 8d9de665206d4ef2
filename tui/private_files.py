"""Files on the jump box that are nobody else's to read: private from before the first byte, whole or not there."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

PRIVATE = 0o600
TEMPORARY_SUFFIX = ".tmp"

_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems that know no hard links (some network homes) answer."""


def write_private(path: Path, data: bytes, *, mode: int = PRIVATE, replace: bool = True) -> None:
    """Write `data` to `path` so that a reader sees either the old file or the whole new one.

    A temporary file beside it is created 0600, filled, flushed to disk, given `mode`, and only then takes the name.
    With `replace=False` an existing `path` is left as it is and FileExistsError is raised. A symlink is replaced, not
    followed. Raises OSError that names a file; `path` is then as it was and the temporary file is gone.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        _fill(temporary, data, mode)
        if replace:
            os.rename(temporary, path)
        else:
            _take_free_name(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    flush_directory(path.parent)


def _fill(temporary: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_free_name(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.rename(temporary, path)
    else:
        os.unlink(temporary)


def flush_directory(directory: Path) -> None:
    """Make renames and removals in `directory` survive a power failure."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
