"""What it takes to reach hosts: secrets in memory and the file of known host keys."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from tui.remote.secrets import Secrets


def _default_known_hosts() -> Path:
    return Path.home() / ".ssh" / "known_hosts"


class Access(BaseModel):
    """Handed to everything that opens sessions. `known_hosts` is the file that confirmed keys are appended to."""

    secrets: Secrets = Field(default_factory=Secrets)
    known_hosts: Path = Field(default_factory=_default_known_hosts)
