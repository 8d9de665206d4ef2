"""The files of one Windows host: real files, with ACLs beside them, sharing rules and a volume that can be full.

Not shown: NTFS itself (short names, alternate streams, journalling), privileges that override an ACL, quotas, and ACLs for
the connector's own processes, which run as the account that runs the lab.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui.lab.windows import dotnet, sddl
from tui.lab.windows.accounts import Accounts
from tui.lab.windows.drive import Drive
from tui.lab.windows.wsman_calls import PsError

_VOLUME_ACL = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;OICIIO;GA;;;CO)"


class WindowsTree:
    """Everything on drive C:. Paths are Windows paths; every method raises PsError as Windows would."""

    def __init__(self, root: Path, accounts: Accounts) -> None:
        """`root` is the directory that stands for C:\\ and is there already."""
        self.drive = Drive(root)
        self.full = self.read_only = False
        self._accounts = accounts
        self._lock = threading.RLock()
        self._acls: dict[tuple[int, int], sddl.Descriptor] = {_identity(root): sddl.parse(_VOLUME_ACL)}
        self._held: dict[Path, str] = {}

    @property
    def root(self) -> Path:
        """The real directory."""
        return self.drive.root

    def real(self, path: str) -> Path:
        """Where a path really lies, its links followed."""
        return self.drive.place(path)

    def exists(self, path: str) -> bool:
        """Whether anything is there, be it a dangling link."""
        return os.path.lexists(self.drive.place(path, follow=False))

    def hold(self, path: str, share: str = "") -> None:
        """As if another process held the file open: `share` has `r`, `w`, `d` for what it lets others do."""
        self._held[self.real(path)] = share

    def let_go(self, path: str) -> None:
        """Nobody holds the file open any more."""
        self._held.pop(self.real(path), None)

    def descriptor(self, where: Path) -> sddl.Descriptor:
        """The descriptor of a real path; one that nobody has set is inherited, as from a new file."""
        with self._lock:
            key = _identity(where)
            if key not in self._acls:
                parent = self.descriptor(where.parent)
                directory = where.is_dir() and not where.is_symlink()
                self._acls[key] = sddl.inherited(parent, directory=directory, owner="BA", group="SY")
            return self._acls[key]

    def set_acl(self, path: str, text: str) -> None:
        """Give a file or directory a descriptor; what is below inherits from it at once."""
        self._set(self.drive.place(path, follow=False), _parsed(text))

    def _set(self, where: Path, made: sddl.Descriptor) -> None:
        with self._lock:
            real_directory = where.is_dir() and not where.is_symlink()
            children = (
                {where / name: self.descriptor(where / name) for name in os.listdir(where)} if real_directory else {}
            )
            self._acls[_identity(where)] = made
            for child, before in children.items():
                after = sddl.refreshed(before, made, directory=child.is_dir() and not child.is_symlink())
                if after != before:
                    self._set(child, after)

    def entry(self, path: str) -> dict[str, Any] | None:
        """What a script tells of one path, or None when there is nothing. A link is not followed."""
        where = self.drive.place(path, follow=False)
        try:
            return self._told(path, where)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _told(self, path: str, where: Path) -> dict[str, Any]:
        seen = where.lstat()
        told: dict[str, Any] = {
            "path": path,
            "size": 0,
            "modified": seen.st_mtime,
            "owner": "",
            "sddl": "",
            "target": None,
        }
        if stat.S_ISLNK(seen.st_mode):
            return told | {"kind": "symlink", "target": self._link_text(where)}
        found = self.descriptor(where)
        told |= {"owner": self._accounts.name(found.owner), "sddl": str(found)}
        if stat.S_ISDIR(seen.st_mode):
            return told | {"kind": "directory"}
        return told | {"kind": "file", "size": seen.st_size}

    def _link_text(self, link: Path) -> str:
        text = os.readlink(link)
        return self.drive.shown(Path(text)) if Path(text).is_relative_to(self.root) else text.replace("/", "\\")

    def below(self, directory: str, depth: int) -> list[dict[str, Any]]:
        """The entries below a directory, `depth` levels deep, sorted; empty when it is missing. Links are not entered."""
        where = self.real(directory)
        if not where.is_dir():
            return []
        found = []
        for name in sorted(os.listdir(where)):
            path = f"{directory.rstrip(chr(92))}\\{name}"
            entry = self.entry(path)
            if entry is not None:
                found.append(entry)
                if depth > 1 and entry["kind"] == "directory":
                    found += self.below(path, depth - 1)
        return found

    def read(self, path: str) -> bytes:
        """A file's bytes."""
        where = self.real(path)
        if where.is_dir():
            raise dotnet.refused(f"[not-a-file] {path}")
        if not where.exists():
            raise (dotnet.file_missing if where.parent.is_dir() else dotnet.path_missing)(path)
        if not self._may(where, sddl.READ):
            raise dotnet.denied(path)
        self._shared(where, path, "r")
        return where.read_bytes()

    def create(self, path: str, data: bytes, acl: str = "") -> None:
        """A new file. It has its ACL before its first byte; what is cut off half-way is removed."""
        where = self.real(path)
        self._may_change(where.parent, path)
        if os.path.lexists(where):
            raise dotnet.exists(path)
        made = self._made(acl, where.parent, directory=False)
        with self._lock, open(os.open(where, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            self._acls[_identity(where)] = made
            if self.full and data:
                file.write(data[: len(data) // 2])
                file.close()
                self._forget(where)
                raise dotnet.disk_full()
            file.write(data)

    def replace(self, path: str, data: bytes, acl: str = "", within: str = "") -> int:
        """Write a file beside its target and put it there in one move; returns the bytes. Links are followed."""
        where = self.landing(path, within)
        if where.is_dir():
            raise dotnet.refused(f"[not-a-file] {path}")
        shown = self.drive.shown(where)
        temporary = f"{self.drive.shown(where.parent)}\\.adldap-ha-{where.name}-{secrets.token_hex(8)}.tmp"
        for leftover in self.leftovers(where):
            self.remove(self.drive.shown(leftover))
        keep = "" if acl or not where.exists() else str(self.descriptor(where))
        self.create(temporary, data, acl or keep)
        try:
            if hashlib.sha256(self.read(temporary)).digest() != hashlib.sha256(data).digest():
                raise dotnet.refused(f"[corrupted] {shown}")
            self.move(temporary, shown)
        except PsError:
            with contextlib.suppress(PsError):
                self.remove(temporary)
            raise
        return len(data)

    def leftovers(self, where: Path) -> list[Path]:
        """What earlier writes of a file, that were cut off, left beside it."""
        pattern = re.compile(rf"\.adldap-ha-{re.escape(where.name)}-[0-9a-f]{{16}}\.tmp", re.IGNORECASE)
        names = os.listdir(where.parent) if where.parent.is_dir() else []
        return [where.parent / name for name in names if pattern.fullmatch(name)]

    def landing(self, path: str, within: str) -> Path:
        """Where a write would land. Raises PsError `[led-away]` when that is not below `within`, and for a missing folder."""
        where = self.real(path)
        if not where.parent.is_dir():
            raise dotnet.item_missing(path.rpartition("\\")[0])
        if within and not where.is_relative_to(self.real(within)):
            raise dotnet.refused(f"[led-away] {path} leads to {self.drive.shown(where)}")
        return where

    def make_directory(self, path: str, acl: str = "", within: str = "") -> bool:
        """Create one directory; False when it is there already."""
        where = self.landing(path, within)
        if where.is_dir():
            return False
        self._may_change(where.parent, path)
        if where.exists():
            raise dotnet.refused(f"[not-a-directory] {path}")
        made = self._made(acl, where.parent, directory=True)
        with self._lock:
            where.mkdir(mode=0o700)
            self._acls[_identity(where)] = made
        return True

    def move(self, source: str, target: str) -> None:
        """Move within the volume, ACL included; an existing target file is replaced, in one move."""
        leaving, landing = self.drive.place(source, follow=False), self.drive.place(target, follow=False)
        if not os.path.lexists(leaving):
            raise dotnet.file_missing(source)
        self._may_go(leaving, source)
        self._may_change(landing.parent, target)
        if os.path.lexists(landing):
            if landing.is_dir() or leaving.is_dir():
                raise dotnet.exists(target)
            self._may_go(landing, target)
        with self._lock:
            known = self.descriptor(leaving)
            if os.path.lexists(landing):
                self._acls.pop(_identity(landing), None)
            os.rename(leaving, landing)
            self._acls[_identity(landing)] = known

    def remove(self, path: str, *, tree: bool = False, within: str = "") -> bool:
        """Remove a file or an empty directory, with `tree` all that is below it; False when there was none."""
        where = self.drive.place(path, follow=False)
        if not where.parent.is_dir():
            return False
        if within and not where.is_relative_to(self.real(within)):
            raise dotnet.refused(f"[led-away] {path} leads out of {within}, to {self.drive.shown(where.parent)}")
        if not os.path.lexists(where):
            return False
        if not where.is_dir() or where.is_symlink():
            self._may_go(where, path)
            self._forget(where)
            return True
        if not tree and os.listdir(where):
            raise dotnet.not_empty()
        everything = [*self._inner(where), where]
        for inner in everything:
            self._may_go(inner, self.drive.shown(inner))
        with self._lock:
            for inner in everything:
                self._acls.pop(_identity(inner), None)
            shutil.rmtree(where)
        return True

    def _inner(self, where: Path) -> Iterator[Path]:
        for folder, directories, files in os.walk(where, topdown=False):
            yield from (Path(folder) / name for name in (*files, *directories))

    def _made(self, acl: str, folder: Path, *, directory: bool) -> sddl.Descriptor:
        """What something new in a folder gets: what is asked for, and unless that is protected what the folder passes on."""
        above, group = self.descriptor(folder), self._accounts.primary_group
        if not acl:
            return sddl.inherited(above, directory=directory, owner="BA", group=group)
        return sddl.refreshed(_parsed(acl, owner="BA", group=group), above, directory=directory)

    def _forget(self, where: Path) -> None:
        with self._lock:
            self._acls.pop(_identity(where), None)
            where.unlink()

    def _may(self, where: Path, right: int) -> bool:
        return sddl.grants(self.descriptor(where), self._accounts.of_operator(), right)

    def _may_change(self, folder: Path, path: str) -> None:
        if not folder.is_dir():
            raise dotnet.path_missing(path)
        if self.read_only:
            raise dotnet.write_protected()
        if not self._may(folder, sddl.WRITE):
            raise dotnet.denied(path)

    def _may_go(self, where: Path, path: str) -> None:
        if self.read_only:
            raise dotnet.write_protected()
        if not (self._may(where, sddl.DELETE) or self._may(where.parent, sddl.DELETE_CHILD)):
            raise dotnet.denied(path)
        self._shared(where, path, "d")

    def _shared(self, where: Path, path: str, wanted: str) -> None:
        if wanted not in self._held.get(where, "rwd"):
            raise dotnet.in_use(path)


def _parsed(text: str, owner: str = "BA", group: str = "SY") -> sddl.Descriptor:
    try:
        return sddl.parse(text if text.startswith("O:") else f"O:{owner}G:{group}{text}")
    except ValueError as error:
        raise dotnet.error(
            "System.ArgumentException", f"The SDDL form of a security descriptor object is invalid: {error}", 0x80070539
        ) from None


def _identity(where: Path) -> tuple[int, int]:
    seen = where.lstat()
    return seen.st_dev, seen.st_ino
