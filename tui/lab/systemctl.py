"""What `systemctl` says and does on a lab host: the verbs and properties that administrators and this project use."""

from __future__ import annotations

import contextlib
import fnmatch
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tui.lab.services import ServiceManager, Unit, UnitError

_WRITING = (
    "start",
    "stop",
    "restart",
    "try-restart",
    "reset-failed",
    "mask",
    "unmask",
    "enable",
    "disable",
    "kill",
    "daemon-reload",
)
_TAKES_VALUE = ("-p", "--property", "-t", "--type", "--state", "-n", "--lines", "-o", "--output", "-s", "--signal")


@dataclass
class Reply:
    """What a program printed and its exit status."""

    status: int = 0
    stdout: str = ""
    stderr: str = ""


@dataclass
class _Command:
    verb: str = ""
    units: list[str] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        return any(name in self.options for name in names)

    def values(self, *names: str) -> list[str]:
        return [part for name in names for value in self.options.get(name, []) for part in value.split(",")]


def parse_options(arguments: Sequence[str], takes_value: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Words and options of a command line in getopt's manner; `takes_value` lists the options with an argument."""
    words: list[str] = []
    options: dict[str, list[str]] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--":
            words += rest
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if not equals and name in takes_value and rest:
                value = rest.pop(0)
            options.setdefault(name, []).append(value)
        elif word.startswith("-") and len(word) > 1:
            name, value = word[:2], word[2:]
            if name in takes_value:
                options.setdefault(name, []).append(value or (rest.pop(0) if rest else ""))
            else:
                for letter in word[1:]:
                    options.setdefault(f"-{letter}", []).append("")
        else:
            words.append(word)
    return words, options


def systemctl(manager: ServiceManager, arguments: Sequence[str], account: str) -> Reply:
    """Perform `systemctl ARGUMENTS` as `account`."""
    words, options = parse_options(arguments, _TAKES_VALUE)
    command = _Command(words[0] if words else "list-units", words[1:], options)
    if command.has("--version"):
        return Reply(0, "systemd 252 (252.39-1~deb12u1)\n")
    if command.verb in _WRITING:
        return _write(manager, command, account)
    reader = _READERS.get(command.verb)
    if reader is None:
        return Reply(1, stderr=f"Unknown command verb {command.verb}.\n")
    return reader(manager, command)


def _write(manager: ServiceManager, command: _Command, account: str) -> Reply:
    if account != "root":
        subject = f" {command.units[0]}" if command.units else ""
        return Reply(1, stderr=f"Failed to {command.verb}{subject}: Interactive authentication required.\n")
    if command.verb == "daemon-reload":
        manager.reload()
        return Reply()
    if command.verb == "reset-failed" and not command.units:
        command.units = manager.names()
    reply = Reply()
    for name in command.units:
        try:
            reply.stderr += _act(manager, command, name)
        except UnitError as error:
            text = str(error)
            prefix = f"Failed to {command.verb} {name}: " if text.endswith("not found.") else ""
            reply.stderr += f"{prefix}{text}\n"
            reply.status = 5 if prefix and command.verb != "mask" else 1
    return reply


def _act(manager: ServiceManager, command: _Command, name: str) -> str:
    verb, unit = command.verb, manager.unit(name)
    now = command.has("--now")
    if verb in ("stop", "restart") and command.has("--no-block"):
        # Like systemd, answer when the job is queued, not when it is done.
        threading.Thread(target=_stop_and, args=(manager, name, verb == "restart"), daemon=True).start()
        return ""
    if verb in ("stop", "restart") or (verb == "try-restart" and unit.active == "active"):
        manager.stop(name)
    if verb in ("start", "restart") or (verb == "try-restart" and unit.active == "active"):
        manager.start(name)
    if verb == "reset-failed":
        manager.reset_failed(name)
    if verb == "kill":
        manager.kill(name, 15)
    if verb in ("mask", "unmask"):
        manager.set_masked(name, verb == "mask")
        if verb == "mask" and now:
            manager.stop(name)
        path = f"/etc/systemd/system/{unit.file.name}"
        return f"Created symlink {path} → /dev/null.\n" if verb == "mask" else f"Removed {path}.\n"
    if verb in ("enable", "disable"):
        manager.set_enabled(name, verb == "enable")
        if now:
            (manager.start if verb == "enable" else manager.stop)(name)
    return ""


def _stop_and(manager: ServiceManager, name: str, start: bool) -> None:
    manager.stop(name)
    if start:
        with contextlib.suppress(UnitError):
            manager.start(name)


def _state_of_file(unit: Unit) -> str:
    return "masked" if unit.masked else "enabled" if unit.enabled else "disabled"


def _stamp(moment: float | None) -> str:
    return time.strftime("%a %Y-%m-%d %H:%M:%S UTC", time.gmtime(moment)) if moment else ""


def _exec_start(unit: Unit) -> str:
    file = unit.file
    if not file.exec_start:
        return ""
    started = f"[{_stamp(unit.at.get('ActiveEnter'))}]" if unit.at.get("ActiveEnter") else "[n/a]"
    return (
        f"{{ path={file.exec_start[0]} ; argv[]={' '.join(file.exec_start)} ; ignore_errors=no ; start_time={started} ; "
        f"stop_time=[n/a] ; pid={unit.pid} ; code={unit.last_code} ; status={unit.last_status}/0 }}"
    )


def _quoted(name: str, value: str) -> str:
    pair = f"{name}={value}"
    return (
        pair if shlex.quote(value) == value or not value else '"' + pair.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def _properties(unit: Unit) -> dict[str, str]:
    file = unit.file
    return {
        "Type": "simple",
        "Restart": file.restart,
        "RestartUSec": f"{file.restart_sec * 1000:g}ms",
        "MainPID": str(unit.pid),
        "StatusErrno": "0",
        "Result": unit.result,
        "NRestarts": str(unit.restarts),
        "ExecMainCode": "1" if unit.last_code == "exited" else "0",
        "ExecMainPID": str(unit.pid),
        "ExecMainStatus": str(unit.last_status),
        "ExecStart": _exec_start(unit),
        "Environment": " ".join(_quoted(name, value) for name, value in file.environment.items()),
        "EnvironmentFiles": "\n".join(f"{name} (ignore_errors=no)" for name in file.environment_files),
        "WorkingDirectory": file.working_directory,
        "StandardOutput": "journal",
        "StandardError": "inherit",
        "User": file.user,
        "Group": "",
        "Id": file.name,
        "Names": file.name,
        "Description": file.description,
        "LoadState": "masked" if unit.masked else "loaded",
        "ActiveState": unit.active,
        "SubState": unit.sub,
        "FragmentPath": "/dev/null" if unit.masked else str(file.path),
        "UnitFileState": _state_of_file(unit),
        "UnitFilePreset": "enabled",
        "StateChangeTimestamp": _stamp(unit.at.get("StateChange")),
        "ActiveEnterTimestamp": _stamp(unit.at.get("ActiveEnter")),
        "InactiveEnterTimestamp": _stamp(unit.at.get("InactiveEnter")),
        "NeedDaemonReload": "no",
        "StartLimitBurst": str(file.burst),
    }


def _missing(name: str) -> dict[str, str]:
    full = name if "." in name else f"{name}.service"
    return {
        "Restart": "no",
        "MainPID": "0",
        "Result": "success",
        "NRestarts": "0",
        "WorkingDirectory": "",
        "Environment": "",
        "User": "",
        "Id": full,
        "Names": full,
        "Description": full,
        "LoadState": "not-found",
        "ActiveState": "inactive",
        "SubState": "dead",
        "UnitFileState": "",
        "ActiveEnterTimestamp": "",
    }


def _expand(manager: ServiceManager, patterns: list[str]) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        if any(sign in pattern for sign in "*?["):
            names += [name for name in manager.names() if fnmatch.fnmatch(name, pattern)]
        else:
            names.append(pattern)
    return names


def _show(manager: ServiceManager, command: _Command) -> Reply:
    wanted = command.values("-p", "--property")
    blocks = []
    for name in _expand(manager, command.units):
        unit = manager.find(name)
        properties = _properties(unit) if unit else _missing(name)
        lines = []
        for key, value in properties.items():
            if (wanted and key not in wanted) or (not value and key in ("ExecStart", "EnvironmentFiles")):
                continue
            for line in value.split("\n"):
                lines.append(line if command.has("--value") else f"{key}={line}")
        blocks.append("".join(f"{line}\n" for line in lines))
    return Reply(0, "\n".join(blocks))


def _matching(manager: ServiceManager, command: _Command) -> list[Unit]:
    kinds = command.values("-t", "--type")
    states = command.values("--state")
    patterns = command.units or ["*"]
    found = []
    for name in manager.names():
        unit = manager.unit(name)
        full = [name] + ([name.removesuffix(".service")] if command.units else [])
        if kinds and "service" not in kinds:
            continue
        if not any(fnmatch.fnmatch(candidate, pattern) for candidate in full for pattern in patterns):
            continue
        if states and not {unit.active, unit.sub, _state_of_file(unit)} & set(states):
            continue
        found.append(unit)
    return found


def _list_units(manager: ServiceManager, command: _Command) -> Reply:
    lines = []
    for unit in _matching(manager, command):
        if unit.active == "inactive" and not command.has("-a", "--all") and not command.has("--state"):
            continue
        load = "masked" if unit.masked else "loaded"
        mark = "" if command.has("--plain") else ("● " if unit.active == "failed" else "  ")
        lines.append(f"{mark}{unit.file.name} {load} {unit.active} {unit.sub} {unit.file.description}")
    return _table(command, "  UNIT LOAD ACTIVE SUB DESCRIPTION", lines, "loaded units listed.")


def _list_unit_files(manager: ServiceManager, command: _Command) -> Reply:
    lines = [f"{unit.file.name} {_state_of_file(unit)} enabled" for unit in _matching(manager, command)]
    return _table(command, "UNIT FILE STATE PRESET", lines, "unit files listed.")


def _table(command: _Command, head: str, lines: list[str], tail: str) -> Reply:
    if not command.has("--no-legend") and "false" not in command.values("--legend"):
        lines = [head, *lines, "", f"{len(lines)} {tail}"]
    return Reply(0, "".join(f"{line}\n" for line in lines))


def _cat(manager: ServiceManager, command: _Command) -> Reply:
    reply = Reply()
    for name in command.units:
        unit = manager.find(name)
        if unit is None or unit.decoy:
            reply.status, reply.stderr = 1, f"No files found for {name}.\n"
        else:
            text = "" if unit.masked else unit.file.path.read_text(encoding="utf-8")
            reply.stdout += f"# {unit.file.path}\n{text}\n"
    return reply


def _each(tell: Callable[[Unit], str], good: Sequence[str], missing: str, bad_status: int) -> Callable[..., Reply]:
    def verb(manager: ServiceManager, command: _Command) -> Reply:
        words = [tell(unit) if (unit := manager.find(name)) else missing for name in command.units]
        reply = Reply(0 if any(word in good for word in words) else bad_status)
        if not command.has("-q", "--quiet"):
            reply.stdout = "".join(f"{word}\n" for word in words)
        return reply

    return verb


def _status(manager: ServiceManager, command: _Command) -> Reply:
    reply = Reply()
    for name in command.units:
        unit = manager.find(name)
        if unit is None:
            return Reply(4, stderr=f"Unit {name if '.' in name else name + '.service'} could not be found.\n")
        reply.stdout += (
            f"● {unit.file.name} - {unit.file.description}\n"
            f"     Loaded: {'masked' if unit.masked else 'loaded'} ({unit.file.path}; {_state_of_file(unit)})\n"
            f"     Active: {unit.active} ({unit.sub if unit.active != 'failed' else 'Result: ' + unit.result})\n"
            f"   Main PID: {unit.pid}\n"
        )
        reply.status = reply.status or (0 if unit.active == "active" else 3)
    return reply


_READERS: dict[str, Callable[[ServiceManager, _Command], Reply]] = {
    "show": _show,
    "list-units": _list_units,
    "list-unit-files": _list_unit_files,
    "cat": _cat,
    "status": _status,
    "is-active": _each(lambda unit: unit.active, ("active",), "inactive", 3),
    "is-enabled": _each(_state_of_file, ("enabled",), "not-found", 1),
    "is-failed": _each(lambda unit: unit.active, ("failed",), "inactive", 1),
    "is-system-running": lambda manager, command: Reply(0, "running\n"),
}
