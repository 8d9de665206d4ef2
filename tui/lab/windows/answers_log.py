"""Get-Log: reading on in a log that is rotated."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

_HEAD = 256
_EPOCH_TICKS = 621_355_968_000_000_000


def get_log(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the log says after the token, or its last lines; a line that is still being written waits."""
    family = _family(host.tree.real(given["Path"]))
    if not family:
        return {"data": "", "token": "0|0", "missing": True}
    contents = [(path, path.read_bytes()) for path in family]
    limit = given["Bytes"]
    current = contents[-1][1]
    before, start = _begin(contents, given["Token"], limit)
    whole = current[start : start + limit]
    whole = whole[: whole.rfind(b"\n") + 1]
    data = before + whole
    if not given["Token"]:
        data = b"".join(data.splitlines(keepends=True)[-given["Lines"] :])
    end = start + len(whole)
    size = min(_HEAD, end)
    ticks = _EPOCH_TICKS + int(family[-1].stat().st_ctime * 10_000_000)
    token = f"{ticks}|{end}|{size}|{_head(current, size)}"
    return {"data": base64.b64encode(data).decode("ascii"), "token": token, "missing": False}


def _family(path: Path) -> list[Path]:
    """The log and its numbered siblings, oldest first."""
    names = [path, *(path.with_name(f"{path.stem}{number}{path.suffix}") for number in range(1, 10))]
    return sorted((name for name in names if name.is_file()), key=lambda name: (name.stat().st_mtime, name == path))


def _begin(contents: list[tuple[Path, bytes]], token: str, limit: int) -> tuple[bytes, int]:
    """The rest of a rotated file, and where in the present one to read on."""
    current = contents[-1][1]
    latest = max(0, len(current) - limit)
    if not token:
        older = contents[-2][1][-limit:] if not latest and len(contents) > 1 else b""
        return older, latest
    parts = token.split("|")
    offset, size = int(parts[1]), int(parts[2]) if len(parts) > 3 else 0
    for number, (_, content) in reversed(list(enumerate(contents))):
        if size and len(content) >= offset and _head(content, size) == parts[3]:
            if number == len(contents) - 1:
                return b"", max(offset, latest)
            return content[offset : offset + limit], latest
    return b"", latest


def _head(content: bytes, size: int) -> str:
    return hashlib.sha256(content[:size]).hexdigest().upper()


ANSWERS = {"Get-Log.ps1": get_log}
