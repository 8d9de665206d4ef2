"""What several instances did at the same time: a cause that they share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tui.findings import Finding, Severity
from tui.health.events import HealthEvent

TOGETHER = timedelta(seconds=20)
"""Instances that drop within this time of one another did so for one reason. Looks lie up to a few seconds apart."""

_DROPS = ("hub connected →",)


def common_drop(events: Sequence[HealthEvent], instances: int) -> list[Finding]:
    """The finding that every instance lost the hub at once, while they are still without it. Two instances at least."""
    lost: dict[str, datetime] = {}
    for event in events:
        if event.kind != "hub" or event.host is None:
            continue
        if event.text.startswith(_DROPS):
            lost[event.host] = event.at
        elif event.text.endswith("→ connected"):
            lost.pop(event.host, None)
    if instances < 2 or len(lost) < instances or max(lost.values()) - min(lost.values()) > TOGETHER:
        return []
    return [
        Finding(
            id="all-dropped-together",
            severity=Severity.BLOCKER,
            summary=f"all {instances} instances lost the hub within {(max(lost.values()) - min(lost.values())).seconds} seconds",
            evidence=tuple(f"{host} at {at:%H:%M:%S} UTC" for host, at in sorted(lost.items())),
            remedy="the cause is not on the hosts: look at the tenant's status page, the common firewall or proxy, and whether "
            "another certificate was published",
        )
    ]
