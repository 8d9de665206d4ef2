"""What only several looks at an instance can tell: a clock that drifts."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.findings import Finding, Severity

LONG_ENOUGH_S = 600.0
"""How far apart the first and the last reading must lie before a slow drift is believed: single readings waver by a round trip."""

DRIFT_S_PER_HOUR = 1.0
"""A free-running quartz clock loses about two seconds a day; at this rate the connector's limit of 5 s is hours away."""

_PLAIN_S, _PLAIN_READINGS = 0.8, 5
"""A change by so much over so many readings, each of them on the line, is no wavering however short the time."""
_WAVERS_S = 0.25


@dataclass(slots=True)
class ClockTrend:
    """The readings of one host's clock skew, each with the moment it was taken (both in seconds)."""

    readings: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=120))

    def add(self, at: float, skew_s: float) -> None:
        """Take in a reading; the same skew again is the same reading, told again. A jump of more than two seconds is a clock
        that was set, and what came before counts no more."""
        if self.readings and self.readings[-1][1] == skew_s:
            return
        if self.readings and abs(skew_s - self.readings[-1][1]) > 2.0:
            self.readings.clear()
        self.readings.append((at, skew_s))

    @property
    def per_hour(self) -> float | None:
        """Seconds per hour by which the clock runs away, by least squares; None while it cannot be told."""
        count = len(self.readings)
        if count < 3:
            return None
        mean_at = sum(at for at, _ in self.readings) / count
        mean_skew = sum(skew for _, skew in self.readings) / count
        square = sum((at - mean_at) ** 2 for at, _ in self.readings)
        if not square:
            return None
        slope = sum((at - mean_at) * (skew - mean_skew) for at, skew in self.readings) / square
        span = self.readings[-1][0] - self.readings[0][0]
        off = max(abs(skew - mean_skew - slope * (at - mean_at)) for at, skew in self.readings)
        plain = count >= _PLAIN_READINGS and abs(slope) * span >= _PLAIN_S and off <= _WAVERS_S
        return slope * 3600 if plain or span >= LONG_ENOUGH_S else None

    def findings(self, others: Sequence[float] = ()) -> list[Finding]:
        """What the readings amount to. `others`: the rates of the other hosts' clocks, as far as they can be told: a drift
        that all share is the jump box's own."""
        rate = self.per_hour
        if rate is None or min(abs(rate), abs(rate - common_rate((rate, *others)))) < DRIFT_S_PER_HOUR:
            return []
        now = self.readings[-1][1]
        if rate * now < 0 and abs(now) > _WAVERS_S:
            return []  # It is being set right, slowly, as chrony does it.
        return [
            Finding(
                id="clock-drifts",
                severity=Severity.WARNING,
                summary=f"the clock runs away by {rate:+.1f} s an hour; beyond 5 s the connector exits, again and again",
                evidence=(f"now {now:+.1f} s from the jump box",),
                remedy="synchronise the host's clock (chrony, systemd-timesyncd; on Windows w32tm with a domain controller)",
            )
        ]


def common_rate(rates: Sequence[float]) -> float:
    """The rate (seconds an hour) at which the hosts' clocks run away together, which is the jump box's doing: their median, of
    two middle ones the smaller; 0 for a single host, which nothing can be told of."""
    ordered = sorted(rates)
    if len(ordered) < 2:
        return 0.0
    return min(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1], key=abs)
