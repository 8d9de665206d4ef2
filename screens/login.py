"""Logging in to hosts for a screen."""

from __future__ import annotations

from collections.abc import Sequence

from tui.remote.errors import ConnectionLost, HostUnreachable
from tui.runbook.operations import Operations


def log_in_to_all(operations: Operations, hosts: Sequence[str], *, all_needed: bool = True) -> None:
    """Connect to each of these hosts in turn; unless `all_needed`, one that cannot be reached is passed over. Questions are raised."""
    for host in hosts:
        try:
            operations.connect(host)
        except (HostUnreachable, ConnectionLost):
            if all_needed:
                raise
