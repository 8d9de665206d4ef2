"""Finding the connector on a Windows host: by its services' NSSM settings, then in the usual places."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ntpath import basename, dirname, isabs, join, normpath
from typing import Any

from tui.cluster import Host
from tui.connector.errors import NoInstall, SeveralInstalls
from tui.connector.layouts import MARKERS, recognise
from tui.connector.model import Install, Layout, Role
from tui.connector.windows.paths import WELL_KNOWN_DIRECTORIES, trimmed
from tui.connector.windows.script_calls import call
from tui.remote.windows_session import WindowsSession

_STEP = "find the connector"
_USUAL_NAME = "auth0 adldap"
_MAIN = re.compile(r'"([^"]*\bserver\.js)"|(\S*\bserver\.js\b)')


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that was looked at. `asked` is the path by which it was reached, `real` without links."""

    asked: str
    real: str
    owner: str
    layout: Layout
    version: str
    node: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that may be a connector's. `place`: the install directory that its settings name, None when they name none."""

    name: str
    display: str
    state: str
    start_mode: str
    account: str
    program: str
    role: Role
    place: str | None

    def is_called(self, name: str) -> bool:
        """Whether `name` is its name or its display name."""
        return name.casefold() in (self.name.casefold(), self.display.casefold())


@dataclass(slots=True)
class Found:
    """Everything that was seen."""

    services: list[Candidate] = field(default_factory=list)
    directories: list[Directory] = field(default_factory=list)

    def real(self, place: str | None) -> str | None:
        """A directory's path without links, in the form that two paths are compared in."""
        if place is None:
            return None
        for directory in self.directories:
            if _same(directory.asked, place):
                return _key(directory.real)
        return _key(place)

    def installs(self) -> list[Directory]:
        """The directories that are installs, one for each real path, in the order in which they were looked at."""
        by_place: dict[str, Directory] = {}
        for directory in self.directories:
            if directory.layout is not Layout.UNKNOWN:
                by_place.setdefault(_key(directory.real), directory)
        return list(by_place.values())

    def running_in(self, directory: Directory, role: Role) -> list[Candidate]:
        """The services of this role whose settings name the directory."""
        return [
            service
            for service in self.services
            if service.role is role and service.place and self.real(service.place) == _key(directory.real)
        ]


def find_windows_install(session: WindowsSession, host: Host) -> Install:
    """Find the connector on a Windows host in one round trip, rarely two. What the cluster file names wins.

    Raises NoInstall, or SeveralInstalls when nothing says which of several is meant.
    """
    named = [unit for unit in (host.connector_unit, host.admin_unit) if unit]
    places = [trimmed(host.install_dir)] if host.install_dir else list(WELL_KNOWN_DIRECTORIES)
    found = _look(session, named, places)
    seen = {_key(directory.asked) for directory in found.directories}
    more = [service.place for service in found.services if service.place and _key(service.place) not in seen]
    if more:
        found.directories += _look(session, [], list(dict.fromkeys(more))).directories
    return choose(host, found)


def _look(session: WindowsSession, named: list[str], places: list[str]) -> Found:
    parameters = {"Named": named, "Places": places, "Markers": list(MARKERS)}
    answer = call(session, "Find-Install.ps1", parameters, timeout=60)
    return Found(
        [parse_service(values) for values in answer["services"]],
        [parse_directory(values) for values in answer["directories"]],
    )


def parse_directory(values: Mapping[str, Any]) -> Directory:
    """One directory of what Find-Install.ps1 puts out."""
    return Directory(
        asked=trimmed(str(values["asked"])),
        real=trimmed(str(values["real"])),
        owner=str(values.get("owner") or ""),
        layout=recognise([str(marker) for marker in values["markers"]]),
        version=str(values.get("version") or "unknown"),
        node=bool(values.get("node")),
    )


def parse_service(values: Mapping[str, Any]) -> Candidate:
    """One service of what Find-Install.ps1 puts out."""
    name, program = str(values["name"]), str(values.get("application") or "").strip('" ')
    # Without an AppDirectory NSSM starts a program in the directory that it lies in.
    directory = str(values.get("directory") or "") or dirname(program)
    role, place = _runs(name, str(values.get("arguments") or ""), trimmed(directory))
    return Candidate(
        name=name,
        display=str(values.get("display") or name),
        state=str(values.get("state") or ""),
        start_mode=str(values.get("start_mode") or ""),
        account=str(values.get("account") or ""),
        program=program,
        role=role,
        place=place,
    )


