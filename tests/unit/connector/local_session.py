"""A Session on this very machine: real /bin/sh, real files, small stand-ins for systemctl and journalctl on PATH.

It leaves out what SSH adds (accounts, links, ACLs); `user` is ignored, because everything belongs to the account that
runs the tests.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tui.remote.errors import CommandFailed, HostUnreachable
from tui.remote.session import Completed, FileAttributes, FileStat, Stream

_SYSTEMCTL = """#!{python} -IS
import json, sys
path = {state!r}
state = json.load(open(path))
words = [w for w in sys.argv[1:] if not w.startswith("-")]
verb, names = words[0], [w for w in words[1:] if w.endswith(".service")]
if verb in ("list-unit-files", "list-units"):
    for name in state:
        print(("● " if verb == "list-units" else "") + name, "enabled", "enabled")
for name in names:
    unit = state.get(name)
    if verb == "show":
        asked = sys.argv[sys.argv.index("-p") + 1].split(",")
        shown = unit or {{"Id": name, "LoadState": "not-found", "ActiveState": "inactive"}}
        for key in asked:
            for value in shown[key] if isinstance(shown.get(key), list) else [shown.get(key)]:
                if value is not None:
                    print(key + "=" + value)
        print()
    elif unit is None:
        sys.exit("Unit %s not found." % name)
    elif verb == "stop" and unit.get("StopsAs") == "never":
        pass
    elif verb == "stop":
        unit.update(ActiveState="inactive", SubState="dead", MainPID="0")
    elif verb == "reset-failed":
        unit.update(Result="success", ActiveState="inactive", SubState="dead")
    elif verb == "start" and unit.get("StartsAs") == "refused":
        sys.exit("Job for %s failed." % name)
    elif verb == "start" and unit.get("StartsAs") == "failed":
        unit.update(ActiveState="failed", SubState="failed", Result="exit-code")
    elif verb == "start":
        unit.update(ActiveState="active", SubState="running")
json.dump(state, open(path, "w"))
"""

_JOURNALCTL = """#!{python} -IS
import sys
lines = open({log!r}).read().splitlines()
options = sys.argv[1:]
begin = 0
for option in options:
    if option.startswith("--after-cursor="):
        begin = int(option.split("=")[1].removeprefix("c"))
end = len(lines)
if "-n" in options:
    begin = max(begin, end - int(options[options.index("-n") + 1]))
print(*lines[begin:end], sep="\\n", end="\\n" if end > begin else "")
if end > begin:
    print("-- cursor: c%d" % end)
"""


class LocalSession:
    """See the module. `units` and `log` are what the stand-ins tell."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._bin = directory / "bin"
        self._bin.mkdir()
        self._state, self._log = directory / "units.json", directory / "journal"
        self.set_units({})
        self._log.touch()
        self._tool("systemctl", _SYSTEMCTL.format(python=sys.executable, state=str(self._state)))
        self._tool("journalctl", _JOURNALCTL.format(python=sys.executable, log=str(self._log)))
        self.trips = 0

    def _tool(self, name: str, text: str) -> None:
        path = self._bin / name
        path.write_text(text)
        path.chmod(0o755)

    def set_units(self, units: dict[str, dict[str, str | list[str]]]) -> None:
        """Replace what systemctl knows."""
        self._state.write_text(json.dumps(units))

    def replace_tool(self, name: str, text: str) -> None:
        """Put another program in the place of systemctl or journalctl."""
        self._tool(name, text)

    def units(self) -> dict[str, dict[str, str]]:
        """What systemctl knows now."""
        found: dict[str, dict[str, str]] = json.loads(self._state.read_text())
        return found

    def log(self, *lines: str) -> None:
        """Append to the journal."""
        with self._log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)

    @property
    def host(self) -> str:
        return "fir"

    @property
    def login_user(self) -> str:
        return pwd.getpwuid(os.getuid()).pw_name

    @property
    def round_trips(self) -> int:
        return self.trips

    def acting_account(self) -> str:
        """See HostSession.acting_account."""
        return self.run("id -un").text.strip()

    def run(
        self,
        script: str,
        arguments: Sequence[str] = (),
        *,
        stdin: bytes = b"",
        user: str | None = None,
        timeout: float = 30.0,
        expect: Sequence[int] | None = (0,),
    ) -> Completed:
        self.trips += 1
        begun = time.monotonic()
        environment = {"PATH": f"{self._bin}:{os.environ['PATH']}", "LC_ALL": "C", "HOME": "/nonexistent"}
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", *arguments],
            input=stdin,
            capture_output=True,
            timeout=timeout,
            env=environment,
            check=False,
        )
        if expect is not None and done.returncode not in expect:
            raise CommandFailed(f"exit status {done.returncode}: {done.stderr.decode()}", host=self.host)
        return Completed(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    def read_files(self, paths: Sequence[str], *, user: str | None = None, limit: int = 4 << 20) -> dict[str, bytes]:
        self.trips += 1
        return {path: Path(path).read_bytes() for path in paths if Path(path).exists()}

    def stat_files(self, paths: Sequence[str], *, user: str | None = None) -> dict[str, FileStat]:
        self.trips += 1
        return {path: _stat(path) for path in paths if os.path.lexists(path)}

    def list_tree(self, directory: str, *, depth: int = 1, user: str | None = None) -> list[FileStat]:
        self.trips += 1
        found: list[FileStat] = []
        if depth and os.path.isdir(directory) and (directory.endswith("/.") or not os.path.islink(directory)):
            for name in sorted(os.listdir(directory)):
                found.append(_stat(f"{directory}/{name}"))
                found += self.list_tree(f"{directory}/{name}", depth=depth - 1)
        return found

    def write_file(
        self, path: str, data: bytes, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        target = Path(path).resolve()
        temporary = target.with_name(f".{target.name}.new")
        temporary.write_bytes(data)
        temporary.chmod(attributes.mode)
        temporary.rename(target)

    def make_directory(
        self, path: str, attributes: FileAttributes, *, user: str | None = None, within: str | None = None
    ) -> None:
        Path(path).mkdir(mode=attributes.mode, exist_ok=True)

    def rename(self, source: str, target: str, *, user: str | None = None) -> None:
        os.rename(source, target)

    def remove(self, path: str, *, tree: bool = False, user: str | None = None, within: str | None = None) -> None:
        if tree and os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def tunnel(self, address: str, port: int, *, timeout: float = 10.0) -> Stream:
        raise HostUnreachable("forwarding is forbidden", host=self.host)

    def close(self) -> None:
        pass


def _stat(path: str) -> FileStat:
    found = os.lstat(path)
    link, directory = os.path.islink(path), os.path.isdir(path)
    return FileStat(
        path=path,
        kind="symlink" if link else "directory" if directory else "file" if os.path.isfile(path) else "other",
        size=found.st_size,
        modified=found.st_mtime,
        attributes=FileAttributes(
            owner=pwd.getpwuid(found.st_uid).pw_name,
            group=grp.getgrgid(found.st_gid).gr_name,
            mode=found.st_mode & 0o7777,
        ),
        target=os.readlink(path) if link else None,
    )
