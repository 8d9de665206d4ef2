"""Write a lab host's shims: small sh programs, first on its PATH."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from tui.lab.desk import question_pipe
from tui.lab.install_tree import STANDIN

_SHIMS = Path(__file__).parent / "shims"
NODE_VERSION = "v22.11.0"
_FULL = ("cat", "head", "tail", "tee", "cp", "sed", "awk", "printf")


@dataclass(frozen=True)
class ToolSettings:
    """What the shims of one host have to know."""

    root: Path
    """The host's tree."""
    socket: str
    hostname: str
    address: str
    login: str
    account: str
    clock_file: Path
    speed: float

    @property
    def bin(self) -> Path:
        """Where the shims lie."""
        return self.root / "usr" / "bin"

    @property
    def faults(self) -> Path:
        """Where shims for faults lie, before all others."""
        return self.root / "usr" / "faults"

    @property
    def search_path(self) -> str:
        """PATH on this host."""
        return f"{self.faults}:{self.bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

    @property
    def node(self) -> Path:
        """The host's node."""
        return self.bin / "node"


def write_tools(settings: ToolSettings) -> None:
    """Write every shim that is always there."""
    settings.faults.mkdir(parents=True)
    settings.bin.mkdir(parents=True, exist_ok=True)
    python = f"{quote(sys.executable)} -I -S"
    socket = quote(settings.socket)
    for name in ("systemctl", "journalctl"):
        asking = f"desk={socket} program={name} questions={quote(question_pipe(settings.socket))}"
        slow = f'{python} {quote(str(_SHIMS / "ask.py"))} {socket} {name} "$@"'
        write_tool(settings.bin / name, f"{asking}\nslow() {{ exec {slow}; }}\n. {quote(str(_SHIMS / 'ask.sh'))}")
    write_tool(settings.bin / "sudo", f'exec {python} {quote(str(_SHIMS / "sudo.py"))} {socket} "$@"')
    write_tool(settings.node, _node(settings))
    write_tool(settings.bin / "id", _identity(settings))
    write_tool(settings.bin / "whoami", f'echo "${{LAB_AS:-{settings.login}}}"')
    write_tool(settings.bin / "hostname", f"echo {quote(settings.hostname)}")
    write_tool(
        settings.bin / "uname", f'[ "$*" = -n ] && {{ echo {quote(settings.hostname)}; exit; }}\nexec /bin/uname "$@"'
    )
    if os.getuid() != 0:
        for name in ("chown", "chgrp"):
            write_tool(settings.bin / name, "exit 0")


def write_tool(path: Path, body: str) -> None:
    """Write one sh program."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\n{body}\n")


def _node(settings: ToolSettings) -> str:
    return (
        f"case $1 in -v|--version) echo {NODE_VERSION}; exit ;; esac\n"
        f"export LAB_ADDRESS={quote(settings.address)} LAB_HOSTNAME={quote(settings.hostname)} "
        f"LAB_CLOCK={quote(str(settings.clock_file))} LAB_SPEED={settings.speed:g} LAB_LIBRARIES={quote(libraries())}\n"
        f'exec {quote(sys.executable)} -E -S {quote(str(STANDIN))} node "$@"'
    )


def libraries() -> str:
    """Where the stand-in's libraries lie: named outright, because finding them by `site` costs more than the program."""
    folders = set()
    for name in ("cryptography", "_cffi_backend", "wsproto", "h11"):
        found = find_spec(name)
        if found is not None and found.origin:
            folder = Path(found.origin).parent
            folders.add(str(folder.parent if found.submodule_search_locations else folder))
    return os.pathsep.join(sorted(folders))


def _identity(settings: ToolSettings) -> str:
    return f"""name=${{LAB_AS:-{settings.login}}}
what=
for word; do
  case $word in -*) what=$what${{word#-}} ;; *) name=$word ;; esac
done
case $name in
  root | 0) name=root number=0 ;;
  {settings.login}) number=1000 ;;
  {settings.account} | lab) number=990 ;;
  *) echo "id: '$name': no such user" >&2; exit 1 ;;
esac
case $what in
  u | g | G) echo $number ;;
  un | nu | gn | ng | Gn | nG) echo "$name" ;;
  '') echo "uid=$number($name) gid=$number($name) groups=$number($name)" ;;
  *) exec /usr/bin/id "-$what" ;;
esac"""


def write_clock_tool(settings: ToolSettings) -> None:
    """A `date` that is wrong by what the host's clock file says, for as long as the fault is on."""
    write_tool(
        settings.faults / "date",
        'for word; do\n  case $word in -d* | --date* | -r* | --reference* | -f* | -s* | --set*) exec /bin/date "$@" ;; esac\n'
        f'done\nexec /bin/date -d "$(cat {quote(str(settings.clock_file))}) seconds" "$@"',
    )


def remove_clock_tool(settings: ToolSettings) -> None:
    """The clock is right again."""
    remove_tools(settings, "date")


def write_full_disk_tools(settings: ToolSettings) -> None:
    """Programs that write, whose output into this host's tree goes to /dev/full, and a df that says so."""
    root = quote(str(settings.root))
    inside = f"case $(readlink /proc/$$/fd/1) in {root}/*) exec >/dev/full ;; esac"
    for name in _FULL:
        write_tool(settings.faults / name, f'{inside}\nexec /usr/bin/{name} "$@"')
    write_tool(
        settings.faults / "dd",
        f'{inside}\nfor word; do\n  shift\n  case $word in of={root}/*) : >"${{word#of=}}"; word=of=/dev/full ;; esac\n'
        '  set -- "$@" "$word"\ndone\nexec /usr/bin/dd "$@"',
    )
    write_tool(
        settings.faults / "df",
        '/usr/bin/df "$@" | /usr/bin/awk \'NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^Avail/) column = i; print; next }'
        " { if (column) $column = 0; print }'",
    )


def remove_tools(settings: ToolSettings, *names: str) -> None:
    """Remove fault shims."""
    for name in names:
        (settings.faults / name).unlink(missing_ok=True)


def remove_full_disk_tools(settings: ToolSettings) -> None:
    """The disk has room again."""
    remove_tools(settings, *_FULL, "dd", "df")
