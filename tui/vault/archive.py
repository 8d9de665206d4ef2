"""The plain content of a backup: a zip that the connector's own console imports, with a manifest beside its files.

Same set, same description: same bytes. Reading trusts nothing, since anybody who knows a recipient can make a backup.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.remote.session import FileAttributes
from tui.vault.errors import VaultError, VaultFailure

MANIFEST = "manifest.json"
MOST_FILES = 1000
MOST_BYTES = 64 << 20

_LAST = ("config.json", "data/config.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Attributes(_Record):
    owner: str = Field(pattern=r"^[^\x00-\x1f\x7f:-][^\x00-\x1f\x7f:]*$")
    group: str = Field(pattern=r"^(?:[^\x00-\x1f\x7f:-][^\x00-\x1f\x7f:]*)?$")
    """Empty on Windows, where the ACL (SDDL) says it all."""
    mode: int = Field(ge=0, le=0o7777)
    acl: str | None = None
    label: str | None = None

    @model_validator(mode="after")
    def _group_or_acl(self) -> Self:
        if not self.group and not (self.acl or "").startswith(("O:", "D:")):
            raise ValueError("neither a group nor an ACL")
        return self

    def attributes(self) -> FileAttributes:
        return FileAttributes(self.owner, self.group, self.mode, self.acl, self.label)


class ArchivedDirectory(_Attributes):
    """A directory of the set; `path` is relative to the install directory."""

    path: str


class ArchivedFile(_Attributes):
    """A file of the set, `size` in bytes, `sha256` in hex."""

    path: str
    size: int = Field(ge=0, le=MOST_BYTES)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Description(_Record):
    """What a backup says of itself, inside the encryption."""

    id: str
    cluster: str
    host: str
    kind: Literal["set", "before", "planned"]
    created: datetime
    operator: str
    run: str | None
    recipients: tuple[str, ...]
    thumbprint: str | None
    certificate_expires: datetime | None


class Manifest(_Record):
    """`manifest.json`: the description, and what a restore needs of every file besides its bytes."""

    format: Literal[1] = 1
    description: Description
    layout: Layout
    version: str
    os: str = Field(default="linux", pattern="^(?:linux|windows)$")
    directories: tuple[ArchivedDirectory, ...]
    files: tuple[ArchivedFile, ...]


def pack(configuration: ConfigurationSet, description: Description) -> bytes:
    """The zip of a set. Raises VaultError (UNSAFE) for a set that could not be read back."""
    try:
        manifest = _describe(configuration, description)
        problem = _path_problem(manifest)
    except ValidationError:
        problem = "a name in it is no text, or a file is too large"
    if problem:
        raise VaultError(
            f"this configuration set cannot be backed up: {problem}",
            reason=VaultFailure.UNSAFE,
            meaning="nothing was written",
            remedy="look at the files of the install's certs folder and remove what does not belong there",
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST, manifest.model_dump_json(indent=1).encode(), 0o600)
        for entry in manifest.files:
            _add(archive, entry.path, configuration.files[entry.path].data, entry.mode)
    return buffer.getvalue()


def unpack(data: bytes) -> tuple[ConfigurationSet, Manifest]:
    """The set in a zip, every size and hash compared with the manifest.

    Raises VaultError: UNSAFE for anything that `pack` would not have written, DAMAGED for bytes that differ.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_form(archive)
            manifest = _manifest(archive)
            if problem := _path_problem(manifest):
                raise _unsafe(problem)
            _check_names(archive, manifest)
            files = {entry.path: _set_file(archive, entry) for entry in manifest.files}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        raise _unsafe("it is no archive of this program") from error
    directories = {entry.path: entry.attributes() for entry in manifest.directories}
    return ConfigurationSet(manifest.layout, manifest.version, files, directories, manifest.os), manifest