def _runs(name: str, arguments: str, directory: str) -> tuple[Role, str | None]:
    """What a service runs, and in which install."""
    script = _MAIN.search(arguments)
    if script:
        named = script.group(1) or script.group(2)
        folder = dirname(normpath(named if isabs(named) else join(directory, named)))
        if basename(folder).casefold() == "admin":
            return Role.ADMIN, trimmed(dirname(folder))
        return Role.CONNECTOR, trimmed(folder) or None
    role = Role.ADMIN if name.casefold().endswith("admin") else Role.CONNECTOR
    if basename(directory).casefold() == "admin":
        return Role.ADMIN, dirname(directory)
    return role, directory or None


def choose(host: Host, found: Found) -> Install:
    """The one install that is meant. Raises NoInstall or SeveralInstalls."""
    directory = _named_directory(host, found) if host.install_dir else _only_directory(host, found)
    services = {role: _service(host, found, directory, role) for role in Role}
    connector, admin = services[Role.CONNECTOR], services[Role.ADMIN]
    program = connector.program if connector else ""
    own = isabs(program) and basename(program).casefold() == "node.exe"
    return Install(
        directory=directory.real,
        found_at=host.install_dir or directory.asked,
        layout=directory.layout,
        version=directory.version,
        owner=directory.owner,
        group="",
        node=program if own and not directory.node else f"{directory.real}\\node.exe",
        connector_unit=connector.name if connector else None,
        admin_unit=admin.name if admin else None,
        account=connector.account if connector else directory.owner,
        supervisor="scm" if connector else "none",
        os="windows",
    )


def _named_directory(host: Host, found: Found) -> Directory:
    for directory in found.directories:
        if _same(directory.asked, host.install_dir or "") and directory.layout is not Layout.UNKNOWN:
            return directory
    raise NoInstall(
        f"{host.install_dir} holds no Auth0 AD/LDAP Connector",
        host=host.name,
        step=_STEP,
        tried="looked where install_dir in the cluster file says",
        meaning="the directory is missing, or it has none of the connector's own files",
        remedy="correct install_dir, or remove it so that the connector is looked for",
    )


def _only_directory(host: Host, found: Found) -> Directory:
    installs = found.installs()
    if host.connector_unit:
        named = {
            found.real(each.place) for each in found.services if each.is_called(host.connector_unit) and each.place
        }
        installs = [directory for directory in installs if _key(directory.real) in named] or installs
    served = [directory for directory in installs if found.running_in(directory, Role.CONNECTOR)]
    chosen = served or installs
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        listed = tuple(directory.real for directory in chosen)
        raise SeveralInstalls(
            f"{len(listed)} connectors are installed: {', '.join(listed)}",
            directories=listed,
            host=host.name,
            step=_STEP,
            tried="looked for services that run server.js, and in the usual directories",
            meaning="nothing says which of them belongs to this cluster",
            remedy="name one as install_dir for this host in the cluster file",
        )
    raise NoInstall(
        "no Auth0 AD/LDAP Connector was found",
        host=host.name,
        step=_STEP,
        tried=f"services that run server.js, {', '.join(WELL_KNOWN_DIRECTORIES)}",
        meaning="it is not installed, or in a place that nothing points to",
        remedy="install it, or name its directory as install_dir for this host in the cluster file",
    )


def _service(host: Host, found: Found, directory: Directory, role: Role) -> Candidate | None:
    named = host.connector_unit if role is Role.CONNECTOR else host.admin_unit
    if named:
        for service in found.services:
            if service.is_called(named):
                return service
        raise NoInstall(
            f"there is no service {named}",
            host=host.name,
            step=_STEP,
            tried=f"asked Windows for the {role.value}_unit of the cluster file, as a name and as a display name",
            remedy=f"correct {role.value}_unit, or remove it so that the service is looked for",
        )
    usual = [
        service
        for service in found.services
        if service.role is role and service.place is None and service.name.casefold().startswith(_USUAL_NAME)
    ]
    return _likeliest(host, found.running_in(directory, role) or usual, role)


def _likeliest(host: Host, services: Sequence[Candidate], role: Role) -> Candidate | None:
    """The only service, or the only one that runs, or the only one that starts with the system."""
    if len(services) <= 1:
        return services[0] if services else None
    likely: tuple[Callable[[Candidate], bool], ...] = (
        lambda service: service.state == "Running",
        lambda service: service.start_mode == "Auto",
    )
    for test in likely:
        chosen = [service for service in services if test(service)]
        if len(chosen) == 1:
            return chosen[0]
        if chosen:
            services = chosen
            break
    listed = ", ".join(service.name for service in services)
    raise SeveralInstalls(
        f"several services run the same {role.value}: {listed}",
        directories=(),
        host=host.name,
        step=_STEP,
        meaning="two copies of one instance on a host disturb each other",
        remedy=f"disable all but one, or name one as {role.value}_unit for this host in the cluster file",
    )


def _key(path: str) -> str:
    return trimmed(path).casefold()


def _same(one: str, other: str) -> bool:
    return _key(one) == _key(other)
