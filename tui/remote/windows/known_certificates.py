"""The TLS certificates that an operator has confirmed: one line each, `ADDRESS:PORT SHA256 FINGERPRINT`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from pathlib import Path

from tui.errors import OperatorError

_LINE = re.compile(r"(\S+) SHA256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})")


def fingerprint(certificate: bytes) -> str:
    """The upper-case hex SHA-256 of a DER certificate, in pairs joined by `:`."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def place(address: str, port: int) -> str:
    """The name by which the file knows a listener."""
    shown = f"[{address}]" if ":" in address else address
    return f"{shown.lower()}:{port}"


def confirmed(file: Path, address: str, port: int) -> str | None:
    """The fingerprint that was confirmed last for a listener; None when there is none.

    Damaged lines are passed over. Raises OperatorError when the file cannot be read.
    """
    try:
        text = file.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OperatorError(
            f"the file of confirmed certificates {file} cannot be read: {error.strerror}",
            meaning="no host's certificate can be compared with the one confirmed before",
            remedy=f"make {file} readable for this account",
        ) from None
    return _last(text, place(address, port))


def _last(text: str, name: str) -> str | None:
    found = [match[2] for line in text.split("\n") if (match := _LINE.fullmatch(line.strip())) and match[1] == name]
    return found[-1] if found else None


def remember(file: Path, address: str, port: int, certificate: bytes) -> None:
    """Append a confirmed certificate (DER) to `file`, under a lock, keeping everything in it; created 0600 when absent.

    One that is known already is not added again. Raises OperatorError when the file cannot be written.
    """
    name = place(address, port)
    shown = fingerprint(certificate)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "r+b", buffering=0) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            present = handle.read()
            if _last(present.decode("utf-8", "replace"), name) == shown:
                return
            start = "" if not present or present.endswith(b"\n") else "\n"
            handle.write(f"{start}{name} SHA256 {shown}\n".encode())
            os.fsync(handle.fileno())
    except OSError as error:
        raise OperatorError(
            f"the certificate of {address} cannot be kept in {file}: {error.strerror}",
            meaning="it will have to be confirmed again",
            remedy=f"make {file} writable for this account",
        ) from None
