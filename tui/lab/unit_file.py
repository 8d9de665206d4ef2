"""The part of systemd's unit files that connectors in the field use."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class UnitFile:
    """A service unit as its file says. Times in seconds; `wanted`: it is started at boot."""

    name: str
    path: Path
    description: str = ""
    exec_start: tuple[str, ...] = ()
    working_directory: str = ""
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    environment_files: tuple[str, ...] = ()
    restart: str = "no"
    restart_sec: float = 0.1
    burst: int = 5
    interval: float = 10.0
    wanted: bool = False


def read_unit_file(path: Path) -> UnitFile:
    """Parse one unit file; repeated Environment lines add up. Raises OSError."""
    values: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, found, value = line.partition("=")
        if found and not line.startswith(("#", ";", "[")):
            values.setdefault(key.strip(), []).append(value.strip())

    def last(key: str, default: str = "") -> str:
        return values.get(key, [default])[-1]

    pairs = [pair.partition("=") for line in values.get("Environment", []) for pair in shlex.split(line)]
    return UnitFile(
        name=path.name,
        path=path,
        description=last("Description", path.name),
        exec_start=tuple(shlex.split(last("ExecStart"))),
        working_directory=last("WorkingDirectory"),
        user=last("User"),
        environment={name: value for name, _, value in pairs},
        environment_files=tuple(values.get("EnvironmentFile", [])),
        restart=last("Restart", "no"),
        restart_sec=_seconds(last("RestartSec", "0.1")),
        burst=int(last("StartLimitBurst", "5")),
        interval=_seconds(last("StartLimitIntervalSec", "10")),
        wanted="WantedBy" in values,
    )


def _seconds(text: str) -> float:
    units = {"": 1.0, "s": 1.0, "ms": 0.001, "min": 60.0, "us": 0.000001}
    match = re.fullmatch(r"([\d.]+)\s*([a-z]*)", text)
    return float(match[1]) * units.get(match[2], 1.0) if match else 0.1
