"""config.json as the connector treats it: environment variables win, and it is written back in place."""

from __future__ import annotations

import json
import os
from typing import Any

from .environment import on_windows


class Settings:
    """The configuration of one install. Saving rewrites the whole file in place, as the connector does (not atomically)."""

    def __init__(self, directory: str) -> None:
        """Read `directory`/config.json; a missing or broken one is an empty configuration."""
        self.directory = directory
        self.path = os.path.join(directory, "config.json")
        self.values: dict[str, Any] = {}
        try:
            with open(self.path, encoding="utf-8-sig") as file:
                loaded = json.load(file)
        except (OSError, ValueError):
            loaded = {}
        if isinstance(loaded, dict):
            self.values = loaded

    def text(self, key: str, default: str = "") -> str:
        """One setting as text: the environment's, else the file's, else `default`."""
        value = os.environ.get(key, self.values.get(key))
        return default if value is None else str(value)

    def save(self) -> None:
        """Write the file back with two spaces of indentation and LF line ends, on Windows CRLF."""
        with open(self.path, "w", encoding="utf-8", newline="\r\n" if on_windows() else "\n") as file:
            json.dump(self.values, file, indent=2)
            file.write("\n")

    def certificate_path(self, name: str) -> str:
        """The path of `cert.pem` or `cert.key`."""
        return os.path.join(self.directory, "certs", name)

    def certificate_file(self, name: str) -> bytes | None:
        """The bytes of a file in certs/, or None when there is none."""
        try:
            with open(self.certificate_path(name), "rb") as file:
                return file.read()
        except OSError:
            return None
