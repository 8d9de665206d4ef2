"""Safekeeping: the vault as a run uses it, with the operator's identity and the hashes that the journal remembers."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Literal

from tui.connector.model import ConfigurationSet
from tui.errors import OperatorError
from tui.findings import blockers
from tui.runbook.journal import Journal
from tui.runbook.model import RunState
from tui.runbook.run_view import RunHistory
from tui.vault.errors import VaultError
from tui.vault.identity import Identity
from tui.vault.model import Backup, Verification
from tui.vault.vault import Vault

Kind = Literal["set", "before", "planned"]

KEPT = 30
"""How many backups of each host and kind stay when one more has been proven."""

_LOG = logging.getLogger(__name__)


class Safekeeping:
    """Backups of one cluster, made and proven. Safe for several threads.

    `unlock` opens the operator's identity; it takes seconds, so it is called once, when first needed.
    """

    def __init__(
        self,
        vault: Vault,
        *,
        recipients: Sequence[str],
        operator: str,
        unlock: Callable[[], Identity],
        journal: Journal | None,
    ) -> None:
        self.vault = vault
        self.recipients = tuple(recipients)
        self.operator = operator
        self._unlock = unlock
        self._journal = journal
        self._identity: Identity | None = None
        self._lock = threading.RLock()

    def identity(self) -> Identity:
        """The operator's identity, opened now if need be. Raises VaultError on a wrong passphrase."""
        with self._lock:
            if self._identity is None:
                self._identity = self._unlock()
            return self._identity

    def use(self, identity: Identity) -> None:
        """Use an identity that has been unlocked already."""
        with self._lock:
            self._identity = identity

    def keep(self, configuration: ConfigurationSet, *, host: str, kind: Kind, run: str | None) -> Backup:
        """Encrypt a set into the vault and remember the ciphertext's hash in the journal."""
        if not self.recipients:
            raise OperatorError(
                "there is nobody to encrypt the backup to",
                host=host,
                meaning="without a backup nothing is changed on any host",
                remedy="make an identity in the wizard, or add [vault] recipients to the cluster file",
            )
        with self._lock:
            backup = self.vault.create(
                configuration, host=host, kind=kind, operator=self.operator, run=run, recipients=self.recipients
            )
            if self._journal is not None:
                self._journal.remember_backup(backup.id, backup.ciphertext_sha256, run=run)
        return backup

    def expected_hash(self, backup: Backup) -> str | None:
        """The ciphertext's hash as the journal remembers it."""
        return self._journal.backup_hash(backup.id) if self._journal is not None else None

    def prove(self, backup: Backup, configuration: ConfigurationSet | None = None) -> Verification:
        """Decrypt a backup and check everything in it, and that it holds `configuration` to the byte.

        Raises OperatorError when it does not: such a backup must not be relied upon. When it does, backups that are older
        than the last 30 of a host and kind, and that no run needs any more, are removed.
        """
        expected = self.expected_hash(backup)
        verification = self.vault.verify(backup, self.identity(), expected_sha256=expected)
        stopping = blockers(verification.findings)
        if not verification.ok or stopping:
            worst = stopping[0] if stopping else None
            raise OperatorError(
                f"backup {backup.id} does not prove that it restores" + (f": {worst.summary}" if worst else ""),
                host=backup.host,
                tried="decrypted it and checked every hash, the key pair and the encrypted password",
                meaning="nothing was changed on any additional host",
                remedy=(worst.remedy if worst else None) or "make another backup",
            )
        if configuration is not None and not same_bytes(self.read(backup), configuration):
            raise OperatorError(
                f"backup {backup.id} does not hold what was read from the host",
                host=backup.host,
                tried="decrypted it and compared every file",
                meaning="nothing was changed on any additional host",
                remedy="make another backup",
            )
        self._retain(backup)
        return verification

    def _retain(self, proven: Backup) -> None:
        """A vault that cannot be tidied up is no reason to stop: the backup is proven."""
        with self._lock, contextlib.suppress(VaultError):
            alike = [each for each in self.vault.list() if (each.host, each.kind) == (proven.host, proven.kind)]
            if len(alike) > KEPT:
                removed = self.vault.retain(KEPT, needed_runs=self._needed_runs(), needed_ids={proven.id})
                _LOG.info("%d old backups removed", len(removed))

    def _needed_runs(self) -> set[str]:
        """The newest run, which may yet be undone, and every run that has not come to a good end."""
        if self._journal is None:
            return {backup.run for backup in self.vault.list() if backup.run is not None}
        runs = self._journal.runs()
        ended = {
            run
            for run in runs
            if RunHistory.read(self._journal, run).view().state in (RunState.DONE, RunState.ROLLED_BACK)
        }
        return {run for run in runs if run not in ended} | set(runs[:1])

    def read(self, backup: Backup) -> ConfigurationSet:
        """The set in a backup, its ciphertext compared with the hash in the journal first."""
        return self.vault.read(backup, self.identity(), expected_sha256=self.expected_hash(backup))

    def of_run(self, host: str, kind: Kind, run: str, *, latest: bool = False) -> Backup | None:
        """The first (or latest) backup of this kind that the run made of a host and that the journal remembers."""
        made = [
            backup
            for backup in self.vault.list()
            if (backup.host, backup.kind, backup.run) == (host, kind, run) and self.expected_hash(backup) is not None
        ]
        made.sort(key=lambda backup: backup.created, reverse=latest)
        return made[0] if made else None

    def read_before(self, host: str, run: str) -> ConfigurationSet | None:
        """What a host had before the run changed it; None when the run made no such backup.

        The latest counts: none is made any more once the run has taken the host.
        """
        backup = self.of_run(host, "before", run, latest=True)
        return self.read(backup) if backup is not None else None


def same_bytes(a: ConfigurationSet, b: ConfigurationSet) -> bool:
    """Whether two sets have the same files with the same bytes."""
    return {path: file.data for path, file in a.files.items()} == {path: file.data for path, file in b.files.items()}