def _describe(configuration: ConfigurationSet, description: Description) -> Manifest:
    return Manifest(
        description=description,
        layout=configuration.layout,
        version=configuration.version,
        os=configuration.os,
        directories=tuple(
            ArchivedDirectory(path=path, **_attributes(attributes))
            for path, attributes in sorted(configuration.directories.items())
        ),
        files=tuple(_archived(configuration.files[path]) for path in sorted(configuration.files, key=_order)),
    )


def _order(path: str) -> tuple[bool, str]:
    """config.json comes last: an importer that stops half-way then leaves a connector that does not start."""
    return path in _LAST, path


def _attributes(attributes: FileAttributes) -> dict[str, Any]:
    return {
        "owner": attributes.owner,
        "group": attributes.group,
        "mode": attributes.mode,
        "acl": attributes.acl,
        "label": attributes.label,
    }


def _archived(file: SetFile) -> ArchivedFile:
    digest = hashlib.sha256(file.data).hexdigest()
    return ArchivedFile(path=file.path, size=len(file.data), sha256=digest, **_attributes(file.attributes))


def _add(archive: zipfile.ZipFile, name: str, data: bytes, mode: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = (0o100000 | (mode & 0o777 or 0o600)) << 16
    archive.writestr(entry, data)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if MANIFEST not in archive.namelist():
        raise _unsafe("it has no manifest")
    try:
        return Manifest.model_validate_json(_bytes(archive, MANIFEST, MOST_BYTES))
    except ValidationError as error:
        another = any(problem["loc"] == ("format",) for problem in error.errors(include_input=False))
        raise _unsafe(
            "another version of this program wrote it" if another else "its manifest is not one of this program"
        ) from error


def _check_form(archive: zipfile.ZipFile) -> None:
    """Nothing is compressed, so nothing can grow beyond the size of the archive."""
    for info in archive.infolist():
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
            raise _unsafe("it is compressed or locked in a way that this program never uses")


def _path_problem(manifest: Manifest) -> str | None:
    paths = [entry.path for entry in manifest.files]
    directories = [entry.path for entry in manifest.directories]
    for path in (*paths, *directories):
        parts = path.split("/")
        if (
            any(part in ("", ".", "..") for part in parts)
            or "\\" in path
            or not all(character.isprintable() for character in path)
        ):
            return "a path in it leads elsewhere or holds control characters"
    everything = [MANIFEST, *paths, *directories]
    if len(set(everything)) != len(everything):
        return "a path in it occurs twice"
    if any(parent in {MANIFEST, *paths} for path in (*paths, *directories) for parent in _parents(path)):
        return "a path in it is a file and a directory"
    if len(everything) > MOST_FILES or sum(entry.size for entry in manifest.files) > MOST_BYTES:
        return f"it holds more than {MOST_FILES} files or {MOST_BYTES >> 20} MiB"
    return None


def _parents(path: str) -> Iterator[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _check_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    names = [info.filename for info in archive.infolist()]
    if sorted(names) != sorted([MANIFEST, *(entry.path for entry in manifest.files)]):
        raise _unsafe("its files are not those of its manifest")


def _set_file(archive: zipfile.ZipFile, entry: ArchivedFile) -> SetFile:
    data = _bytes(archive, entry.path, entry.size)
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise VaultError(
            f"{entry.path} in the backup is not what the backup says it is",
            reason=VaultFailure.DAMAGED,
            meaning="this backup must not be restored",
            remedy="use another backup",
        )
    return SetFile(entry.path, data, entry.attributes())


def _bytes(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """At most one byte more than `limit`, whatever the archive claims of its size."""
    with archive.open(name) as file:
        return file.read(limit + 1)


def _unsafe(problem: str) -> VaultError:
    return VaultError(
        f"the content of this backup is refused: {problem}",
        reason=VaultFailure.UNSAFE,
        meaning="it was damaged before it was encrypted, or forged: encryption proves no origin",
        remedy="do not restore it; use another backup",
    )
