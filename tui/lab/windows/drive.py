"""Windows paths on a real directory: `C:\\…` is matched without case, link by link, with the limits of the Windows API."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tui.lab.windows import dotnet

LONGEST_FILE, LONGEST_DIRECTORY = 260, 248
_RESERVED = re.compile(r"(?i)(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|COM[1-9]|LPT[1-9])(\..*)?")
_ILLEGAL = re.compile(r'[<>"|?*\x00-\x1f]')
_MOST_LINKS = 16


class Drive:
    """One volume: `letter`:\\ is the real directory `root`."""

    def __init__(self, root: Path, letter: str = "C") -> None:
        self.root, self.letter = root, letter

    def full(self, path: str) -> str:
        """The absolute form of a path. Raises PsError for one that Windows takes for none."""
        text = path.replace("/", "\\")
        if _ILLEGAL.search(text):
            raise dotnet.illegal()
        if not re.match(rf"(?i){self.letter}:\\", text):
            if re.match(r"[A-Za-z]:\\", text):
                raise dotnet.path_missing(text)
            raise dotnet.unsupported()
        if ":" in text[2:]:
            raise dotnet.unsupported()
        parts: list[str] = []
        for part in text[3:].split("\\"):
            name = part.rstrip(" .")
            if part == "..":
                parts = parts[:-1]
            elif name:
                parts.append(name)
        if any(_RESERVED.fullmatch(part) for part in parts):
            raise dotnet.unsupported("FileStream was asked to open a device that was not a file.")
        whole = f"{self.letter}:\\" + "\\".join(parts)
        if len(whole) >= LONGEST_FILE or len("\\".join(whole.split("\\")[:-1])) >= LONGEST_DIRECTORY:
            raise dotnet.too_long()
        return whole

    def place(self, path: str, *, follow: bool = True) -> Path:
        """Where a path really lies, whether or not something is there; with `follow` where its links lead.

        Raises PsError for a malformed path, and for one that leads out of the volume or in circles.
        """
        parts = self.full(path)[3:].split("\\")
        where = self.root
        for number, name in enumerate(filter(None, parts), start=1):
            where = _child(where, name)
            if where.is_symlink() and (follow or number < len(parts)):
                where = self._behind(where)
        return where

    def _behind(self, link: Path) -> Path:
        for _ in range(_MOST_LINKS):
            if not link.is_symlink():
                break
            link = Path(os.path.normpath(link.parent / os.readlink(link)))
        if link.is_symlink() or not link.is_relative_to(self.root):
            raise dotnet.error(
                "System.IO.IOException", "The name of the file cannot be resolved by the system.", 0x80070781
            )
        return link

    def shown(self, where: Path) -> str:
        """The Windows path of a real one below the root."""
        parts = where.relative_to(self.root).parts
        return f"{self.letter}:\\" + "\\".join(parts)


def _child(folder: Path, name: str) -> Path:
    exact = folder / name
    if os.path.lexists(exact):
        return exact
    wanted = name.casefold()
    try:
        for entry in os.scandir(folder):
            if entry.name.casefold() == wanted:
                return folder / entry.name
    except OSError:
        pass
    return exact
