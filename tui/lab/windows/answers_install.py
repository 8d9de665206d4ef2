"""Find-Install and Get-Facts: where connectors are installed, and what the host is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui.lab.windows.services import WindowsService

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

_MEMORY = 8 << 30
_LOCK_LENGTH = 2000


def find_install(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """The services that may be a connector's, and what lies where one may be installed."""
    named = {name.casefold() for name in given["Named"]}
    services = [_told(service) for service in host.services.all() if _may_be_connector(service, named)]
    asked = list(given["Places"])
    for service in services:
        place = (service["directory"] or "").rstrip("\\")
        if place:
            asked += [service["directory"], place[: -len("\\admin")]][: 2 if place.lower().endswith("\\admin") else 1]
    directories = [_directory(host, place, given["Markers"]) for place in dict.fromkeys(asked)]
    return {"services": services, "directories": [found for found in directories if found]}


def _may_be_connector(service: WindowsService, named: set[str]) -> bool:
    if {service.name.casefold(), service.display.casefold()} & named:
        return True
    return service.name.casefold().startswith("auth0 adldap") or any("server.js" in word for word in service.arguments)


def _told(service: WindowsService) -> dict[str, Any]:
    return {
        "name": service.name,
        "display": service.display,
        "state": service.state,
        "start_mode": service.start_mode,
        "account": service.account,
        "image": service.image,
        "application": service.application or None,
        "arguments": " ".join(service.arguments) if service.application else None,
        "directory": service.directory or None,
    }


def _directory(host: WindowsLabHost, asked: str, markers: list[str]) -> dict[str, Any] | None:
    where = host.tree.real(asked)
    if not where.is_dir():
        return None
    real = host.tree.drive.shown(where)
    version = None
    if host.tree.exists(f"{real}\\package.json"):
        try:
            version = str(json.loads(host.tree.read(f"{real}\\package.json"))["version"])
        except (ValueError, KeyError, TypeError):
            version = None
    return {
        "asked": asked,
        "real": real,
        "markers": [marker for marker in markers if host.tree.real(f"{real}\\{marker}").exists()],
        "version": version,
        "owner": host.accounts.name(host.tree.descriptor(where).owner),
        "node": host.tree.real(f"{real}\\node.exe").is_file(),
    }


def facts(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the host is, and what runs have left in its install."""
    now = host.clock()
    lock, parking = f"{given['Directory']}\\.adldap-ha.lock", f"{given['Directory']}\\.adldap-ha"
    seen = host.tree.entry(lock)
    plain = seen is not None and seen["kind"] == "file"
    return {
        "name": "Microsoft Windows Server 2019 Standard",
        "build": host.build,
        "architecture": "AMD64",
        "memory": _MEMORY,
        "free": 0 if host.tree.full else shutil.disk_usage(host.root).free,
        "began": now,
        "now": host.clock(),
        "computer": host.accounts.computer,
        "domain": host.domain,
        "machine": f"{host.accounts.user_sid}|{host.accounts.computer}",
        "lock": host.tree.read(lock).decode("utf-8", "replace")[:_LOCK_LENGTH] if plain else None,
        "parked": [
            entry["path"].rpartition("\\")[2] for entry in host.tree.below(parking, 1) if entry["kind"] == "directory"
        ],
        "powershell": host.powershell,
    }


ANSWERS = {"Find-Install.ps1": find_install, "Get-Facts.ps1": facts}
