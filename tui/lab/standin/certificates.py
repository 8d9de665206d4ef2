"""The connector's key pair and its encrypted LDAP password."""

from __future__ import annotations

import base64
import datetime
import hashlib
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID


def generate_pair(name: str, *, now: datetime.datetime | None = None, days: int = 365) -> tuple[bytes, bytes]:
    """A new self-signed certificate for `name` and its key, both PEM with CRLF line ends, as the connector writes them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return certificate_for(key_pem, name, now=now, days=days), _crlf(key_pem)


def certificate_for(key_pem: bytes, name: str, *, now: datetime.datetime | None = None, days: int = 365) -> bytes:
    """A new self-signed certificate for `name` and a key that is there already."""
    key = _private_key(key_pem)
    assert isinstance(key, rsa.RSAPrivateKey)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    start = now or datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - datetime.timedelta(minutes=1))
        .not_valid_after(start + datetime.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return _crlf(certificate.public_bytes(serialization.Encoding.PEM))


def _crlf(pem: bytes) -> bytes:
    return pem.replace(b"\n", b"\r\n")


def thumbprint(certificate: bytes) -> str:
    """The lower-case hex SHA-1 of a PEM certificate's DER."""
    loaded = x509.load_pem_x509_certificate(certificate)
    return loaded.fingerprint(hashes.SHA1()).hex()


def _private_key(pem: bytes) -> object:
    # Proving an RSA key sound takes ten times as long as all else that an agent does at its start. Debian's older library cannot do without.
    try:
        return serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return serialization.load_pem_private_key(pem, password=None)


def sign(key: bytes, message: bytes) -> str:
    """A base64 signature of `message` by a PEM private key. Raises ValueError when the key is unusable."""
    loaded = _private_key(key)
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise ValueError("not an RSA key")
    return base64.b64encode(loaded.sign(message, rsa_padding.PKCS1v15(), hashes.SHA256())).decode("ascii")


def verify(certificate: bytes, signature: str, message: bytes) -> bool:
    """Whether `signature` was made by the key of this PEM certificate."""
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        if not isinstance(public, rsa.RSAPublicKey):
            return False
        public.verify(base64.b64decode(signature), message, rsa_padding.PKCS1v15(), hashes.SHA256())
    except Exception:
        return False
    return True


def encrypt_password(password: str, key: bytes) -> str:
    """The v6 form `$2$.salt.iv.ciphertext` (hex) of a password, with a key derived from the bytes of cert.key."""
    salt, iv = os.urandom(16), os.urandom(16)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(password.encode("utf-8")) + padder.finalize()
    encryptor = Cipher(algorithms.AES(_derive(key, salt)), modes.CBC(iv)).encryptor()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return f"$2$.{salt.hex()}.{iv.hex()}.{ciphertext.hex()}"


def decrypt_password(credentials: str, key: bytes) -> str:
    """The password again. Raises ValueError when the key is not the one that it was encrypted with."""
    try:
        if credentials.startswith("$2$."):
            salt, iv, ciphertext = (bytes.fromhex(part) for part in credentials[4:].split("."))
            secret = _derive(key, salt)
        else:
            ciphertext = bytes.fromhex(credentials)
            secret, iv = _derive_without_salt(key)
        decryptor = Cipher(algorithms.AES(secret), modes.CBC(iv)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode("utf-8")
    except ValueError:
        raise ValueError("bad decrypt") from None


def _derive(key: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(key, salt=salt, n=16384, r=8, p=1, dklen=32)


def _derive_without_salt(key: bytes) -> tuple[bytes, bytes]:
    material = block = b""
    while len(material) < 48:
        block = hashlib.md5(block + key, usedforsecurity=False).digest()
        material += block
    return material[:32], material[32:48]
