"""Security descriptors in SDDL: what an account's SIDs are allowed by one."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

READ_DATA, WRITE_DATA, APPEND_DATA = 0x1, 0x2, 0x4
"""On a directory: list, create files, create directories."""

_ALL, _READ, _WRITE, _EXECUTE = 0x1F01FF, 0x120089, 0x120116, 0x1200A0
_LETTERS = {
    "FA": _ALL,
    "GA": _ALL,
    "FR": _READ,
    "GR": _READ,
    "FW": _WRITE,
    "GW": _WRITE,
    "FX": _EXECUTE,
    "GX": _EXECUTE,
    "CC": 0x1,
    "DC": 0x2,
    "LC": 0x4,
    "SW": 0x8,
    "RP": 0x10,
    "WP": 0x20,
    "DT": 0x40,
    "LO": 0x80,
    "CR": 0x100,
    "SD": 0x10000,
    "RC": 0x20000,
    "WD": 0x40000,
    "WO": 0x80000,
}
_GENERIC = {0x10000000: _ALL, 0x20000000: _EXECUTE, 0x40000000: _WRITE, 0x80000000: _READ}
_ALIASES = {
    "SY": "S-1-5-18",
    "LS": "S-1-5-19",
    "NS": "S-1-5-20",
    "BA": "S-1-5-32-544",
    "BU": "S-1-5-32-545",
    "BG": "S-1-5-32-546",
    "PU": "S-1-5-32-547",
    "WD": "S-1-1-0",
    "AU": "S-1-5-11",
    "SU": "S-1-5-6",
    "IU": "S-1-5-4",
    "NU": "S-1-5-2",
    "AN": "S-1-5-7",
    "CO": "S-1-3-0",
    "CG": "S-1-3-1",
    "OW": "S-1-3-4",
    "AC": "S-1-15-2-1",
}
_ACE = re.compile(r"\(([^()]*)\)")
_ALLOW, _DENY = "A", "D"


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of an ACL that allows or denies. `flags` are SDDL's two-letter words; `sid` is written out."""

    allows: bool
    flags: frozenset[str]
    rights: int
    sid: str


def discretionary(sddl: str) -> tuple[Ace, ...] | None:
    """The entries of the DACL in their order; None when there is no DACL, so that everybody may do everything."""
    text = _dacl(sddl)
    if text is None or "NO_ACCESS_CONTROL" in text.partition("(")[0]:
        return None
    found = []
    for entry in _ACE.findall(text):
        fields = entry.split(";")
        if len(fields) < 6 or fields[0] not in (_ALLOW, _DENY):
            continue
        flags = frozenset(fields[1][i : i + 2] for i in range(0, len(fields[1]), 2))
        found.append(Ace(fields[0] == _ALLOW, flags, _rights(fields[2]), _ALIASES.get(fields[5], fields[5])))
    return tuple(found)


def allowed(sddl: str, rights: int, sids: Collection[str]) -> bool:
    """Whether somebody with these SIDs gets all of `rights` on what has this descriptor.

    As Windows decides: the entries in their order, until each right has been allowed or one was denied.
    """
    entries = discretionary(sddl)
    if entries is None:
        return True
    return _decide([entry for entry in entries if "IO" not in entry.flags], rights, sids)


def allowed_by_inheritance(sddl: str, rights: int, sids: Collection[str], *, directory: bool = False) -> bool:
    """The same for a file (or `directory`) that is to be created in the directory which has this descriptor."""
    entries = discretionary(sddl)
    if entries is None:
        return True
    wanted = "CI" if directory else "OI"
    return _decide([entry for entry in entries if wanted in entry.flags], rights, sids)


def _decide(entries: list[Ace], rights: int, sids: Collection[str]) -> bool:
    missing = rights
    for entry in entries:
        if entry.sid not in sids:
            continue
        if not entry.allows and entry.rights & missing:
            return False
        if entry.allows:
            missing &= ~entry.rights
        if not missing:
            return True
    return not missing


def _dacl(sddl: str) -> str | None:
    """What stands behind `D:`, up to the next part."""
    outside = _ACE.sub(lambda found: "\0" * len(found.group()), sddl)
    begin = outside.find("D:")
    if begin < 0:
        return None
    end = outside.find("S:", begin + 2)
    return sddl[begin + 2 : end if end >= 0 else len(sddl)]


def _rights(text: str) -> int:
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+", text):
        number = int(text, 0)
        for generic, meant in _GENERIC.items():
            number |= meant if number & generic else 0
        return number
    total = 0
    for at in range(0, len(text), 2):
        total |= _LETTERS.get(text[at : at + 2], 0)
    return total
