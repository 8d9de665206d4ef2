"""The encrypted LDAP password of a v6 set, and the proof that the key in the set opens it.

Two forms are known: `$2$.SALT.IV.CIPHERTEXT` in hex (AES-256-CBC, key by scrypt from the bytes of cert.key) and, older,
bare hex (AES-256-CBC, key and IV by OpenSSL's EVP_BytesToKey with MD5, one round, no salt).
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata

from tui.connector.errors import CertificateError

_PREFIX = "$2$."
_BLOCK = 16
_KEY = 32


def decrypts(credentials: str, key: bytes) -> bool:
    """Whether `credentials` opens with the bytes of cert.key to something that can be a password.

    Padding and UTF-8 must both be right, so a wrong key is recognised. The password itself is never returned.
    """
    try:
        plain = _open(credentials.strip(), key)
        text = plain.decode("utf-8")
    except ValueError:
        return False
    return all(character == "\t" or unicodedata.category(character) not in ("Cc", "Cn", "Cs") for character in text)


def encrypt(plaintext: str, key: bytes) -> str:
    """`plaintext` in the `$2$.` form, openable with the bytes of cert.key."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7

    salt, iv = secrets.token_bytes(16), secrets.token_bytes(_BLOCK)
    padder = PKCS7(8 * _BLOCK).padder()
    padded = padder.update(plaintext.encode("utf-8")) + padder.finalize()
    encryptor = Cipher(AES(_scrypt(key, salt)), CBC(iv)).encryptor()
    return f"{_PREFIX}{salt.hex()}.{iv.hex()}.{(encryptor.update(padded) + encryptor.finalize()).hex()}"


def reencrypted(credentials: str, key: bytes, new_key: bytes) -> str:
    """The same password, openable with the bytes of another cert.key. It is in clear in memory only. Raises CertificateError when
    `key` does not open `credentials`."""
    if not decrypts(credentials, key):
        raise CertificateError(
            "the encrypted LDAP password does not open with cert.key",
            meaning="it cannot be encrypted anew",
            remedy="restore cert.key byte for byte from a backup, or enter the LDAP password again on the first host",
        )
    return encrypt(_open(credentials.strip(), key).decode("utf-8"), new_key)


def _open(credentials: str, key: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC
    from cryptography.hazmat.primitives.padding import PKCS7

    secret, iv, ciphertext = _parts(credentials, key)
    if len(iv) != _BLOCK or not ciphertext or len(ciphertext) % _BLOCK:
        raise ValueError("no whole AES blocks")
    decryptor = Cipher(AES(secret), CBC(iv)).decryptor()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()


def _parts(credentials: str, key: bytes) -> tuple[bytes, bytes, bytes]:
    """AES key, IV and ciphertext."""
    if credentials.startswith(_PREFIX):
        salt, iv, ciphertext = (bytes.fromhex(part) for part in credentials[len(_PREFIX) :].split("."))
        return _scrypt(key, salt), iv, ciphertext
    secret, iv = _bytes_to_key(key)
    return secret, iv, bytes.fromhex(credentials)


def _scrypt(key: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(key, salt=salt, n=16384, r=8, p=1, maxmem=64 << 20, dklen=_KEY)


def _bytes_to_key(password: bytes) -> tuple[bytes, bytes]:
    derived = block = b""
    while len(derived) < _KEY + _BLOCK:
        block = hashlib.md5(block + password, usedforsecurity=False).digest()
        derived += block
    return derived[:_KEY], derived[_KEY : _KEY + _BLOCK]
