"""What the operator's SSH configuration says of a host, in the words of a cluster file."""

from __future__ import annotations

from pathlib import Path

from tui.remote.ssh_config import ask_config


def described_host(name: str, file: Path | None) -> dict[str, str]:
    """What `ssh -G NAME` says: keys `address port user identity jump`, those that are set. `file` replaces OpenSSH's usual ones."""
    config = ask_config(name, file=file)
    identity = next(iter(config.identity_files), None)
    found = {
        "address": config.hostname,
        "port": str(config.port) if config.port else None,
        "user": config.user,
        "identity": str(identity) if identity else None,
        "jump": None if config.proxy_jump in (None, "none") else config.proxy_jump,
    }
    return {key: value for key, value in found.items() if value}
