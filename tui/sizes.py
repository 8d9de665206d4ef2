"""How numbers of bytes and of things are told, everywhere the same."""

from __future__ import annotations


def told_size(count: int) -> str:
    """A number of bytes in the largest decimal unit that keeps it above one: `312 B`, `1.7 kB`, `23 MB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 999.5:
            return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"
    return f"{amount / 1000:.0f} PB"


def told_count(number: int, noun: str) -> str:
    """`1 host`, `3 hosts`."""
    return f"{number} {noun if number == 1 else noun + 's'}"
