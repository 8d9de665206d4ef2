"""What a Windows host is: read in one call, its clock included."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Any

from tui.connector.model import HostFacts, Install
from tui.connector.windows.script_calls import call
from tui.remote.windows_session import WindowsSession

_MACHINES = {"amd64": "x86_64", "64-bit": "x86_64", "x86": "i686", "32-bit": "i686", "arm64": "aarch64"}
"""Windows' words for an architecture → those of every other system, which facts are judged by."""
_RUN = r"[A-Za-z0-9][A-Za-z0-9._-]*"


def read_facts(session: WindowsSession, install: Install) -> HostFacts:
    """The host around an install, in one call."""
    sent = time.time()
    answer = call(session, "Get-Facts.ps1", {"Directory": install.directory})
    return parse_facts(answer, sent=sent, received=time.time(), directory=install.directory)


def parse_facts(values: Mapping[str, Any], *, sent: float, received: float, directory: str = "") -> HostFacts:
    """What Get-Facts.ps1 puts out of an install in `directory`; `sent` and `received` are the jump box's clock around it,
    seconds since 1970."""
    machine = str(values.get("architecture") or "").lower()
    build = str(values.get("build") or "")
    name = str(values.get("name") or "Windows")
    return HostFacts(
        os="windows",
        os_name=f"{name} (build {build})" if build else name,
        architecture=_MACHINES.get(machine, machine),
        memory_bytes=_number(values.get("memory")),
        free_bytes=_number(values.get("free")),
        read_only=False,
        clock_skew_s=_skew(values, sent, received),
        selinux=None,
        hostname=str(values.get("computer") or ""),
        domain=values.get("domain") or None,
        machine=f"{values['machine']} {directory.casefold()}" if values.get("machine") else None,
        lock=values.get("lock"),
        parked_runs=tuple(run for run in values.get("parked") or () if re.fullmatch(_RUN, run)),
    )


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None


def _skew(values: Mapping[str, Any], sent: float, received: float) -> float | None:
    """Host minus jump box in seconds: the way there and the way back are taken as equally long."""
    ended = values.get("now")
    begun = values.get("began", ended)
    if not isinstance(begun, (int, float)) or not isinstance(ended, (int, float)):
        return None
    if not (math.isfinite(begun) and math.isfinite(ended)):
        return None
    return round(((begun - sent) + (ended - received)) / 2, 3)
