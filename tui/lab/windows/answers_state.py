"""Lock-Host and Move-Aside: the two things that this project keeps in an install directory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tui.lab.windows import dotnet

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost
    from tui.lab.windows.tree import WindowsTree

_CLOSED = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
_CUT_OFF = r"\.adldap-ha-.+\.tmp"
_SWEEP_DEPTH = 6


def lock_host(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Take, renew, give back or look at the host's lock."""
    tree, path = host.tree, given["Path"]
    seen = tree.entry(path)
    if seen is not None and seen["kind"] != "file":
        raise dotnet.refused(f"[led-away] {path} is a {'directory' if seen['kind'] == 'directory' else 'link'}")
    if given["Action"] in ("lock", "relock"):
        return _enter(tree, given)
    if seen is None:
        return {"outcome": "none", "text": ""}
    present = tree.read(path).decode("utf-8", "replace")
    if given["Action"] == "unlock" and _run_of(present) == given["Run"]:
        tree.remove(path)
        return {"outcome": "released", "text": present}
    return {"outcome": "held", "text": present}


def _enter(tree: WindowsTree, given: Mapping[str, Any]) -> dict[str, Any]:
    path, new = given["Path"], f"{given['Path']}.{given['Run']}"
    tree.remove(new)
    tree.create(new, given["Text"].encode())
    try:
        if given["Action"] == "lock" and tree.exists(path):
            return {"outcome": "held", "text": tree.read(path).decode("utf-8", "replace")}
        tree.move(new, path)
        return {"outcome": "taken", "text": given["Text"]}
    finally:
        tree.remove(new)


def _run_of(text: str) -> str:
    try:
        return str(json.loads(text).get("run", ""))
    except (ValueError, AttributeError):
        return ""


def move_aside(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Park parts of a set below `.adldap-ha\\RUN`, put them back, list them, forget them."""
    parking = _Parking(host.tree, given)
    outcome = parking.act(given["Action"])
    return {"outcome": outcome, "names": parking.names()}


class _Parking:
    def __init__(self, tree: WindowsTree, given: Mapping[str, Any]) -> None:
        self._tree = tree
        self._directory: str = given["Directory"].rstrip("\\")
        self._places: list[str] = given["Places"]
        self._top = f"{self._directory}\\.adldap-ha"
        self._parking = f"{self._top}\\{given['Run']}"
        self._replaced = f"{self._parking}\\.replaced"
        self._path = f"{self._directory}\\{given['Relative']}"
        self._kept = f"{self._parking}\\{given['Name']}"
        for folder in (self._top, self._parking):
            self._refuse_link(folder)

    def act(self, action: str) -> str:
        """Do it; anything that is no action of the script does nothing there either."""
        actions = {"park": self._park, "unpark": self._unpark, "sweep": self._sweep, "discard": self._discard}
        return actions[action]() if action in actions else "done"

    def names(self) -> list[str]:
        """What is parked."""
        entries = [entry["path"] for entry in self._tree.below(self._parking, 1)]
        return [_name(path) for path in entries if path != self._replaced]

    def _park(self) -> str:
        tree = self._tree
        if tree.exists(self._kept):
            return "parked"
        if tree.real(_folder(self._path)).is_dir():
            self._stay_inside()
            self._forget_writes()
        if not tree.exists(self._path):
            return "nothing"
        for folder in (self._top, self._parking):
            tree.make_directory(folder, _CLOSED)
        tree.move(self._path, self._kept)
        return "parked"

    def _unpark(self) -> str:
        tree = self._tree
        if not tree.exists(self._kept):
            return "nothing"
        self._stay_inside()
        self._forget_writes()
        if tree.exists(self._path):
            tree.remove(self._replaced, tree=True)
            tree.move(self._path, self._replaced)
        tree.move(self._kept, self._path)
        tree.remove(self._replaced, tree=True)
        return "done"

    def _sweep(self) -> str:
        for place in self._places:
            depth = 1 if place == "." else _SWEEP_DEPTH
            self._cut_off(self._tree.drive.full(f"{self._directory}\\{place}"), _CUT_OFF, depth)
        return "done"

    def _discard(self) -> str:
        self._sweep()
        self._tree.remove(self._parking, tree=True)
        if self._tree.exists(self._top) and not self._tree.below(self._top, 1):
            self._tree.remove(self._top, tree=True)
        return "done"

    def _forget_writes(self) -> None:
        self._cut_off(_folder(self._path), rf"\.adldap-ha-{re.escape(_name(self._path))}-[^\\]*\.tmp", 1)

    def _cut_off(self, folder: str, pattern: str, depth: int) -> None:
        seen = self._tree.entry(folder)
        if seen is None or seen["kind"] != "directory":
            return
        for entry in self._tree.below(folder, 1):
            if re.fullmatch(pattern, _name(entry["path"]), re.IGNORECASE):
                self._tree.remove(entry["path"], tree=True)
            elif depth > 1 and entry["kind"] == "directory":
                self._cut_off(entry["path"], pattern, depth - 1)

    def _stay_inside(self) -> None:
        for folder in _above(self._path, self._directory):
            self._refuse_link(folder)

    def _refuse_link(self, path: str) -> None:
        seen = self._tree.entry(path)
        if seen is not None and seen["kind"] == "symlink":
            raise dotnet.refused(f"[led-away] {path} is a link")


def _folder(path: str) -> str:
    return path.rpartition("\\")[0]


def _name(path: str) -> str:
    return path.rpartition("\\")[2]


def _above(path: str, top: str) -> Iterator[str]:
    folder = _folder(path)
    while len(folder) > len(top):
        yield folder
        folder = _folder(folder)


ANSWERS = {"Lock-Host.ps1": lock_host, "Move-Aside.ps1": move_aside}
