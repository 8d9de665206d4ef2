"""What a Linux host is: read in one round trip, its clock included."""

from __future__ import annotations

import math
import re
import shlex
import time
from collections.abc import Mapping

from tui.connector.model import HostFacts, Install
from tui.connector.scripts import load
from tui.remote.session import ROOT, Session


def read_facts(session: Session, install: Install) -> HostFacts:
    """The host around an install, in one round trip."""
    sent = time.time()
    answer = session.run(load("facts.sh"), [install.directory], user=ROOT)
    return parse_facts(answer.text, sent=sent, received=time.time())


def parse_facts(text: str, *, sent: float, received: float) -> HostFacts:
    """The output of facts.sh; `sent` and `received` are the jump box's clock around it, seconds since 1970."""
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        values.setdefault(word, []).append(rest)
    release = _release(values.get("release", []))
    free, mounted = _df(values.get("df", []))
    memory = re.match(r"(\d+) kB", _one(values, "memory"))
    selinux = {"1": "enforcing", "0": "permissive"}.get(_one(values, "selinux"))
    return HostFacts(
        os=_one(values, "kernel").lower() or "linux",
        os_name=release.get("PRETTY_NAME") or release.get("NAME") or "Linux",
        architecture=_one(values, "machine"),
        memory_bytes=int(memory.group(1)) * 1024 if memory else None,
        free_bytes=free,
        read_only=_read_only(values.get("mount", []), mounted),
        clock_skew_s=_skew(values.get("clock", []), sent, received),
        selinux=selinux,
        hostname=_one(values, "hostname"),
        machine=_machine(_one(values, "install")),
        lock=_one(values, "lock") if "lock" in values else None,
        parked_runs=tuple(run for run in values.get("parked", []) if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run)),
    )


def _one(values: Mapping[str, list[str]], word: str) -> str:
    return (values.get(word) or [""])[0].strip()


def _machine(text: str) -> str | None:
    """The kernel's boot id with the device and inode of the install directory; None unless both are told.

    A machine id would not do: machines that were copied from one image often share it.
    """
    return text if re.fullmatch(r"[0-9a-f-]{36} \d+:\d+", text) else None


def _release(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if equals:
            try:
                found[name.strip()] = " ".join(shlex.split(value))
            except ValueError:
                found[name.strip()] = value
    return found


def _df(lines: list[str]) -> tuple[int | None, str | None]:
    """Free bytes and mount point, from `df -P -k` without its heading."""
    for line in lines:
        found = re.search(r"\s(\d+)\s+(\d+)\s+(-?\d+)\s+\S+%?\s+(/.*)$", line)
        if found:
            return max(0, int(found.group(3))) * 1024, found.group(4)
    return None, None


def _read_only(mounts: list[str], mounted: str | None) -> bool:
    """Whether the last mount at `mounted` is read-only."""
    answer = False
    for line in mounts:
        parts = line.split(" ")
        if len(parts) >= 4 and re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), parts[1]) == mounted:
            answer = "ro" in parts[3].split(",")
    return answer


def _skew(clock: list[str], sent: float, received: float) -> float | None:
    """Host minus jump box in seconds: the way there and the way back are taken as equally long."""
    try:
        begun, ended = float(clock[0]), float(clock[-1])
    except (IndexError, ValueError):
        return None
    if not (math.isfinite(begun) and math.isfinite(ended)):
        return None
    whole = 0.5 if "." not in clock[0] else 0.0
    return round(((begun - sent) + (ended - received)) / 2 + whole, 3)
