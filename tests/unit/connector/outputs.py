"""Troubleshooter outputs as v6 and v7 write them, put together from the table of CONNECTOR.md."""

from __future__ import annotations

from collections.abc import Iterable

AUTH0 = ("✭ Testing connectivity to Auth0...", "✔ Connection to test endpoint succeeded.")
HUB = ("✭ Testing hub connectivity (WS).", "✔ Connection to hub succeeded.")
CLOCK = ("✭ Testing clock skew...", "✔ Everything OK. No clock skew detected.")
CERTIFICATES = ("✭ Testing certificates...", "✔ Local and server certificates match.")
NLTEST = ("✭ Running NLTEST...", "NLTEST can only run on Windows.")
LDAPS = ("✭ Testing SSL connectivity to LDAP.", "✔ Connection to LDAP succeeded.")
LDAPS_SILENT = ("✭ Testing SSL connectivity to LDAP.",)
LDAP = ("✭ Testing LDAP connectivity.", "  > Found user: Jane Doe", "  > Found user: John Roe", "end")
DONE = ("Done!",)
GOOD = (*AUTH0, *HUB, *CLOCK, *CERTIFICATES, *NLTEST, *LDAPS, *LDAP, *DONE)

LEVELS = {"✖": "error", "×": "error", "end": "info"}


def v6(lines: Iterable[str]) -> str:
    """The lines as v6 writes them; one that begins with `|` stands alone (a stack trace)."""
    written = []
    for number, line in enumerate(lines):
        if line.startswith("|"):
            written.append(line[1:])
        else:
            written.append(f"10:15:{number:02d} - {LEVELS.get(line[:1], 'info')}: {line}")
    return "\n".join(written) + "\n"


def v7(lines: Iterable[str]) -> str:
    """The same without levels."""
    return "".join(f"10:15:{number:02d} - {line}\n" for number, line in enumerate(lines))


def windows(text: str) -> str:
    """With the marks of a Windows console."""
    return text.replace("✭", "*").replace("✔", "√").replace("✖", "×")


STACK = (
    "|Error: connect ECONNREFUSED 10.0.0.5:389",
    "|    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1555:16) {",
    "|  errno: -111,",
    "|  code: 'ECONNREFUSED'",
    "|}",
)
