"""Get-Ability and Get-AccountSids: what a session's account is and may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost


def ability(host: WindowsLabHost, _: Mapping[str, Any]) -> dict[str, Any]:
    """Language mode, versions, and the account's rights; only the first two under a constrained mode."""
    free = not host.constrained
    return {
        "language_mode": "FullLanguage" if free else "ConstrainedLanguage",
        "version": host.powershell,
        "user": host.accounts.qualified(host.user) if free else None,
        "elevated": host.elevated if free else None,
        "administrator": host.administrator if free else None,
        "computer": host.accounts.computer if free else None,
        "build": host.build if free else None,
    }


def account_sids(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """An account's SID and its groups'."""
    return {"sids": host.accounts.sids_of(given["Account"])}


ANSWERS = {"Get-Ability.ps1": ability, "Get-AccountSids.ps1": account_sids}
