"""What only several looks at an instance can tell: a clock that drifts."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tui.findings import Finding, Severity

LONG_ENOUGH_S = 600.0
"""How far apart the first and the last reading must lie before a drift is believed: single readings waver by a round trip."""

DRIFT_S_PER_HOUR = 1.0
"""A free-running quartz clock loses about two seconds a day; at this rate the connector's limit of 5 s is hours away."""


@dataclass(slots=True)
class ClockTrend:
    """The readings of one host's clock skew, each with the moment it was taken (both in seconds)."""

    readings: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=120))

    def add(self, at: float, skew_s: float) -> None:
        """Take in a reading; a jump of more than two seconds is a clock that was set, and what came before counts no more."""
        if self.readings and abs(skew_s - self.readings[-1][1]) > 2.0:
            self.readings.clear()
        self.readings.append((at, skew_s))

    @property
    def per_hour(self) -> float | None:
        """Seconds per hour by which the clock runs away, by least squares; None while it cannot be told."""
        if len(self.readings) < 3 or self.readings[-1][0] - self.readings[0][0] < LONG_ENOUGH_S:
            return None
        count = len(self.readings)
        mean_at = sum(at for at, _ in self.readings) / count
        mean_skew = sum(skew for _, skew in self.readings) / count
        spread = sum((at - mean_at) ** 2 for at, _ in self.readings)
        slope = sum((at - mean_at) * (skew - mean_skew) for at, skew in self.readings) / spread
        return slope * 3600

    def findings(self) -> list[Finding]:
        """What the readings amount to."""
        rate = self.per_hour
        if rate is None or abs(rate) < DRIFT_S_PER_HOUR:
            return []
        return [
            Finding(
                id="clock-drifts",
                severity=Severity.WARNING,
                summary=f"the clock runs away by {rate:+.1f} s an hour; beyond 5 s the connector exits, again and again",
                evidence=(f"now {self.readings[-1][1]:+.1f} s from the jump box",),
                remedy="synchronise the host's clock (chrony, systemd-timesyncd; on Windows w32tm with a domain controller)",
            )
        ]
