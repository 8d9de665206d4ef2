"""The program's own look in four forms: dark, light, and both with the terminal's own sixteen colours.

Every colour on screen is one of the named tones below, so a screen says what a thing means and never how it looks:
`ink` text, `quiet` secondary text, `faint` what is not yet, `rule` hairlines; `base` the page, `rail` the frame around it,
`raised` fields and the chosen row; `go` where to look next (with `go-ink` upon it); `good`, `care`, `bad` the three outcomes.
"""

from __future__ import annotations

from textual.theme import Theme

_DARK = {
    "ink": "#d8dee4",
    "quiet": "#8b98a5",
    "faint": "#5c6975",
    "rule": "#26313b",
    "base": "#141a20",
    "rail": "#0f1419",
    "raised": "#1f2932",
    "go": "#7cc4b0",
    "go-ink": "#0d1714",
    "good": "#8cc08a",
    "care": "#e0b36a",
    "bad": "#ea8a7f",
}
_LIGHT = {
    "ink": "#26303a",
    "quiet": "#5d6a76",
    "faint": "#8d98a2",
    "rule": "#dcdfdd",
    "base": "#fbfaf7",
    "rail": "#f1f0eb",
    "raised": "#e6e9e6",
    "go": "#1d6f5f",
    "go-ink": "#ffffff",
    "good": "#2f6f35",
    "care": "#8a5a00",
    "bad": "#b03a30",
}
_SIXTEEN = {
    "ink": "ansi_default",
    "quiet": "ansi_default",
    "faint": "ansi_bright_black",
    "rule": "ansi_bright_black",
    "base": "ansi_default",
    "rail": "ansi_default",
    "raised": "ansi_default",
    "go": "ansi_cyan",
    "go-ink": "ansi_black",
    "good": "ansi_green",
    "care": "ansi_yellow",
    "bad": "ansi_red",
}


def _theme(name: str, tones: dict[str, str], *, dark: bool, ansi: bool = False) -> Theme:
    chosen = {
        "ansi-background": "ansi_black" if dark else "ansi_white",
        "ansi-foreground": "ansi_white" if dark else "ansi_black",
        "border": tones["go"],
        "border-blurred": tones["faint"],
        "block-cursor-background": tones["go"],
        "block-cursor-foreground": tones["go-ink"],
        "input-cursor-background": tones["go"],
        "input-cursor-foreground": tones["go-ink"],
        "input-selection-background": tones["rule"],
        "scrollbar": tones["faint"] if ansi else tones["rule"],
        "scrollbar-hover": tones["faint"],
        "scrollbar-active": tones["quiet"],
        "scrollbar-background": tones["base"],
        "scrollbar-background-hover": tones["base"],
        "scrollbar-background-active": tones["base"],
        "scrollbar-corner-color": tones["base"],
    }
    return Theme(
        name=name,
        dark=dark,
        ansi=ansi,
        primary=tones["go"],
        secondary=tones["quiet"],
        accent=tones["go"],
        success=tones["good"],
        warning=tones["care"],
        error=tones["bad"],
        foreground=tones["ink"],
        background=tones["base"],
        surface=tones["base"],
        panel=tones["rail"],
        variables=tones | chosen,
    )


THEMES = (
    _theme("adldap-ha-dark", _DARK, dark=True),
    _theme("adldap-ha-light", _LIGHT, dark=False),
    _theme("adldap-ha-dark-16", _SIXTEEN, dark=True, ansi=True),
    _theme(
        "adldap-ha-light-16", _SIXTEEN | {"go-ink": "ansi_bright_white", "care": "ansi_magenta"}, dark=False, ansi=True
    ),
)


def other_shade(name: str) -> str:
    """The light form of a dark theme and the reverse, colours and glyphs unchanged."""
    return name.replace("dark", "light") if "dark" in name else name.replace("light", "dark")
