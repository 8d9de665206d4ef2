"""Logging in to a host for a screen: what sudo asks for beside the login password becomes a question, not a failure."""

from __future__ import annotations

from collections.abc import Sequence

from tui.remote.errors import BecomeFailed, ConnectionLost, HostUnreachable, SecretNeeded
from tui.runbook.operations import Operations
from tui.runbook.survey import Connected


def log_in(operations: Operations, host: str) -> Connected:
    """Connect to a host. Blocking.

    Sudo is answered with the login password first. Where it wants another one, SecretNeeded is raised from the BecomeFailed
    that told so, and a front asks. Raises every error of `Operations.connect`.
    """
    try:
        return operations.connect(host)
    except BecomeFailed as refused:
        try:
            return operations.connect(host)
        except SecretNeeded as question:
            raise question from refused


def log_in_to_all(operations: Operations, hosts: Sequence[str], *, all_needed: bool = True) -> None:
    """Connect to each of these hosts in turn; unless `all_needed`, one that cannot be reached is passed over. Questions are raised."""
    for host in hosts:
        try:
            log_in(operations, host)
        except (HostUnreachable, ConnectionLost):
            if all_needed:
                raise


def wants_another(question: SecretNeeded) -> bool:
    """Whether this is asked because sudo did not take the login password."""
    return isinstance(question.__cause__, BecomeFailed)
