"""What one look at a host tells of connectors on it: units, directories, processes. Pure reading of the scripts' output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from posixpath import basename, dirname

from tui.connector.layouts import recognise
from tui.connector.model import Layout
from tui.connector.services import UnitCommand, first, parse_show, unit_command

Properties = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that has something of an install. `asked` is the path by which it was reached, `real` without links."""

    asked: str
    real: str
    owner: str
    group: str
    layout: Layout
    version: str


@dataclass(frozen=True, slots=True)
class Process:
    """A running node process that names server.js; `directory` is where it runs."""

    pid: int
    directory: str
    parent: str
    cgroup: str
    command: str

    @property
    def in_container(self) -> bool:
        """Whether it runs in a container, so that its directory is not this host's."""
        return bool(re.search(r"docker|containerd|libpod|kubepods|lxc", self.cgroup))

    @property
    def under_pm2(self) -> bool:
        """Whether pm2 started it."""
        return "PM2" in self.parent or "pm2" in self.parent

    def places(self) -> tuple[str, ...]:
        """Where its install may be."""
        named = re.findall(r"(/\S*)/server\.js", self.command)
        found = [*named, self.directory]
        return tuple(dirname(path) if basename(path) == "admin" else path for path in found if path.startswith("/"))


@dataclass(slots=True)
class Scan:
    """Everything that was seen."""

    units: dict[str, Properties] = field(default_factory=dict)
    directories: list[Directory] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    init_files: list[str] = field(default_factory=list)

    def commands(self) -> list[UnitCommand]:
        """The units that may run a connector or its console."""
        return [found for found in map(unit_command, self.units.values()) if found]

    def installs(self) -> list[Directory]:
        """The directories that are installs, one for each real path, in the order in which they were looked at."""
        by_place: dict[str, Directory] = {}
        for directory in self.directories:
            if directory.layout is not Layout.UNKNOWN:
                by_place.setdefault(directory.real, directory)
        return list(by_place.values())

    def real_paths(self) -> dict[str, str]:
        """Asked path → real path."""
        return {directory.asked: directory.real for directory in self.directories}


def _version(package: str) -> str:
    try:
        version = json.loads(package).get("version")
    except (ValueError, AttributeError, RecursionError):
        return "unknown"
    return version if isinstance(version, str) and version else "unknown"


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if line.startswith("section "):
            current = sections.setdefault(line[len("section ") :], [])
        else:
            current.append(line)
    return sections


def parse_directories(lines: Iterable[str]) -> list[Directory]:
    """The output of `inspect`."""
    found = []
    values: dict[str, str] = {}
    package: list[str] = []
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "package":
            package.append(rest)
        elif word == "end" and "real" in values:
            owner, _, group = values.get("owner", "").partition(" ")
            found.append(
                Directory(
                    asked=values.get("directory", values["real"]),
                    real=values["real"],
                    owner=owner or "root",
                    group=group or "root",
                    layout=recognise(values.get("has", "").split()),
                    version=_version("\n".join(package)),
                )
            )
            values, package = {}, []
        elif word in ("directory", "real", "owner", "has"):
            values[word] = rest
    return found


def _process(line: str) -> Process | None:
    pid, directory, parent, cgroup, command = (line.split("\t") + [""] * 5)[:5]
    program = basename(command.split(" ", 1)[0])
    if not pid.isdigit() or not program.startswith("node"):
        return None
    return Process(int(pid), directory, parent.strip(), cgroup, command.strip())


def parse_scan(text: str) -> Scan:
    """The output of find_install.sh."""
    sections = _sections(text)
    units = parse_show("\n".join(sections.get("units", [])))
    lines = [line.removeprefix("process ") for line in sections.get("processes", [])]
    return Scan(
        units={first(unit, "Id"): unit for unit in units if first(unit, "Id")},
        directories=parse_directories(sections.get("directories", [])),
        processes=[process for process in map(_process, lines) if process],
        init_files=[line.removeprefix("init ") for line in sections.get("init", []) if line],
    )
