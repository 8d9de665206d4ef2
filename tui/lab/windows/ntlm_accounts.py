"""The accounts that pyspnego's NTLM acceptor checks passwords against.

It reads them from the file that `NTLM_USER_FILE` names, one file a process, whereas each server of the lab has accounts of
its own. So one file is made for the process, which holds a server's accounts only while that server checks one login. Where
the system has anonymous files it lies on no disk; elsewhere it is a 0600 file of the temporary directory, empty between
logins. It holds NT hashes, not passwords. The variable is left set, because taking it back would race with other threads.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from spnego._ntlm_raw.crypto import ntowfv1

_lock = threading.Lock()
_made: tuple[int, int, str] | None = None
"""The process that made the file, its descriptor and its path."""


@contextmanager
def known_to_ntlm(accounts: Mapping[str, str], host_name: str) -> Iterator[None]:
    """Let NTLM acceptors of this process know `accounts` (user to password) for as long as the block runs.

    `user` may be a local account, which is then also known as `.\\user` and `HOST\\user`, or `DOMAIN\\user`, or `user@domain`.
    """
    lines = "".join(_lines(user, password, host_name) for user, password in accounts.items())
    with _lock:
        descriptor, path = _file()
        os.environ["NTLM_USER_FILE"] = path
        os.pwrite(descriptor, lines.encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)


def account_of(accounts: Mapping[str, str], name: str, host_name: str) -> str | None:
    """How `accounts` writes the account that a client calls `name`, or None."""
    wanted = name.casefold()
    for user in accounts:
        if wanted in {form.casefold() for form in _forms(user, host_name)}:
            return user
    return None


def _forms(user: str, host_name: str) -> tuple[str, ...]:
    if "\\" in user or "@" in user:
        return (user,)
    return (user, f".\\{user}", f"{host_name}\\{user}")


def _lines(user: str, password: str, host_name: str) -> str:
    nt_hash = ntowfv1(password).hex()
    return "".join(f"{form}:0:{'0' * 32}:{nt_hash}:[U]:LCT-0\n" for form in _forms(user, host_name))


def _file() -> tuple[int, str]:
    global _made
    if _made is None or _made[0] != os.getpid():
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("adldap-ha-lab-accounts", os.MFD_CLOEXEC)
            path = f"/proc/self/fd/{descriptor}"
        else:
            descriptor, path = tempfile.mkstemp(prefix="adldap-ha-lab-")
            atexit.register(_remove, path)
        _made = (os.getpid(), descriptor, path)
    return _made[1], _made[2]


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
