"""The backups of an open cluster as an operator deals with them: listed, made, verified, decrypted."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from tui import paths
from tui.findings import Finding, Severity, blockers
from tui.runbook.first_host import first_findings, refusal
from tui.runbook.open_cluster import OpenCluster
from tui.runbook.operator_identity import OperatorIdentity
from tui.vault.catalogue import Catalogue
from tui.vault.errors import VaultError
from tui.vault.model import Backup, Verification
from tui.vault.vault import Vault

_LOG = logging.getLogger(__name__)


class KeptBackups:
    """One cluster's vault in the hands of one front. Methods raise VaultError, and OperatorError for a locked vault."""

    def __init__(self, opened: OpenCluster, identity: OperatorIdentity) -> None:
        self._opened = opened
        self._identity = identity
        self.vault = Vault(paths.vault_dir(opened.cluster.name), opened.cluster.name)

    def catalogue(self) -> Catalogue:
        """Every backup, newest first, and what is wrong with the vault, without decrypting."""
        return self.vault.catalogue()

    def heal(self) -> None:
        """Give backups whose description was lost a new one; what cannot be healed stays among the findings."""
        with contextlib.suppress(VaultError):
            if self.vault.catalogue().without_sidecar:
                healed = self.vault.heal(self._identity.unlocked())
                _LOG.info("%d backups were given a new sidecar", len(healed))

    def back_up_first(self) -> Backup:
        """Read the first host's set, encrypt it, and verify it by decryption."""
        identity = self._identity.unlocked()
        name = self._opened.cluster.first.name
        seen = self._opened.observe_or_ask(name)
        stopping = blockers(first_findings(seen))
        if seen.configuration is None or stopping:
            raise refusal(name, stopping, "the first host cannot be backed up")
        with self._opened.journal() as journal:
            safe = self._opened.safekeeping(journal, identity)
            backup = safe.keep(seen.configuration, host=name, kind="set", run=None)
            safe.prove(backup, seen.configuration)
            return safe.vault.get(backup.id)

    def verify(self, backup_id: str) -> Verification:
        """Decrypt one backup and check everything in it."""
        return self._verified(self.vault.get(backup_id))

    def recorded(self) -> frozenset[str]:
        """The ids of the backups that this jump box's journal has seen made: of the others nobody knows who made them."""
        with self._opened.journal() as journal:
            return frozenset(backup.id for backup in self.vault.list() if journal.backup_hash(backup.id) is not None)

    def _verified(self, backup: Backup) -> Verification:
        """What decrypting shows, and a warning where the journal does not know the backup: whoever has a recipient can make one."""
        remembered = self._remembered(backup)
        found = self.vault.verify(backup, self._identity.unlocked(), expected_sha256=remembered)
        if remembered is not None or not found.ok:
            return found
        unknown = Finding(
            id="backup-unknown-origin",
            severity=Severity.WARNING,
            summary="this jump box has no record of having made this backup",
            evidence=("age is no signature: anybody who knows a recipient can make a backup that opens",),
            remedy="see that it comes from a jump box of yours; compare its SHA-256 with that one's journal (adldap-ha report)",
        )
        return found.model_copy(update={"findings": (*found.findings, unknown)})

    def restore(self, backup_id: str, directory: Path) -> Verification:
        """Verify one backup and decrypt it into a new directory; nothing is left behind when that fails.

        A set that is whole but no longer fit for use, by an expired certificate say, is written all the same.
        """
        from tui.vault.unpacking import refuse_existing, unpack_into

        refuse_existing(directory)
        backup = self.vault.get(backup_id)
        identity, remembered = self._identity.unlocked(), self._remembered(backup)
        verification = self._verified(backup)
        configuration, manifest = self.vault.contents(backup, identity, expected_sha256=remembered)
        unpack_into(directory, configuration, manifest)
        return verification

    def _remembered(self, backup: Backup) -> str | None:
        """The ciphertext's hash as the journal has it."""
        with self._opened.journal() as journal:
            return journal.backup_hash(backup.id)
