"""What can go wrong with a backup or with the identity that opens it."""

from __future__ import annotations

from enum import StrEnum

from tui.errors import OperatorError


class VaultFailure(StrEnum):
    """Why a vault operation failed, for code to branch on."""

    WRONG_PASSPHRASE = "wrong_passphrase"
    WRONG_IDENTITY = "wrong_identity"
    """The backup is intact and was made for other recipients."""
    BAD_IDENTITY = "bad_identity"
    """The identity file is no passphrase-protected age identity, or is damaged."""
    BAD_RECIPIENT = "bad_recipient"
    DAMAGED = "damaged"
    """The bytes are not those that were written."""
    REPLACED = "replaced"
    """The backup is not the one that the journal remembers."""
    UNSAFE = "unsafe"
    """What is inside is no archive of this program, or one made to do harm."""
    MISSING = "missing"
    EXISTS = "exists"
    STORAGE = "storage"
    """The jump box could not read or write: no space, no permission, no memory."""


class VaultError(OperatorError):
    """A vault operation failed; `reason` says why. Never holds a secret."""

    def __init__(self, summary: str, *, reason: VaultFailure, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.reason = reason
