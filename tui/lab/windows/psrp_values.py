"""PowerShell's objects, as they arrive over the wire, turned into plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psrpcore.types import PSObject, PSSecureString

from tui.lab.windows.wsman_calls import Value


def plain(value: Any) -> Value:
    """`value` as str, int, float, bool, bytes, list, dict or None. A SecureString is decrypted."""
    if isinstance(value, PSSecureString):
        return str(value.decrypt())
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, PSObject):
        return str(value)
    raise TypeError(f"the lab takes no {type(value).__name__} as an argument")


def secrets_of(parameters: Mapping[str, Any]) -> frozenset[str]:
    """The names of those parameters that are SecureStrings."""
    return frozenset(name for name, value in parameters.items() if isinstance(value, PSSecureString))
