"""The accounts of one Windows host: names, SIDs, and what an administrator's token holds."""

from __future__ import annotations

import hashlib
import random
import struct

_ALIASES = {
    "SY": ("S-1-5-18", "NT AUTHORITY\\SYSTEM"),
    "BA": ("S-1-5-32-544", "BUILTIN\\Administrators"),
    "BU": ("S-1-5-32-545", "BUILTIN\\Users"),
    "LS": ("S-1-5-19", "NT AUTHORITY\\LOCAL SERVICE"),
    "NS": ("S-1-5-20", "NT AUTHORITY\\NETWORK SERVICE"),
    "AU": ("S-1-5-11", "NT AUTHORITY\\Authenticated Users"),
    "SU": ("S-1-5-6", "NT AUTHORITY\\SERVICE"),
    "WD": ("S-1-1-0", "Everyone"),
    "CO": ("S-1-3-0", "CREATOR OWNER"),
}
_SERVICE_ACCOUNTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "localsystem": ("SY", ("BA",)),
    "system": ("SY", ("BA",)),
    "localservice": ("LS", ("BU",)),
    "networkservice": ("NS", ("BU",)),
}


class Accounts:
    """Who there is: the well-known accounts, and one local administrator, `user`."""

    def __init__(self, computer: str, user: str) -> None:
        self.computer, self.user = computer, user
        parts = "-".join(str(random.randrange(1 << 28, 1 << 32)) for _ in range(3))
        self.user_sid = f"S-1-5-21-{parts}-1001"
        self.primary_group = f"S-1-5-21-{parts}-513"
        self._names = {
            self.user_sid: f"{computer}\\{user}",
            self.primary_group: f"{computer}\\None",
            **{name: account for name, (_, account) in _ALIASES.items()},
        }

    def name(self, sid: str) -> str:
        """The account of a SID or alias; the SID itself when nobody has it."""
        return self._names.get(sid, sid)

    def qualified(self, user: str) -> str:
        """The full name of a local account that logged in as `user`."""
        return f"{self.computer}\\{user.rpartition(chr(92))[2]}"

    def of_operator(self) -> frozenset[str]:
        """The SIDs, as SDDL writes them, in an elevated administrator's token."""
        return frozenset({self.user_sid, self.primary_group, "BA", "BU", "AU", "WD"})

    def sids_of(self, account: str) -> list[str]:
        """The SIDs of a service that runs as an account: its own and its groups'. Empty when there is no such account."""
        name = account.casefold().removeprefix(".\\").removeprefix(f"{self.computer.casefold()}\\")
        own, groups = _SERVICE_ACCOUNTS.get(name.rpartition("\\")[2].replace(" ", ""), ("", ()))
        if name.startswith("nt service\\"):
            digest = hashlib.sha1(name.partition("\\")[2].upper().encode("utf-16-le"), usedforsecurity=False).digest()
            own = "S-1-5-80-" + "-".join(str(part) for part in struct.unpack("<5I", digest))
            groups = ("BU", "S-1-5-80-0")
        elif name == self.user.casefold():
            own, groups = self.user_sid, ("BU", "BA")
        if not own:
            return []
        return [_ALIASES[sid][0] if sid in _ALIASES else sid for sid in (own, "WD", "AU", "SU", *groups)]
