"""Systemd units as connector services: which unit runs what, in which state it is, and what is odd about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from posixpath import basename, dirname, isabs, join, normpath

from tui.connector.model import Role, Service

PROPERTIES = (
    "Id,Names,LoadState,ActiveState,SubState,Result,UnitFileState,ExecStart,WorkingDirectory,Environment,"
    "EnvironmentFiles,User,Group,MainPID,NRestarts,Restart,ActiveEnterTimestamp,StandardOutput,NeedDaemonReload,FragmentPath"
)
"""What `systemctl show` is asked for."""

CRASH_LOOP_RESTARTS = 3
_MAIN = re.compile(r"(?P<path>[^\s'\"]*)\bserver\.js\b")


@dataclass(frozen=True, slots=True)
class UnitCommand:
    """A unit that may run a connector. `directories`: where the install may be, likeliest first.

    `certain` is False when only the working directory suggests it (`npm start`, a wrapper script).
    """

    unit: str
    role: Role
    directories: tuple[str, ...]
    node: str
    certain: bool
    docker: bool = False


def parse_show(text: str) -> list[dict[str, list[str]]]:
    """The blocks of `systemctl show` output, one a unit; each property with all its lines' values."""
    units = []
    for block in re.split(r"\n\s*\n", text):
        properties: dict[str, list[str]] = {}
        for line in block.splitlines():
            name, equals, value = line.partition("=")
            if equals and re.fullmatch(r"[A-Za-z]+", name):
                properties.setdefault(name, []).append(value)
        if properties:
            units.append(properties)
    return units


def first(properties: Mapping[str, list[str]], name: str) -> str:
    """The first value of a property, "" when absent."""
    return (properties.get(name) or [""])[0]


def _arguments(exec_start: str) -> str:
    """The argv text of one ExecStart value; systemd joins it with spaces and does not escape."""
    match = re.search(r"argv\[\]=(.*?) ; (?:ignore_errors|flags)=", exec_start)
    return match.group(1) if match else exec_start


def _program(exec_start: str) -> str:
    match = re.search(r"path=(.*?) ; argv\[\]=", exec_start)
    return match.group(1) if match else ""


def working_directory(properties: Mapping[str, list[str]]) -> str:
    """The unit's working directory, "" when it has none; the mark for "may be missing" is dropped."""
    value = first(properties, "WorkingDirectory").lstrip("!-")
    return value if isabs(value) else ""


def _suffix_paths(text: str) -> list[str]:
    """Every absolute path that `text` may end with: its words may themselves be parts of a path with spaces."""
    starts = [m.start() for m in re.finditer(r"(?:(?<=[\s'\"=])|^)/", text)]
    return [text[start:] for start in reversed(starts)]


def _node(program: str, arguments: str) -> str:
    if basename(program) in ("node", "nodejs"):
        return program
    found = re.search(r"(?:^|[\s'\"])((?:/[^\s'\"]*/)?node(?:js)?)(?=\s)", arguments)
    return found.group(1) if found else "node"


def _places(arguments: str, directory: str) -> tuple[Role, list[str]] | None:
    """Role and possible install directories of a command that names server.js."""
    found = _MAIN.search(arguments)
    if not found:
        return None
    before = arguments[: found.end() - len("server.js")]
    changed = [re.sub(r"['\"\\]", "", place) for place in re.findall(r"\bcd\s+(.+?)\s*(?:&&|;)", before)]
    bases = [*changed[-1:], directory]
    relative = found.group("path")
    role = Role.ADMIN if re.search(r"(^|/)admin/$", relative) else Role.CONNECTOR
    candidates = [normpath(path) for path in _suffix_paths(before) if path.endswith("/")]
    if not isabs(relative):
        candidates = [normpath(join(base, relative)) for base in bases if isabs(base)] + candidates
    if role is Role.CONNECTOR and relative in ("", "./") and any(basename(path) == "admin" for path in candidates):
        role = Role.ADMIN
    return role, [dirname(path) if role is Role.ADMIN and basename(path) == "admin" else path for path in candidates]


