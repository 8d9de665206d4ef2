"""Finding the connector on a host: by its units first, then in the usual places, then by what runs."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import normpath
from typing import TYPE_CHECKING, cast

from tui.cluster import Host
from tui.connector.errors import NoInstall, SeveralInstalls
from tui.connector.instance import Instance
from tui.connector.layouts import MARKERS, WELL_KNOWN_DIRECTORIES
from tui.connector.model import Install, Layout, Role
from tui.connector.scan import Directory, Scan, parse_directories, parse_scan
from tui.connector.scripts import load
from tui.connector.services import UnitCommand, first
from tui.remote.session import ROOT, HostSession, Session

if TYPE_CHECKING:
    from tui.remote.windows_session import WindowsSession

_UNIT_PROPERTIES = "Id,Names,LoadState,ActiveState,SubState,UnitFileState,ExecStart,WorkingDirectory,User,MainPID"
_STEP = "find the connector"


def open_instance(session: HostSession, host: Host) -> Instance:
    """The connector on `host`, found and ready to be worked with. Raises NoInstall or SeveralInstalls."""
    if host.system == "windows":
        from tui.connector.windows.instance import WindowsInstance, find_windows_install

        windows = cast("WindowsSession", session)
        return WindowsInstance(windows, find_windows_install(windows, host))
    from tui.connector.linux import LinuxInstance

    posix = cast("Session", session)
    return LinuxInstance(posix, find_install(posix, host))


def find_install(session: Session, host: Host) -> Install:
    """Find the connector on a host in one round trip, rarely two. What the cluster file names wins.

    Raises NoInstall, or SeveralInstalls when nothing says which of several is meant.
    """
    named = " ".join(unit_name(unit) for unit in (host.connector_unit, host.admin_unit) if unit)
    places = [host.install_dir] if host.install_dir else list(WELL_KNOWN_DIRECTORIES)
    script = load("inspect.sh", "find_install.sh")
    arguments = [" ".join(MARKERS), _UNIT_PROPERTIES, named, *places]
    scan = parse_scan(session.run(script, arguments, user=ROOT, timeout=60).text)
    _inspect_more(session, scan)
    return choose(host, scan)


def _inspect_more(session: Session, scan: Scan) -> None:
    """Look at the places that only the units' commands or the processes name."""
    seen = set(scan.real_paths())
    known = {directory.asked for directory in scan.directories if directory.layout is not Layout.UNKNOWN}
    open_questions = [c for c in scan.commands() if c.certain and not known & set(c.directories)]
    wanted = [place for command in open_questions for place in command.directories]
    if not scan.installs():
        wanted += [place for process in scan.processes if not process.in_container for place in process.places()]
    more = [place for place in dict.fromkeys(map(normpath, wanted)) if place not in seen and place != "/"]
    if more:
        script = load("inspect.sh", "inspect_directories.sh")
        answer = session.run(script, [" ".join(MARKERS), *more], user=ROOT)
        scan.directories += parse_directories(answer.text.splitlines())


def unit_name(name: str) -> str:
    """A unit's full name: `.service` is added when it has no type."""
    return name if name.endswith(".service") else f"{name}.service"


def choose(host: Host, scan: Scan) -> Install:
    """The one install that is meant. Raises NoInstall or SeveralInstalls."""
    directory = _named_directory(host, scan) if host.install_dir else _only_directory(host, scan)
    units = {role: _unit(host, scan, directory, role) for role in Role}
    connector = units[Role.CONNECTOR]
    properties = scan.units.get(connector.unit, {}) if connector else {}
    return Install(
        directory=directory.real,
        found_at=host.install_dir or directory.asked,
        layout=directory.layout,
        version=directory.version,
        owner=directory.owner,
        group=directory.group,
        node=connector.node if connector else "node",
        connector_unit=connector.unit if connector else None,
        admin_unit=admin.unit if (admin := units[Role.ADMIN]) else None,
        account=(first(properties, "User") or "root") if connector else directory.owner,
        supervisor="systemd" if connector else _supervisor(scan, directory),
    )


def _named_directory(host: Host, scan: Scan) -> Directory:
    for directory in scan.directories:
        if directory.asked == host.install_dir and directory.layout is not Layout.UNKNOWN:
            return directory
    raise NoInstall(
        f"{host.install_dir} holds no Auth0 AD/LDAP Connector",
        host=host.name,
        step=_STEP,
        tried="looked where install_dir in the cluster file says",
        meaning="the directory is missing, or it has none of the connector's own files",
        remedy="correct install_dir, or remove it so that the connector is looked for",
    )


