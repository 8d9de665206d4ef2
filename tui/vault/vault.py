"""The vault of one cluster: encrypted backups in a directory, each with a sidecar.

The order of writes is an invariant: a backup's data is whole and on disk before its sidecar exists, and when a backup
is removed its sidecar goes first. So whatever has a sidecar is complete, a crash leaves at most data without a sidecar
or a temporary file (both hold ciphertext only), and nothing in clear is ever written.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tui.connector.configuration_set import entries, set_certificate, set_findings
from tui.connector.errors import CertificateError
from tui.connector.model import ConfigurationSet
from tui.findings import Finding, Severity, blockers
from tui.private_files import TEMPORARY_SUFFIX, flush_directory, write_private
from tui.vault import archive
from tui.vault.catalogue import Catalogue, survey
from tui.vault.errors import VaultError, VaultFailure
from tui.vault.identity import Identity
from tui.vault.model import Backup, BackupFile, Verification
from tui.vault.recipients import check_recipients
from tui.vault.sidecar import (
    READ_ONLY,
    SidecarDamaged,
    data_path,
    is_backup_id,
    read_sidecar,
    sidecar_path,
    write_sidecar,
)

_LARGEST = archive.MOST_BYTES * 2
_BAD_CONTENT = {VaultFailure.DAMAGED, VaultFailure.REPLACED, VaultFailure.UNSAFE, VaultFailure.MISSING}


class Vault:
    """Backups of one cluster. Several processes may use the same directory; writers take turns."""

    def __init__(self, directory: Path, cluster: str) -> None:
        """`directory` is created (0700) by the first backup."""
        self.directory = directory
        self.cluster = cluster

    def create(
        self,
        configuration: ConfigurationSet,
        *,
        host: str,
        kind: Literal["set", "before", "planned"],
        operator: str,
        run: str | None,
        recipients: Sequence[str],
    ) -> Backup:
        """Encrypt a set to `recipients` and keep it, read-only. It counts as verified only after `verify`.

        Raises VaultError: BAD_RECIPIENT, UNSAFE, STORAGE; then nothing is left behind.
        """
        import pyrage

        checked = check_recipients(recipients)
        description = self._describe(configuration, host, kind, operator, run, checked)
        keys = [pyrage.x25519.Recipient.from_str(recipient) for recipient in checked]
        ciphertext: bytes = pyrage.encrypt(archive.pack(configuration, description), keys)
        backup = self._backup(configuration, description, ciphertext)
        with self._writing("the backup could not be written"):
            self._remove_leftovers()
            try:
                write_private(backup.path, ciphertext, mode=READ_ONLY, replace=False)
                if backup.path.read_bytes() != ciphertext:
                    raise OSError(errno.EIO, "what was written reads back differently")
                write_sidecar(self.directory, backup)
            except FileExistsError:
                raise
            except BaseException:
                with contextlib.suppress(OSError):
                    self._remove(backup)
                raise
        return backup

    def list(self) -> list[Backup]:
        """Every complete backup, newest first, without decrypting. `catalogue` also says what is wrong with others."""
        return list(self.catalogue().backups)

    def catalogue(self) -> Catalogue:
        """Every complete backup, newest first, and findings on what is damaged, incomplete or foreign."""
        return survey(self.directory, self.cluster)

    def get(self, backup_id: str) -> Backup:
        """One backup by its id. Raises VaultError: MISSING, or DAMAGED when only its sidecar cannot be read."""
        try:
            if is_backup_id(backup_id):
                return read_sidecar(self.directory, backup_id)
        except SidecarDamaged as error:
            raise VaultError(
                f"the sidecar of backup {backup_id} is damaged: {error}",
                reason=VaultFailure.DAMAGED,
                meaning="the encrypted backup beside it may well be whole",
                remedy="let the vault be healed with your identity, or open the backup with `age -d`",
            ) from error
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                raise _storage(f"backup {backup_id} could not be read", error) from error
        raise VaultError(
            f"cluster {self.cluster} has no backup of that id",
            reason=VaultFailure.MISSING,
            tried=f"looked in {self.directory}",
            remedy="list the backups and use an id from that list",
        )

    def read(self, backup: Backup, identity: Identity, *, expected_sha256: str | None = None) -> ConfigurationSet:
        """The set in a backup, checked down to each file's hash.

        `expected_sha256` is the ciphertext's hash that the journal remembers: without it a backup that somebody
        replaced, sidecar and all, goes unnoticed. Raises VaultError: MISSING, DAMAGED, REPLACED, WRONG_IDENTITY, UNSAFE.
        """
        return self.contents(backup, identity, expected_sha256=expected_sha256)[0]

    def contents(
        self, backup: Backup, identity: Identity, *, expected_sha256: str | None = None
    ) -> tuple[ConfigurationSet, archive.Manifest]:
        """The set in a backup with its manifest, checked like `read`, which says what is raised."""
        configuration, manifest = archive.unpack(identity.decrypt(self._ciphertext(backup, expected_sha256)))
        if (manifest.description.id, manifest.description.cluster) != (backup.id, self.cluster):
            raise VaultError(
                f"backup {backup.id} holds another backup",
                reason=VaultFailure.REPLACED,
                meaning="somebody has put a different backup in its place",
                remedy="do not restore it; use another backup",
            )
        return configuration, manifest

    def verify(self, backup: Backup, identity: Identity, *, expected_sha256: str | None = None) -> Verification:
        """Decrypt a backup and prove that it restores: every hash, and unless it is a `before` also the key/certificate pair and
        that the encrypted password opens with the key. The sidecar is marked accordingly.

        A damaged backup is a result, not an error. Raises VaultError for what says nothing of the backup:
        WRONG_IDENTITY, STORAGE.
        """
        try:
            configuration = self.read(backup, identity, expected_sha256=expected_sha256)
        except VaultError as error:
            if error.reason not in _BAD_CONTENT:
                raise
            result = Verification(ok=False, findings=(_unusable(error),))
        else:
            findings = tuple(set_findings(configuration)) if backup.kind != "before" else ()
            result = Verification(ok=not blockers(findings), findings=findings)
        self._mark(backup, datetime.now(UTC) if result.ok else None)
        return result

    def retain(
        self, keep: int, *, needed_runs: Collection[str] = (), needed_ids: Collection[str] = ()
    ) -> tuple[Backup, ...]:
        """Remove old backups and return them: of each host and kind the newest `keep` (at least 1) stay.

        Whatever `keep` says, the newest verified backup of each host and kind whose bytes are still intact stays, and
        so does everything of `needed_runs` (runs that may yet be resumed or undone) and `needed_ids`. Damaged backups
        neither count nor are removed. Raises VaultError (STORAGE).
        """
        if keep < 1:
            raise ValueError("keep must be at least 1")
        with self._writing("old backups could not be removed"):
            groups: dict[tuple[str, str], list[Backup]] = {}
            for backup in self.catalogue().backups:
                if self._intact(backup):
                    groups.setdefault((backup.host, backup.kind), []).append(backup)
            removed = []
            for group in groups.values():
                last_verified = next((backup.id for backup in group if backup.verified), None)
                for backup in group[keep:]:
                    if backup.id != last_verified and backup.id not in needed_ids and backup.run not in needed_runs:
                        self._remove(backup)
                        removed.append(backup)
            return tuple(removed)

    def heal(self, identity: Identity) -> tuple[Backup, ...]:
        """Write a new sidecar for every backup that lost its own in a crash or by damage, from what is inside it.

        What `identity` cannot open or what is damaged stays as it is. The healed ones are not verified. Raises
        VaultError (STORAGE).
        """
        healed = []
        with self._writing("the vault could not be healed"):
            self._remove_leftovers()
            for backup_id in self.catalogue().without_sidecar:
                try:
                    ciphertext = self._bytes(backup_id)
                    configuration, manifest = archive.unpack(identity.decrypt(ciphertext))
                except VaultError:
                    continue
                description = manifest.description
                if (description.id, description.cluster) == (backup_id, self.cluster):
                    backup = self._backup(configuration, description, ciphertext)
                    write_sidecar(self.directory, backup)
                    healed.append(backup)
        return tuple(healed)

    def _describe(
        self,
        configuration: ConfigurationSet,
        host: str,
        kind: Literal["set", "before", "planned"],
        operator: str,
        run: str | None,
        recipients: tuple[str, ...],
    ) -> archive.Description:
        certificate = None
        with contextlib.suppress(CertificateError):
            certificate = set_certificate(configuration)
        now = datetime.now(UTC)
        backup_id = f"{now:%Y%m%dT%H%M%SZ}-{host}-{kind}-{secrets.token_hex(3)}"
        if not is_backup_id(backup_id):
            raise ValueError("not a host name")
        return archive.Description(
            id=backup_id,
            cluster=self.cluster,
            host=host,
            kind=kind,
            created=now,
            operator=operator,
            run=run,
            recipients=recipients,
            thumbprint=certificate.thumbprint if certificate else None,
            certificate_expires=certificate.not_after if certificate else None,
        )

    def _backup(self, configuration: ConfigurationSet, described: archive.Description, ciphertext: bytes) -> Backup:
        return Backup(
            **described.model_dump(),
            path=data_path(self.directory, described.id),
            size=len(ciphertext),
            ciphertext_sha256=hashlib.sha256(ciphertext).hexdigest(),
            layout=configuration.layout,
            version=configuration.version,
            os=configuration.os,
            files=tuple(
                BackupFile(
                    path=entry.path,
                    size=entry.size,
                    sha256=entry.sha256,
                    owner=entry.owner,
                    group=entry.group,
                    mode=entry.mode,
                    acl=entry.acl if configuration.os == "windows" else None,
                )
                for entry in entries(configuration)
            ),
            verified=None,
        )

    def _bytes(self, backup_id: str) -> bytes:
        try:
            with data_path(self.directory, backup_id).open("rb") as file:
                data = file.read(_LARGEST + 1)
        except FileNotFoundError as error:
            raise VaultError(
                f"the data of backup {backup_id} is gone",
                reason=VaultFailure.MISSING,
                meaning="only its description is left",
                remedy="put the file back from a copy, or use another backup",
            ) from error
        except OSError as error:
            raise _storage(f"backup {backup_id} could not be read", error) from error
        if len(data) > _LARGEST:
            raise VaultError(f"backup {backup_id} is too large", reason=VaultFailure.UNSAFE)
        return data

    def _ciphertext(self, backup: Backup, expected_sha256: str | None) -> bytes:
        data = self._bytes(backup.id)
        found = hashlib.sha256(data).hexdigest()
        if found != backup.ciphertext_sha256:
            raise VaultError(
                f"backup {backup.id} is damaged: its bytes are not those that were written",
                reason=VaultFailure.DAMAGED,
                tried="compared its SHA-256 with the one in its sidecar",
                remedy="use another backup, or a copy of this file from elsewhere",
            )
        if expected_sha256 is not None and found != expected_sha256:
            raise VaultError(
                f"backup {backup.id} is not the one that was made",
                reason=VaultFailure.REPLACED,
                tried="compared its SHA-256 with the one in the journal",
                meaning="somebody has replaced it together with its sidecar: encryption proves no origin",
                remedy="do not restore it; use another backup and find out who wrote to the vault",
            )
        return data

    def _intact(self, backup: Backup) -> bool:
        try:
            self._ciphertext(backup, None)
        except VaultError:
            return False
        return True

    def _mark(self, backup: Backup, verified: datetime | None) -> None:
        """Note the outcome in the sidecar, unless the backup was removed or replaced meanwhile."""
        with self._writing("the outcome could not be noted in the sidecar"):
            try:
                present = read_sidecar(self.directory, backup.id)
            except (SidecarDamaged, FileNotFoundError):
                return
            same = present.ciphertext_sha256 == backup.ciphertext_sha256
            if same and (verified or present.verified):
                write_sidecar(self.directory, present.model_copy(update={"verified": verified}))

    def _remove(self, backup: Backup) -> None:
        sidecar_path(self.directory, backup.id).unlink(missing_ok=True)
        flush_directory(self.directory)
        data_path(self.directory, backup.id).unlink(missing_ok=True)
        flush_directory(self.directory)

    def _remove_leftovers(self) -> None:
        """Temporary files of writers that died; only called while no other writer is at work."""
        for leftover in self.directory.glob(f".*{TEMPORARY_SUFFIX}"):
            leftover.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _writing(self, failure: str) -> Iterator[None]:
        """Take turns with other writers; an OSError inside becomes a VaultError that begins with `failure`."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
            finally:
                os.close(lock)
        except OSError as error:
            raise _storage(failure, error) from error


def _unusable(error: VaultError) -> Finding:
    return Finding(
        id=f"backup-{error.reason.value}",
        severity=Severity.BLOCKER,
        summary=error.summary,
        evidence=tuple(part for part in (error.tried, error.meaning) if part),
        remedy=error.remedy,
    )


def _storage(summary: str, error: OSError) -> VaultError:
    return VaultError(
        f"{summary}: {error.strerror or 'input/output error'}",
        reason=VaultFailure.STORAGE,
        meaning="no complete backup was lost",
        remedy="check space and permissions of the vault's directory on this machine, then try again",
    )
