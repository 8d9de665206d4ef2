"""The operator's age identity: made once, kept encrypted with a passphrase, held in memory while it is needed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from tui.private_files import write_private
from tui.vault import passphrase_worker
from tui.vault.errors import VaultError, VaultFailure

SHORTEST_PASSPHRASE = 8
"""Characters; refused below that when an identity is made, never when one is opened."""

_SECONDS = 180.0
_LARGEST = 1 << 20
_PREFIX = "AGE-SECRET-KEY-"
_AGE_HEADERS = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")


class Identity:
    """One or more x25519 secret keys, in memory only. Printing it shows none of them; it cannot be pickled."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        """`secrets` are AGE-SECRET-KEY-1… texts; raises VaultError when there is none or one is damaged."""
        import pyrage

        try:
            self._keys = [pyrage.x25519.Identity.from_str(secret) for secret in secrets]
        except pyrage.IdentityError as error:
            raise _bad_identity("a secret key in it is damaged") from error
        if not self._keys:
            raise _bad_identity("there is no x25519 secret key in it")

    @classmethod
    def generate(cls) -> Identity:
        """A new identity that exists in memory only."""
        return cls((_new_secret(),))

    @property
    def recipient(self) -> str:
        """The public key (`age1…`) of the first secret key."""
        return str(self._keys[0].to_public())

    @property
    def recipients(self) -> tuple[str, ...]:
        """The public keys of all its secret keys."""
        return tuple(str(key.to_public()) for key in self._keys)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """The plaintext of an age file. Raises VaultError: WRONG_IDENTITY, or DAMAGED."""
        import pyrage

        try:
            plaintext: bytes = pyrage.decrypt(ciphertext, self._keys)
        except pyrage.DecryptError as error:
            if str(error) == "No matching keys found":
                raise VaultError(
                    "this identity cannot open the backup",
                    reason=VaultFailure.WRONG_IDENTITY,
                    meaning=f"it was encrypted to other recipients than {self.recipient}",
                    remedy="unlock the identity of one of the recipients that the backup lists",
                ) from error
            raise VaultError(
                "the backup is damaged: it cannot be decrypted",
                reason=VaultFailure.DAMAGED,
                meaning="its bytes are not those that were written",
                remedy="use another backup, or a copy of this file from elsewhere",
            ) from error
        return plaintext

    def __repr__(self) -> str:
        return f"<Identity of {self.recipient}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an identity stays in the memory of its process")


def create_identity(path: Path, passphrase: str) -> Identity:
    """Make an x25519 identity, encrypt it with `passphrase` into `path` (0600), and return it, open.

    `age -d` opens the file. Takes seconds, in a process of its own. Raises VaultError: EXISTS when there is a file
    already (it is left alone: backups may depend on it), BAD_IDENTITY for a passphrase that is too short.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE or not passphrase.isprintable():
        raise VaultError(
            "this passphrase will not do",
            reason=VaultFailure.BAD_IDENTITY,
            meaning="no identity was made",
            remedy=f"choose at least {SHORTEST_PASSPHRASE} printable characters, better several words",
        )
    if path.exists():
        raise _exists(path)
    secret = _new_secret()
    identity = Identity((secret,))
    made = datetime.now(UTC).isoformat(timespec="seconds")
    text = f"# created: {made}\n# public key: {identity.recipient}\n{secret}\n"
    sealed = _work("seal", passphrase, text.encode(), path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, sealed, replace=False)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise _storage(path, f"the identity could not be written: {error.strerror}") from error
    return identity


def unlock(path: Path, passphrase: str) -> Identity:
    """Open the identity file with `passphrase`. Takes seconds, in a process of its own.

    Reads what create_identity and `age -p` write, with or without armour. Raises VaultError: MISSING,
    WRONG_PASSPHRASE, BAD_IDENTITY, STORAGE.
    """
    try:
        with path.open("rb") as file:
            sealed = file.read(_LARGEST)
    except FileNotFoundError as error:
        raise VaultError(
            f"there is no identity file {path}",
            reason=VaultFailure.MISSING,
            meaning="backups cannot be opened",
            remedy="create an identity, or put the one of a recipient there",
        ) from error
    except OSError as error:
        raise _storage(path, f"the identity could not be read: {error.strerror}") from error
    if not sealed.startswith(_AGE_HEADERS):
        raise _bad_identity(
            "it is not encrypted" if _PREFIX.encode() in sealed else "it is no age file",
            path,
            remedy="protect a bare identity with `age -p`, then remove the bare file",
        )
    text = _work("open", passphrase, sealed, path).decode("ascii", "replace")
    return Identity(tuple(line.strip() for line in text.splitlines() if line.strip().startswith(_PREFIX)))


def _new_secret() -> str:
    import pyrage

    return str(pyrage.x25519.Identity.generate())


def _work(task: str, passphrase: str, data: bytes, path: Path) -> bytes:
    command = [sys.executable, "-P", passphrase_worker.__file__, task]
    try:
        done = subprocess.run(
            command,
            input=passphrase_worker.request(passphrase, data),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _storage(path, f"working on the passphrase took more than {_SECONDS:.0f} s") from None
    except OSError as error:
        raise _storage(path, f"the passphrase worker could not be started: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == passphrase_worker.WRONG_PASSPHRASE:
        raise VaultError(
            "the passphrase is wrong",
            reason=VaultFailure.WRONG_PASSPHRASE,
            tried=f"opened {path}",
            meaning="the identity stays locked and nothing was changed",
            remedy="type it again; if it is certainly right, the file is damaged: put back a copy of it",
        )
    if done.returncode == passphrase_worker.NOT_PASSPHRASE:
        raise _bad_identity("it is not protected by a passphrase, or its first lines are damaged", path)
    if done.returncode == passphrase_worker.TOO_HARD:
        raise _bad_identity(
            "its passphrase was made too laborious to open on this machine",
            path,
            remedy="if nobody tampered with it: open it with `age -d` elsewhere and protect it again with `age -p`",
        )
    if done.returncode == passphrase_worker.DAMAGED:
        raise _bad_identity("it is damaged", path)
    raise _storage(path, f"the passphrase worker ended without a result (status {done.returncode})")


def _exists(path: Path) -> VaultError:
    return VaultError(
        f"there is an identity already: {path}",
        reason=VaultFailure.EXISTS,
        meaning="it was left as it is, since backups may depend on it",
        remedy="unlock it; if its passphrase is lost, move it away and keep it",
    )


def _bad_identity(problem: str, path: Path | None = None, remedy: str | None = None) -> VaultError:
    return VaultError(
        f"the identity file{f' {path}' if path else ''} cannot be used: {problem}",
        reason=VaultFailure.BAD_IDENTITY,
        meaning="backups cannot be opened with it",
        remedy=remedy or "put back a copy of it, or use the identity of another recipient",
    )


def _storage(path: Path, problem: str) -> VaultError:
    return VaultError(
        problem,
        reason=VaultFailure.STORAGE,
        tried=f"worked on {path}",
        remedy="check free memory (0.6 GB for some seconds), space and permissions on this machine, then try again",
    )
