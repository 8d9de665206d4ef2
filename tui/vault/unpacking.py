"""A decrypted backup on the jump box's disk: the one place where plaintext is written, and only where the operator says."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tui.connector.model import ConfigurationSet
from tui.private_files import flush_directory, write_private
from tui.vault.archive import MANIFEST, Manifest
from tui.vault.errors import VaultError, VaultFailure

_ONLY_OWNER = 0o700


def refuse_existing(directory: Path) -> None:
    """Raise VaultError when `directory` exists (EXISTS), or has no parent directory to be made in (MISSING)."""
    if os.path.lexists(directory):
        raise VaultError(
            f"{directory} exists already",
            reason=VaultFailure.EXISTS,
            meaning="secrets are only written into a directory that is nobody else's; nothing was written",
            remedy="name a directory that does not exist yet",
        )
    if not directory.parent.is_dir():
        raise VaultError(
            f"there is no directory {directory.parent}",
            reason=VaultFailure.MISSING,
            meaning="nothing was written",
            remedy="make it first, or name another place",
        )


def unpack_into(directory: Path, configuration: ConfigurationSet, manifest: Manifest) -> None:
    """Write a set and its manifest in clear into `directory`, made 0700; files 0600, config.json last.

    Raises VaultError (EXISTS, MISSING, STORAGE); whatever goes wrong, nothing is left behind.
    """
    refuse_existing(directory)
    try:
        os.mkdir(directory, _ONLY_OWNER)
        with _removed_on_failure(directory):
            write_private(directory / MANIFEST, manifest.model_dump_json(indent=1).encode(), replace=False)
            for entry in manifest.directories:
                _make(directory, entry.path)
            for file in manifest.files:
                _make(directory, os.path.dirname(file.path))
                write_private(directory / file.path, configuration.files[file.path].data, replace=False)
            flush_directory(directory.parent)
    except OSError as error:
        raise VaultError(
            f"the backup could not be written to {directory}: {error.strerror or 'input/output error'}",
            reason=VaultFailure.STORAGE,
            meaning="nothing was left there",
            remedy="check space and permissions, or name another place",
        ) from error


def _make(root: Path, relative: str) -> None:
    made = root
    for part in filter(None, relative.split("/")):
        made = made / part
        with contextlib.suppress(FileExistsError):
            os.mkdir(made, _ONLY_OWNER)


@contextlib.contextmanager
def _removed_on_failure(directory: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