def unit_command(properties: Mapping[str, list[str]]) -> UnitCommand | None:
    """What a unit runs, when it may be a connector or an admin console; None for every other unit."""
    unit, starts = first(properties, "Id"), properties.get("ExecStart", [])
    directory = working_directory(properties)
    for start in starts:
        program, arguments = _program(start), _arguments(start)
        docker = basename(program) in ("docker", "podman") or bool(
            re.search(r"\b(docker|podman) (run|start)\b", arguments)
        )
        if docker and re.search(r"ad-?ldap", f"{unit} {arguments}", re.IGNORECASE):
            return UnitCommand(unit, Role.CONNECTOR, (), "node", certain=True, docker=True)
        found = _places(arguments, directory)
        if found:
            role, places = found
            return UnitCommand(unit, role, tuple(dict.fromkeys(places)), _node(program, arguments), certain=True)
    if not directory or not starts:
        return None
    everything = " ".join([unit, *(_arguments(start) for start in starts)])
    admin = basename(directory) == "admin" or bool(re.search(r"\badmin\b", everything))
    place = dirname(directory) if basename(directory) == "admin" else directory
    role = Role.ADMIN if admin else Role.CONNECTOR
    return UnitCommand(unit, role, (place,), _node("", everything), certain=False)


def _state(properties: Mapping[str, list[str]], restarts: int | None) -> str:
    active, sub = first(properties, "ActiveState"), first(properties, "SubState")
    if first(properties, "LoadState") == "masked" or first(properties, "UnitFileState").startswith("masked"):
        return "masked"
    if active in ("active", "reloading"):
        return "running" if sub in ("running", "reload", "") else "unknown"
    if active == "activating":
        looping = sub == "auto-restart" and restarts is not None and restarts >= CRASH_LOOP_RESTARTS
        return "crash_loop" if looping else "starting"
    return {"failed": "failed", "inactive": "stopped"}.get(active, "unknown")


def _detail(properties: Mapping[str, list[str]]) -> str:
    active, sub, result = (first(properties, name) for name in ("ActiveState", "SubState", "Result"))
    if active == "failed" or (sub == "auto-restart" and result not in ("", "success")):
        return f"{sub if sub == 'auto-restart' else active}/{result or sub}"
    return f"{active}/{sub}".strip("/")


def environment_names(properties: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The names of the variables that the unit's Environment= sets."""
    return tuple(dict.fromkeys(pair.partition("=")[0] for pair in environment_pairs(first(properties, "Environment"))))


def environment_pairs(text: str) -> list[str]:
    """The `NAME=value` assignments of an Environment property, as systemd quotes it."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return [word for word in words if re.match(r"[A-Za-z_][A-Za-z0-9_]*=", word)]


def parse_timestamp(text: str) -> datetime | None:
    """A systemd time stamp printed under TZ=UTC0, None for "n/a" and the like."""
    found = re.search(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)? UTC", text)
    return datetime.strptime(found.group(1), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None


def parse_service(role: Role, properties: Mapping[str, list[str]], more_names: tuple[str, ...] = ()) -> Service | None:
    """One unit as a Service, None when the manager does not know it. `more_names`: variables set by environment files."""
    if first(properties, "LoadState") == "not-found":
        return None
    number = first(properties, "NRestarts")
    restarts = int(number) if number.isdigit() else None
    pid = first(properties, "MainPID")
    enabled = {"enabled": True, "enabled-runtime": True, "disabled": False, "masked": False}
    return Service(
        role=role,
        unit=first(properties, "Id"),
        state=_state(properties, restarts),
        detail=_detail(properties),
        enabled=enabled.get(first(properties, "UnitFileState")),
        restart_policy=first(properties, "Restart") or None,
        user=first(properties, "User") or None,
        main_pid=int(pid) if pid.isdigit() and pid != "0" else None,
        started=parse_timestamp(first(properties, "ActiveEnterTimestamp")),
        restarts=restarts,
        environment=tuple(dict.fromkeys((*environment_names(properties), *more_names))),
        output=first(properties, "StandardOutput") or None,
        stale=first(properties, "NeedDaemonReload") == "yes",
    )
