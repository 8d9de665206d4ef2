"""Who can open a backup: age x25519 recipients."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tui.vault.errors import VaultError, VaultFailure

_SHAPE = re.compile(r"age1[0-9a-z]{58}")
_OTHER_KINDS = ("ssh-", "age1yubikey1", "age1pq1", "age1tag1", "age1tagpq1")
"""Each up to the 1 that ends a kind's name: no other 1 can occur, so that a key of the supported kind never begins so."""

EXPECTED = "an age x25519 recipient: age1 and 58 lower-case letters and digits, the public key that age-keygen prints"


def recipient_problem(text: str) -> str | None:
    """Why `text` is no recipient, without repeating it; None when it is one."""
    import pyrage

    if text.upper().startswith("AGE-SECRET-KEY-"):
        return "this is a secret key, not a recipient: it now counts as disclosed"
    if text.startswith(_OTHER_KINDS):
        return "only x25519 recipients (age1…) are supported"
    if not _SHAPE.fullmatch(text):
        return "this is no age recipient"
    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return "its checksum is wrong: a character was mistyped or lost"
    return None


def check_recipients(recipients: Iterable[str]) -> tuple[str, ...]:
    """The recipients, blanks trimmed and repetitions dropped, in their order.

    Raises VaultError when one of them is none, or when there is none at all.
    """
    checked: list[str] = []
    for index, text in enumerate(recipients, start=1):
        recipient = text.strip()
        if problem := recipient_problem(recipient):
            raise VaultError(
                f"recipient {index}: {problem}",
                reason=VaultFailure.BAD_RECIPIENT,
                meaning="nothing was encrypted",
                remedy=f"give {EXPECTED}",
            )
        if recipient not in checked:
            checked.append(recipient)
    if not checked:
        raise VaultError(
            "there is no recipient to encrypt backups to",
            reason=VaultFailure.BAD_RECIPIENT,
            meaning="a backup without a recipient could never be opened",
            remedy="create an identity, or name recipients under [vault] in the cluster file; two are recommended",
        )
    return tuple(checked)
