"""The operator's identity in one process: its passphrase is worked on once, since that takes seconds."""

from __future__ import annotations

from pathlib import Path

import pyrage

from tui.remote.secrets import Secrets
from tui.runbook.operator_identity import OperatorIdentity


def test_an_identity_that_was_just_made_is_open(tmp_path: Path) -> None:
    file = tmp_path / "identity.age"
    identity = OperatorIdentity(file, Secrets())
    recipient = identity.create("correct horse battery")
    assert file.stat().st_mode & 0o777 == 0o600
    file.unlink()
    ciphertext = pyrage.encrypt(b"a set", [pyrage.x25519.Recipient.from_str(recipient)])
    assert identity.unlocked().decrypt(ciphertext) == b"a set"
    assert identity.passphrase() == "correct horse battery"
