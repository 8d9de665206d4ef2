"""Where Unix sockets go: their paths may not be longer than about a hundred bytes, and test directories are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_LONGEST = 100


@contextmanager
def socket_folder(directory: Path, names: Sequence[str]) -> Iterator[Path]:
    """A 0700 folder for sockets called `names`: below `directory` where that is short enough, else a temporary one.

    It is removed at the end.
    """
    folder = directory.resolve() / "sockets"
    if max(len(bytes(folder / name)) for name in names) <= _LONGEST:
        folder.mkdir(mode=0o700, parents=True)
    else:
        folder = Path(tempfile.mkdtemp(prefix="adldap-lab-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