def _runs_in(commands: Iterable[UnitCommand], scan: Scan, role: Role, real: str) -> list[UnitCommand]:
    places = scan.real_paths()
    return [c for c in commands if c.role is role and any(places.get(place) == real for place in c.directories)]


def _only_directory(host: Host, scan: Scan) -> Directory:
    installs, commands = scan.installs(), scan.commands()
    if host.connector_unit:
        named = [command for command in commands if command.unit == unit_name(host.connector_unit)]
        installs = [d for d in installs if _runs_in(named, scan, Role.CONNECTOR, d.real)] or installs
    with_unit = [d for d in installs if _runs_in(commands, scan, Role.CONNECTOR, d.real)]
    found = with_unit or installs
    if len(found) == 1:
        return found[0]
    if found:
        listed = tuple(directory.real for directory in found)
        raise SeveralInstalls(
            f"{len(listed)} connectors are installed: {', '.join(listed)}",
            directories=listed,
            host=host.name,
            step=_STEP,
            tried="looked for units that run server.js, in the usual directories, and at running processes",
            meaning="nothing says which of them belongs to this cluster",
            remedy="name one as install_dir for this host in the cluster file",
        )
    raise _nothing_found(host, scan)


def _nothing_found(host: Host, scan: Scan) -> NoInstall:
    contained = [command.unit for command in scan.commands() if command.docker]
    contained += [f"process {process.pid}" for process in scan.processes if process.in_container]
    tried = f"units that run server.js, running processes, {', '.join(WELL_KNOWN_DIRECTORIES)}"
    if contained:
        return NoInstall(
            f"the connector runs in a container ({contained[0]}), which this program does not manage",
            host=host.name,
            step=_STEP,
            tried=tried,
            meaning="its files and its log are inside the container, out of reach",
            remedy="install the connector on the host itself, under systemd, and stop the container",
        )
    return NoInstall(
        "no Auth0 AD/LDAP Connector was found",
        host=host.name,
        step=_STEP,
        tried=tried,
        meaning="it is not installed, or in a place that nothing points to",
        remedy="install it, or name its directory as install_dir for this host in the cluster file",
    )


def _unit(host: Host, scan: Scan, directory: Directory, role: Role) -> UnitCommand | None:
    named = host.connector_unit if role is Role.CONNECTOR else host.admin_unit
    commands = scan.commands()
    if named:
        name = unit_name(named)
        unit = next((p for i, p in scan.units.items() if i == name or name in first(p, "Names").split()), None)
        if unit is None or first(unit, "LoadState") == "not-found":
            raise NoInstall(
                f"there is no unit {name}",
                host=host.name,
                step=_STEP,
                tried=f"asked systemd for the {role.value}_unit of the cluster file",
                remedy=f"correct {role.value}_unit, or remove it so that the unit is looked for",
            )
        command = next((command for command in commands if command.unit == first(unit, "Id")), None)
        return command or UnitCommand(first(unit, "Id"), role, (directory.real,), "node", certain=True)
    matching = _runs_in(commands, scan, role, directory.real)
    matching = [command for command in matching if command.certain] or matching
    return _likeliest(host, scan, matching, role)


def _likeliest(host: Host, scan: Scan, commands: list[UnitCommand], role: Role) -> UnitCommand | None:
    """The only unit, or the only one that runs, or the only one that is enabled."""
    if len(commands) <= 1:
        return commands[0] if commands else None
    for name, value in (("ActiveState", "active"), ("UnitFileState", "enabled")):
        chosen = [command for command in commands if first(scan.units[command.unit], name) == value]
        if len(chosen) == 1:
            return chosen[0]
        commands = chosen or commands
        if chosen:
            break
    listed = ", ".join(command.unit for command in commands)
    raise SeveralInstalls(
        f"several units run the same {role.value}: {listed}",
        directories=(),
        host=host.name,
        step=_STEP,
        meaning="two copies of one instance on a host disturb each other",
        remedy=f"disable all but one, or name one as {role.value}_unit for this host in the cluster file",
    )


def _supervisor(scan: Scan, directory: Directory) -> str:
    real = scan.real_paths()
    for process in scan.processes:
        if process.under_pm2 and any(real.get(place, place) == directory.real for place in process.places()):
            return "pm2"
    if any(path.startswith("/etc/init/") for path in scan.init_files):
        return "upstart"
    return "sysv" if scan.init_files else "none"
