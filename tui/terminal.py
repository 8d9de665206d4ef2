"""What the operator's terminal can show, from its environment alone. Imports nothing of Textual, so it is cheap to ask."""

from __future__ import annotations

import codecs
import locale
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PLAIN_COMMANDS = (
    "adldap-ha status CLUSTER",
    "adldap-ha plan CLUSTER",
    "adldap-ha apply CLUSTER",
    "adldap-ha resume CLUSTER",
    "adldap-ha backup list CLUSTER",
    "adldap-ha report CLUSTER",
    "adldap-ha demo --headless",
)
_SIXTEEN_COLOUR_TERMS = ("linux", "ansi", "cygwin", "xterm-16color", "rxvt", "screen", "xterm", "vt")
_FULL_COLOUR_TERMS = ("256color", "direct", "truecolor", "kitty", "alacritty", "ghostty", "foot", "wezterm")


class Glyphs(StrEnum):
    """Which characters can be drawn.

    `unicode`: everything. `console`: Latin-1 and the few lines and blocks that the Linux console's font holds. `ascii`: ASCII only.
    """

    UNICODE = "unicode"
    CONSOLE = "console"
    ASCII = "ascii"


class Colours(StrEnum):
    """How colour is sent: `full` (256 and more), `sixteen` (the terminal's own palette), `none`."""

    FULL = "full"
    SIXTEEN = "sixteen"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal can show. `light`: its background is light, as far as it tells."""

    glyphs: Glyphs = Glyphs.UNICODE
    colours: Colours = Colours.FULL
    light: bool = False

    @property
    def theme(self) -> str:
        """The name of the theme in tui.theme that suits it."""
        shade = "light" if self.light else "dark"
        return f"adldap-ha-{shade}" if self.colours is Colours.FULL else f"adldap-ha-{shade}-16"


def detect(environment: Mapping[str, str], encoding: str | None = None) -> Terminal:
    """Read `environment` (TERM, COLORTERM, COLORFGBG, NO_COLOR, LC_ALL, LC_CTYPE, LANG) and the output's `encoding`."""
    return Terminal(_glyphs(environment, encoding), _colours(environment), _light(environment))


def output_encoding() -> str:
    """The encoding that whoever reads standard output expects, which in the C locale is not the one that Python writes in."""
    from tui.console import shown_encoding

    return shown_encoding(sys.__stdout__) if sys.__stdout__ is not None else locale.getpreferredencoding(False)


def refusal(environment: Mapping[str, str] | None = None, *, interactive: bool | None = None) -> list[str] | None:
    """Why the wizard cannot be shown on this terminal, and the plain commands to use instead; None when it can.

    `environment` is the process's own by default. `interactive`: standard input and output both are a terminal.
    """
    environment = os.environ if environment is None else environment
    if interactive is None:
        interactive = sys.stdin.isatty() and sys.stdout.isatty()
    term = environment.get("TERM", "")
    if not interactive:
        reason = "The wizard needs a terminal on standard input and output."
    elif term in ("", "dumb", "unknown"):
        reason = f"The wizard needs a terminal that can move its cursor, and TERM is {term or 'not set'}."
    else:
        return None
    return [reason, "These commands do the same work in plain text:", *(f"  {line}" for line in PLAIN_COMMANDS)]


def _glyphs(environment: Mapping[str, str], encoding: str | None) -> Glyphs:
    named = encoding or _locale_encoding(environment)
    try:
        wide = codecs.lookup(named).name == "utf-8"
    except LookupError:
        wide = False
    if not wide:
        return Glyphs.ASCII
    return Glyphs.CONSOLE if environment.get("TERM", "").startswith("linux") else Glyphs.UNICODE


def _locale_encoding(environment: Mapping[str, str]) -> str:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if value := environment.get(name):
            return value.partition(".")[2].partition("@")[0] or "ascii"
    return "ascii"


def _colours(environment: Mapping[str, str]) -> Colours:
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return Colours.NONE
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Colours.FULL
    if any(word in term for word in _FULL_COLOUR_TERMS):
        return Colours.FULL
    if term.startswith(("vt1", "vt2", "xterm-mono")) or term.endswith("-m"):
        return Colours.NONE
    return Colours.SIXTEEN if term.startswith(_SIXTEEN_COLOUR_TERMS) or term else Colours.NONE


def _light(environment: Mapping[str, str]) -> bool:
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
