"""A few readings as one-cell blocks, and a figure that does not waver."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

BLOCKS = "▁▂▃▄▅▆▇█"
_STEPS_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0)
"""One scale for every host and every moment: readings that waver within a step look the same."""
_LATEST = 9
_WAVERS = 0.3


def trend(latencies: Sequence[float], width: int = 6) -> str:
    """The last readings (milliseconds), the oldest first, one cell each."""
    return "".join(BLOCKS[sum(each >= step for step in _STEPS_MS)] for each in latencies[-width:])


def steady(shown: float | None, latencies: Sequence[float]) -> float | None:
    """The latency to show in milliseconds: what is shown already unless the median has left it by a third, or a millisecond."""
    if not latencies:
        return None
    now = median(latencies[-_LATEST:])
    if shown is not None and abs(now - shown) <= max(1.0, _WAVERS * shown):
        return shown
    return now


def milliseconds(latency: float | None) -> str:
    """`3 ms`, `1.2 s`; empty for None."""
    if latency is None:
        return ""
    return f"{latency / 1000:.1f} s" if latency >= 1000 else f"{max(1, round(latency))} ms"
