"""A process of its own that seals or opens a few bytes with a passphrase, then ends.

age's passphrase mode takes seconds and half a gigabyte and holds the interpreter lock all the while, so a program with
a screen must not do it itself. Run as a file, `passphrase_worker.py seal|open`: standard input is the passphrase's
length (4 bytes, big-endian), the passphrase, and the data; standard output is the result. The exit status says why
there is none. The passphrase is never in an argument, in the environment or on disk.
"""

from __future__ import annotations

import resource
import sys

WRONG_PASSPHRASE = 3
NOT_PASSPHRASE = 4
DAMAGED = 5
TOO_HARD = 6
LENGTH_BYTES = 4


def request(passphrase: str, data: bytes) -> bytes:
    """What the worker reads."""
    secret = passphrase.encode()
    return len(secret).to_bytes(LENGTH_BYTES, "big") + secret + data


def _main() -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import pyrage

    received = sys.stdin.buffer.read()
    end = LENGTH_BYTES + int.from_bytes(received[:LENGTH_BYTES], "big")
    passphrase, data = received[LENGTH_BYTES:end].decode(), received[end:]
    try:
        if sys.argv[1] == "seal":
            result = pyrage.passphrase.encrypt(data, passphrase)
        else:
            result = pyrage.passphrase.decrypt(data, passphrase)
    except pyrage.DecryptError as error:
        return _meaning(str(error))
    sys.stdout.buffer.write(result)
    return 0


def _meaning(message: str) -> int:
    if message.startswith("Excessive work"):
        return TOO_HARD
    return {"Decryption failed": WRONG_PASSPHRASE, "No matching keys found": NOT_PASSPHRASE}.get(message, DAMAGED)


if __name__ == "__main__":
    sys.exit(_main())
