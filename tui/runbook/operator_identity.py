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
        """Make the identity; returns its recipient."""
        recipient = create_identity(self.file, passphrase)
        self._secrets.vault.passphrase = SecretStr(passphrase)
        return recipient

    def unlock(self, passphrase: str) -> Identity:
        """Open the identity for this session. Raises VaultError on a wrong passphrase."""
        opened = unlock(self.file, passphrase)
        with self._lock:
            self._opened = opened
            self._secrets.vault.passphrase = SecretStr(passphrase)
        return opened

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
