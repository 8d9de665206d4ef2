"""The clock: the connector dies, for ever again, when its host is more than five seconds off."""

from __future__ import annotations

from tui.findings import Finding, Severity

MAX_SKEW_S = 5.0
"""The connector's own limit; it checks every five seconds and exits beyond it."""


_HOW_TO_SET = {
    "linux": "synchronise the host's clock (chrony or systemd-timesyncd), then look again",
    "windows": "run `w32tm /resync` on the host, then look again; a member of a domain follows its domain controller, so when "
    "`w32tm /query /status` names one, that controller's clock is to be set",
}


def clock_findings(skew_s: float | None, reference_s: float | None = None, *, system: str = "linux") -> list[Finding]:
    """What a host's clock means. Both in seconds against the jump box; `reference_s` is that of a connected host.

    A connected host's clock agrees with the tenant's, so where there is one it is the yardstick and the jump
    box's clock is not.
    """
    if skew_s is None:
        return [
            Finding(
                id="clock-not-read",
                severity=Severity.WARNING,
                summary="the host's clock could not be read",
                remedy=f"run {'Get-Date' if system == 'windows' else 'date'} on the host",
            )
        ]
    off = skew_s - (reference_s or 0.0)
    if abs(off) > MAX_SKEW_S:
        direction = "ahead" if off > 0 else "behind"
        yardstick = "a connected host" if reference_s is not None else "the jump box"
        return [
            Finding(
                id="clock-skew",
                severity=Severity.BLOCKER,
                summary=f"the clock is {abs(off):.1f} s {direction} of {yardstick}; the connector exits beyond 5 s, for ever again",
                evidence=(f"host − jump box = {skew_s:+.1f} s",),
                remedy=_HOW_TO_SET[system],
            )
        ]
    if abs(skew_s) > MAX_SKEW_S:
        return [
            Finding(
                id="jump-box-clock",
                severity=Severity.NOTE,
                summary=f"the jump box's own clock is off by {abs(skew_s):.1f} s; times in the journal and the report are too",
                remedy="synchronise the jump box's clock",
            )
        ]
    return []
