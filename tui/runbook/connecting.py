"""Logging in to one host before anything else is asked of it."""

from __future__ import annotations

import time

from tui.runbook.open_cluster import OpenCluster
from tui.runbook.survey import Connected


def connected(current: OpenCluster, host: str) -> Connected:
    """Log in to a host, become the other account once, and keep the session. Raises what the session raises."""
    begun = time.monotonic()
    entry = current.host(host)
    with current.link(host).session() as session:
        becomes = session.acting_account()
        return Connected(
            host=host,
            address=entry.address,
            login_user=session.login_user,
            becomes=becomes,
            key_type=str(getattr(session, "key_type", "")),
            fingerprint=str(getattr(session, "fingerprint", "")),
            seconds=time.monotonic() - begun,
        )
