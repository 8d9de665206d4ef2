"""What an account may do on a Windows host, and the words for what it may not."""

from __future__ import annotations

import re

from pydantic import BaseModel

from tui.remote.errors import RightsLacking

FULL_LANGUAGE = "FullLanguage"
OLDEST = (5, 1)
_NO_SCRIPTS = re.compile(r"no-?language|language mode|ScriptsNotAllowed|restricted language", re.IGNORECASE)

_CONSTRAINED = (
    "an application control policy (WDAC, AppLocker) or a restricted endpoint (JEA) allows only part of PowerShell",
    "let the policy trust this account's scripts, or the endpoint run in full language mode, on this host; "
    "or reach it by another account or by SSH",
)


class Ability(BaseModel):
    """What Get-Ability.ps1 puts out; everything after `version` is None under a constrained language mode."""

    language_mode: str
    version: str
    user: str | None = None
    elevated: bool | None = None
    administrator: bool | None = None
    computer: str | None = None
    build: str | None = None


def check_ability(ability: Ability, host: str, login_user: str) -> None:
    """Raise RightsLacking when the session cannot do what this program does."""
    if _version(ability.version) < OLDEST:
        raise too_old(ability.version, host)
    if ability.language_mode != FULL_LANGUAGE:
        raise constrained(ability.language_mode, host)
    user = ability.user or login_user
    if not ability.elevated and ability.administrator:
        raise RightsLacking(
            f"the rights of {user} are cut down by User Account Control",
            host=host,
            tried="to ask whether the session has an administrator's rights",
            meaning="the account is an administrator, but a local one that logs in from afar gets a filtered token",
            remedy="log in as a domain account that is in Administrators, or as the built-in Administrator; or set "
            r"LocalAccountTokenFilterPolicy to 1 (DWORD) under "
            r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System on the host",
        )
    if not ability.elevated:
        raise RightsLacking(
            f"{user} is not an administrator",
            host=host,
            tried="to ask whether the session has an administrator's rights",
            meaning="it may log in, but not stop services or write into the connector's folder",
            remedy=f"add it to the host's Administrators (net localgroup Administrators {user} /add), or set another `user`",
        )


def too_old(version: str, host: str) -> RightsLacking:
    """The error for a PowerShell before 5.1."""
    return RightsLacking(
        f"PowerShell {version} is too old",
        host=host,
        tried="to ask for its version; 5.1 is needed",
        remedy="install Windows Management Framework 5.1 on the host, restart it, and try again",
    )


def constrained(mode: str, host: str) -> RightsLacking:
    """The error for a session in a language mode that does not allow scripts such as this program's."""
    meaning, remedy = _CONSTRAINED
    return RightsLacking(
        f"PowerShell runs in {mode} mode",
        host=host,
        tried="to ask for the session's language mode; FullLanguage is needed",
        meaning=meaning,
        remedy=remedy,
    )


def refused_by_language_mode(error_type: str, message: str, host: str) -> RightsLacking | None:
    """The error for a script that a session's language mode did not let run; None for any other failure."""
    if not error_type.startswith("System.Management.Automation.") or not _NO_SCRIPTS.search(message):
        return None
    return constrained("a restricted language", host)


def _version(text: str) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)
