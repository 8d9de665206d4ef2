"""Security descriptors in SDDL: read, written, inherited by a new child, and asked what they grant.

Left out: audit entries, object and conditional entries, generic rights kept unmapped, and privileges that override a DACL.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

READ, WRITE, DELETE_CHILD, DELETE, READ_CONTROL = 0x1, 0x2, 0x40, 0x10000, 0x20000
FULL = 0x1F01FF

_RIGHTS = {
    "FA": FULL, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0, "GA": FULL, "GR": 0x120089, "GW": 0x120116, "GX": 0x1200A0,
    "RC": READ_CONTROL, "SD": DELETE, "WD": 0x40000, "WO": 0x80000, "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10,
    "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
}  # fmt: skip
_FLAGS = ("OI", "CI", "NP", "IO", "ID")
_WHOLE = re.compile(r"O:(?P<owner>[\w-]+)G:(?P<group>[\w-]+)D:(?P<control>[A-Z]*)(?P<aces>(?:\([^()]*\))*)")
_CREATOR = "CO"


@dataclass(frozen=True)
class Ace:
    """One entry: `kind` is A or D, `flags` how it is inherited, `sid` a SID or its two-letter alias."""

    kind: str
    flags: tuple[str, ...]
    rights: str
    sid: str

    @property
    def mask(self) -> int:
        """The rights as bits."""
        if self.rights.lower().startswith("0x"):
            return int(self.rights, 16)
        return sum({_RIGHTS[self.rights[at : at + 2]] for at in range(0, len(self.rights), 2)})

    def __str__(self) -> str:
        return f"({self.kind};{''.join(self.flags)};{self.rights};;;{self.sid})"


@dataclass(frozen=True)
class Descriptor:
    """Owner, group and DACL. `control` is P (nothing is inherited), AI (something was) or both."""

    owner: str
    group: str
    control: str
    aces: tuple[Ace, ...]

    def __str__(self) -> str:
        return f"O:{self.owner}G:{self.group}D:{self.control}{''.join(map(str, self.aces))}"

    @property
    def protected(self) -> bool:
        """Whether it takes nothing from the folder above."""
        return "P" in self.control


def parse(text: str) -> Descriptor:
    """A descriptor from its SDDL. Raises ValueError."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ValueError(f"not a security descriptor: {text}")
    aces = tuple(_ace(part) for part in re.findall(r"\(([^()]*)\)", found["aces"]))
    return Descriptor(found["owner"], found["group"], found["control"], aces)


def _ace(text: str) -> Ace:
    parts = text.split(";")
    if len(parts) != 6 or parts[0] not in ("A", "D"):
        raise ValueError(f"not an access control entry: ({text})")
    flags = tuple(parts[1][at : at + 2] for at in range(0, len(parts[1]), 2))
    made = Ace(parts[0], flags, parts[2], parts[5])
    try:
        known = made.mask >= 0 and set(flags) <= set(_FLAGS)
    except (KeyError, ValueError):
        known = False
    if not known or not made.sid:
        raise ValueError(f"not an access control entry: ({text})")
    return made


def inherited(parent: Descriptor, *, directory: bool, owner: str, group: str) -> Descriptor:
    """What a new child of a folder gets when nothing else is asked for."""
    return Descriptor(owner, group, "AI", tuple(_passed_on(parent.aces, directory, owner)))


def refreshed(child: Descriptor, parent: Descriptor, *, directory: bool) -> Descriptor:
    """An existing child after its folder's DACL has changed: its own entries, then those that are inherited now."""
    if child.protected:
        return child
    own = tuple(ace for ace in child.aces if "ID" not in ace.flags)
    return replace(child, control="AI", aces=own + tuple(_passed_on(parent.aces, directory, child.owner)))


def _passed_on(aces: Sequence[Ace], directory: bool, owner: str) -> list[Ace]:
    made: list[Ace] = []
    for ace in aces:
        flags = set(ace.flags)
        if not flags & ({"OI", "CI"} if directory else {"OI"}):
            continue
        effective = replace(ace, sid=owner, rights=_specific(ace.rights)) if ace.sid == _CREATOR else ace
        if not directory:
            made.append(replace(effective, flags=("ID",)))
            continue
        further = [] if "NP" in flags else [flag for flag in ("OI", "CI") if flag in flags]
        if "CI" not in flags:
            made.append(replace(ace, flags=("OI", "IO", "ID")))
        elif ace.sid == _CREATOR:
            made += [replace(effective, flags=("ID",)), replace(ace, flags=(*further, "IO", "ID"))]
        else:
            made.append(replace(ace, flags=(*further, "ID")))
    return list(dict.fromkeys(made))


def _specific(rights: str) -> str:
    return rights.replace("GA", "FA").replace("GR", "FR").replace("GW", "FW").replace("GX", "FX")


def grants(descriptor: Descriptor, sids: Collection[str], wanted: int) -> bool:
    """Whether somebody with these SIDs has every bit of `wanted`; entries count in their order."""
    left = wanted
    for ace in descriptor.aces:
        if "IO" in ace.flags or ace.sid not in sids:
            continue
        if ace.kind == "D" and ace.mask & left:
            return False
        if ace.kind == "A":
            left &= ~ace.mask
        if not left:
            return True
    return not left
