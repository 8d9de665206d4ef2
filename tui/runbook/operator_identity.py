"""The operator's age identity in one front: made, opened once, and kept in memory."""

from __future__ import annotations

import getpass
import os
import socket
import threading
from pathlib import Path

from pydantic import SecretStr

from tui.errors import OperatorError
from tui.remote.secrets import Secrets
from tui.vault.identity import Identity, create_identity, unlock


def operator_name() -> str:
    """Who is at work, for journal, locks and backups: `alice@jumpbox`, the person behind sudo rather than root."""
    person = os.environ.get("SUDO_USER") or getpass.getuser()
    return f"{person}@{socket.gethostname()}"


class OperatorIdentity:
    """The identity in `file`, opened with the passphrase among `secrets`. Safe for several threads."""

    def __init__(self, file: Path, secrets: Secrets) -> None:
        self.file = file
        self._secrets = secrets
        self._opened: Identity | None = None
        self._lock = threading.RLock()

    def passphrase(self) -> str | None:
        """The passphrase when it came with the secrets document or the keyring, or has been typed already."""
        return self._secrets.vault_passphrase()

    def create(self, passphrase: str) -> str:
        """Make the identity, which stays open for this session; returns its recipient."""
        return self._keep(create_identity(self.file, passphrase), passphrase).recipient

    def unlock(self, passphrase: str) -> Identity:
        """Open the identity for this session. Raises VaultError on a wrong passphrase."""
        return self._keep(unlock(self.file, passphrase), passphrase)

    def _keep(self, identity: Identity, passphrase: str) -> Identity:
        with self._lock:
            self._opened = identity
            self._secrets.vault.passphrase = SecretStr(passphrase)
        return identity

    def unlocked(self) -> Identity:
        """The identity; raises OperatorError when nobody has given the passphrase yet."""
        with self._lock:
            if self._opened is not None:
                return self._opened
            passphrase = self.passphrase()
            if passphrase is None:
                raise OperatorError(
                    "the vault is locked",
                    meaning="a backup that cannot be decrypted proves nothing",
                    remedy="unlock your identity with its passphrase first",
                )
            return self.unlock(passphrase)
