"""An age identity whose passphrase costs milliseconds instead of seconds, for tests that are not about passphrases.

Written from the age format's description: a scrypt stanza, a header MAC, and one ChaCha20-Poly1305 chunk.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

import pyrage
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_WORK_FACTOR = 2


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def _derived(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def write_cheap_identity(path: Path, passphrase: str) -> str:
    """Make an identity file that the vault opens with `passphrase`; returns its recipient."""
    identity = pyrage.x25519.Identity.generate()
    file_key, salt, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = hashlib.scrypt(
        passphrase.encode(), salt=b"age-encryption.org/v1/scrypt" + salt, n=2**_WORK_FACTOR, r=8, p=1, dklen=32
    )
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    header = f"age-encryption.org/v1\n-> scrypt {_text(salt)} {_WORK_FACTOR}\n{_text(wrapped)}\n---".encode("ascii")
    mac = hmac.digest(_derived(file_key, b"", b"header"), header, "sha256")
    chunk = ChaCha20Poly1305(_derived(file_key, nonce, b"payload"))
    payload = chunk.encrypt(bytes(11) + b"\x01", f"{identity}\n".encode("ascii"), None)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(header + b" " + _text(mac).encode("ascii") + b"\n" + nonce + payload)
    return str(identity.to_public())
