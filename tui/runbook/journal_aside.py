"""A journal is set aside only when it is damaged: it tells which hosts a run has changed."""

from __future__ import annotations

from tui.errors import OperatorError
from tui.runbook.journal import JournalDamaged
from tui.runbook.open_cluster import OpenCluster


def require_damaged(current: OpenCluster) -> None:
    """Return when the cluster's journal is damaged; raises OperatorError when it is whole, and JournalUnavailable."""
    name = current.cluster.name
    try:
        with current.journal():
            pass
    except JournalDamaged:
        return
    raise OperatorError(
        f"the journal of cluster {name} is whole",
        tried="read it from its first record to its last",
        meaning="it tells which hosts a run has changed, so it is not set aside without need",
        remedy=f"adldap-ha report {name} shows what is in it",
    )
