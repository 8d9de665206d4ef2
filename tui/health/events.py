"""What has happened to an instance between two looks, for the history that the dashboard shows and the journal keeps."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from tui.findings import Severity
from tui.health.model import HostStatus, Verdict

_WORTH_TELLING = frozenset({"hub-disconnected", "reconnecting", "accepted", "rejected", "start", "published"})
_SHOWN = 160


class HealthEvent(BaseModel):
    """One thing that happened. `kind`: `verdict`, `service`, `hub`, `certificate`, `drift`, `log`, `unreachable`, `back`, `cluster`.
    `host` None: it concerns the cluster. `at` is UTC by the jump box."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    host: str | None
    kind: str
    text: str


def events_between(before: HostStatus | None, now: HostStatus) -> list[HealthEvent]:
    """What differs between two looks at one instance; nothing for the first look."""
    if before is None:
        return []
    found: list[tuple[str, str]] = []
    if before.verdict is not now.verdict:
        worst = next((p.summary for p in now.problems if p.severity is Severity.BLOCKER), "")
        because = f": {worst}" if worst and now.verdict is not Verdict.HEALTHY else ""
        found.append(("verdict", f"{before.verdict.value} → {now.verdict.value}{because}"))
    for role in sorted({*before.services, *now.services}):
        was, state = before.services.get(role, "absent"), now.services.get(role, "absent")
        if was != state:
            found.append(("service", f"{role} {was} → {state}".replace("_", " ")))
    if before.hub != now.hub:
        found.append(("hub", f"hub {before.hub} → {now.hub}".replace("_", " ")))
    if _thumbprint(before) != _thumbprint(now):
        found.append(("certificate", f"certificate {_thumbprint(before) or 'none'} → {_thumbprint(now) or 'none'}"))
    drifted = {each.key for each in now.drift if not each.equal}
    drifted_before = {each.key for each in before.drift if not each.equal}
    if drifted != drifted_before:
        found.append(("drift", f"drift: {', '.join(sorted(drifted)) or 'none any more'}"))
    found += [("log", text) for text in _new_lines(before, now)]
    return [HealthEvent(at=now.observed, host=now.name, kind=kind, text=text) for kind, text in found]


def changed_meanwhile(before: HostStatus, now: HostStatus) -> list[HealthEvent]:
    """What differs between the state that was remembered from before this program was started, and the first look."""
    if before.verdict is now.verdict:
        return []
    text = f"{before.verdict.value} at {before.observed:%Y-%m-%d %H:%M} UTC, when it was last watched → {now.verdict.value}"
    return [HealthEvent(at=now.observed, host=now.name, kind="verdict", text=text)]


def _thumbprint(status: HostStatus) -> str | None:
    return status.certificate.thumbprint if status.certificate else None


def _new_lines(before: HostStatus, now: HostStatus) -> list[str]:
    """The known lines that stand in the log now and did not before."""
    if before.log is None or now.log is None or before.log == now.log:
        return []
    seen, found, last = set(before.log.events), [], ""
    for event in now.log.events:
        # An instance without a hub says so every ten seconds: the first time tells all.
        if event not in seen and event.kind != last and (event.fatal or event.kind in _WORTH_TELLING):
            found.append(f"{event.text[:_SHOWN]} ({event.meaning})")
        last = event.kind
    return found
