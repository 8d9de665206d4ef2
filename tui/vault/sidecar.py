"""Sidecars: what lies beside each backup so that it can be listed without decrypting it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tui.private_files import write_private
from tui.vault.model import Backup

DATA_SUFFIX = ".age"
SIDECAR_SUFFIX = ".json"
READ_ONLY = 0o400
FORMAT = 1

_ID = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9][A-Za-z0-9._-]{0,62}-(?:set|before|planned)-[0-9a-f]{6}")
_LARGEST = 4 << 20


class SidecarDamaged(Exception):
    """A sidecar that says nothing reliable; the message says what is wrong with it."""


def is_backup_id(text: str) -> bool:
    """Whether `text` has the form of a backup's id, which is also its file name."""
    return bool(_ID.fullmatch(text))


def data_path(directory: Path, backup_id: str) -> Path:
    """Where the encrypted backup lies."""
    return directory / f"{backup_id}{DATA_SUFFIX}"


def sidecar_path(directory: Path, backup_id: str) -> Path:
    """Where its sidecar lies."""
    return directory / f"{backup_id}{SIDECAR_SUFFIX}"


def write_sidecar(directory: Path, backup: Backup) -> None:
    """Write or replace the sidecar of a backup, read-only, atomically. Raises OSError."""
    content = backup.model_dump(mode="json", exclude={"path"})
    document = {"format": FORMAT, "check": _check(content), "backup": content}
    write_private(sidecar_path(directory, backup.id), json.dumps(document, indent=1).encode(), mode=READ_ONLY)


def read_sidecar(directory: Path, backup_id: str) -> Backup:
    """What the sidecar says. `path` is where the data lies now, whatever was written once.

    Raises SidecarDamaged, and OSError when it cannot be read (FileNotFoundError when there is none).
    """
    with sidecar_path(directory, backup_id).open("rb") as file:
        data = file.read(_LARGEST)
    try:
        document = json.loads(data)
        if document["format"] != FORMAT:
            raise SidecarDamaged("another version of this program wrote it")
        content = document["backup"]
        if document["check"] != _check(content):
            raise SidecarDamaged("its content does not match its own check")
        backup = Backup.model_validate({**content, "path": data_path(directory, backup_id)})
    except (ValidationError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise SidecarDamaged("it is not a whole sidecar") from error
    if backup.id != backup_id:
        raise SidecarDamaged("it belongs to another backup")
    return backup


def _check(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
