"""The scripts that run on a host: POSIX sh, and one for the host's own node."""

from __future__ import annotations

from importlib.resources import files


def load(*names: str) -> str:
    """The text of the named script files, one after another."""
    return "\n".join(files(__name__).joinpath(name).read_text(encoding="utf-8") for name in names)
