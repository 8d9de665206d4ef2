"""Reading a connector's log: what it shows of the instance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from tui.connector.log_messages import recognise
from tui.connector.model import LogEvent, LogReport
from tui.connector.text import plain, without_tickets
from tui.findings import Finding, Severity

LOOP_STARTS = 3
LOOP_WINDOW = timedelta(minutes=15)
STABLE = timedelta(seconds=60)
RECENT = timedelta(days=1)
EVENTS = 500
"""At most so many events are reported, the latest."""

_TIME = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\]\s*")
_WIDTH = 300


def readable_log(text: str) -> str:
    """A log for people: colours removed, tickets replaced by dots."""
    return without_tickets(plain(text))


def read_log(text: str) -> LogReport:
    """What a connector log shows; any text is accepted, whatever stands between the known lines."""
    events, last_time = _events(text)
    starts = [i for i, event in enumerate(events) if event.kind == "start"]
    bounds = [*starts, len(events)] if starts else [0, len(events)]
    segments = [events[begin:end] for begin, end in pairwise(bounds)]
    accepted = [event.at for event in events if event.kind == "accepted"]
    generated = any(event.kind == "certificate-generated" for event in events)
    return LogReport(
        state=_state(segments, last_time),
        starts=len(starts),
        last_start=events[starts[-1]].at if starts else None,
        last_accepted=accepted[-1] if accepted else None,
        generated_certificate=generated,
        events=tuple(events[-EVENTS:]),
        findings=tuple(_findings(segments, last_time)),
    )


def fatal_events(report: LogReport, *, last_start_only: bool = False) -> tuple[LogEvent, ...]:
    """The events after which an instance is not connected; with `last_start_only` those since its last start."""
    events = report.events
    if last_start_only:
        begin = max((i for i, event in enumerate(events) if event.kind == "start"), default=0)
        events = events[begin:]
    return tuple(event for event in events if event.fatal)


def _events(text: str) -> tuple[list[LogEvent], datetime | None]:
    """The known lines, and the time of the last line that has one."""
    events: list[LogEvent] = []
    last: datetime | None = None
    for line in readable_log(text).split("\n"):
        found = _TIME.search(line)
        at = _time(found.group(1)) if found else None
        last = at or last
        message = recognise(line)
        if message:
            events.append(
                LogEvent(
                    at=at,
                    kind=message.kind,
                    text=(line[found.end() :] if found else line).strip()[:_WIDTH],
                    meaning=message.meaning,
                    fatal=message.ends,
                    remedy=message.remedy,
                )
            )
    return events, last


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None


def _dies(segment: Sequence[LogEvent]) -> bool:
    return any(event.fatal and event.kind != "certificate-generated" for event in segment)


def _segment_state(segment: Sequence[LogEvent]) -> str:
    """Where an instance stands after the events of one start."""
    state = "unknown"
    for event in segment:
        if event.kind == "accepted":
            state = "connected"
        elif event.kind in ("rejected", "wrong-ticket"):
            state = "rejected"
        elif event.kind == "unconfigured":
            state = "unconfigured"
        elif event.kind == "bad-decrypt":
            state = "stuck"
        elif event.fatal and event.kind != "certificate-generated":
            state = state if state in ("rejected", "unconfigured") else "crash_loop"
        elif event.kind == "start-limit":
            state = state if state != "unknown" else "crash_loop"
        elif event.kind in ("start", "websocket", "reconnecting", "hub-disconnected", "published") and state not in (
            "rejected",
            "stuck",
        ):
            state = "connecting"
    return state


def _looping(segments: Sequence[Sequence[LogEvent]]) -> bool:
    """Whether the starts before the last one ended by themselves, quickly one after another."""
    recent = segments[-LOOP_STARTS:]
    if len(recent) < LOOP_STARTS or not all(_dies(segment) for segment in recent[:-1]):
        return False
    times = [segment[0].at for segment in recent if segment and segment[0].at]
    return len(times) < 2 or times[-1] - times[0] <= LOOP_WINDOW


def _state(segments: Sequence[Sequence[LogEvent]], last_time: datetime | None) -> str:
    state = _segment_state(segments[-1]) if segments else "unknown"
    if state == "connected":
        accepted = next((event.at for event in reversed(segments[-1]) if event.kind == "accepted"), None)
        stable = accepted and last_time and last_time - accepted >= STABLE
        return "crash_loop" if _looping(segments) and not stable else "connected"
    if state == "connecting" and _looping(segments):
        return "crash_loop"
    return state


def _recent(segments: Sequence[Sequence[LogEvent]], last_time: datetime | None) -> list[Sequence[LogEvent]]:
    """The segments of the day before the log's last line; all when its lines have no times."""
    if last_time is None:
        return list(segments)
    begin = last_time - RECENT
    return [[event for event in segment if event.at is None or event.at >= begin] for segment in segments]


def _findings(segments: Sequence[Sequence[LogEvent]], last_time: datetime | None) -> list[Finding]:
    recent = _recent(segments, last_time)
    died = [segment for segment in recent if _dies(segment)]
    degraded = sum(event.kind == "network-degraded" for segment in recent for event in segment)
    found = [*_generated(segments), *_flapping(segments, last_time)]
    if len(died) >= LOOP_STARTS:
        fatal = [event for segment in died for event in segment if event.fatal]
        found.append(
            Finding(
                id="restarts",
                severity=Severity.WARNING,
                summary=f"{len(died)} starts of the last day ended by themselves",
                evidence=tuple(dict.fromkeys(event.meaning for event in fatal)),
                remedy=next((event.remedy for event in reversed(fatal)), None),
            )
        )
    if degraded >= LOOP_STARTS:
        found.append(
            Finding(
                id="network-degraded",
                severity=Severity.WARNING,
                summary=f"pings to the tenant failed {degraded} times in the last day",
                remedy="look at the firewall, the proxy and the line",
            )
        )
    return found


def _flapping(segments: Sequence[Sequence[LogEvent]], last_time: datetime | None) -> list[Finding]:
    """Accepted, and gone again, several times within a quarter of an hour: the daily reconnection is not that."""
    events = [event for segment in segments for event in segment]
    if last_time is not None:
        events = [event for event in events if event.at is None or event.at >= last_time - LOOP_WINDOW]
    losses, accepted = [], False
    for event in events:
        if event.kind == "accepted":
            accepted = True
        elif accepted and (event.fatal or event.kind in ("hub-disconnected", "reconnecting")):
            losses.append(event)
            accepted = False
    if len(losses) < LOOP_STARTS:
        return []
    return [
        Finding(
            id="flapping",
            severity=Severity.BLOCKER,
            summary=f"it was accepted and lost its connection {len(losses)} times within a quarter of an hour",
            evidence=tuple(event.text for event in losses[-3:]),
            remedy=losses[-1].remedy or "look at the firewall, the proxy and the line to the tenant",
        )
    ]


def _generated(segments: Sequence[Sequence[LogEvent]]) -> list[Finding]:
    """A certificate made by the last start is a disaster; one of an earlier start is how the first host began."""
    for number, segment in enumerate(reversed(segments)):
        for event in segment:
            if event.kind == "certificate-generated":
                last = number == 0
                return [
                    Finding(
                        id="certificate-generated" if last else "certificate-generated-earlier",
                        severity=Severity.BLOCKER if last else Severity.NOTE,
                        summary="this instance made and published a certificate of its own"
                        + ("" if last else " at an earlier start, as every first host does once"),
                        evidence=(event.text,),
                        remedy=event.remedy if last else None,
                    )
                ]
    return []
