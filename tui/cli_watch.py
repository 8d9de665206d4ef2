"""`status --watch`: what the dashboard shows, round by round, without the full-screen program."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from tui.console import Exit, flush, leave, width, write_document, write_lines

if TYPE_CHECKING:
    from tui.health.events import HealthEvent
    from tui.health.model import ClusterStatus
    from tui.health.monitor import InstanceView
    from tui.runbook.cluster_operations import ClusterOperations
    from tui.runbook.watching import Watching

_FIRST_ROUND_S = 30.0


def watch_status(operations: ClusterOperations, *, interval: float, rounds: int | None, as_json: bool) -> NoReturn:
    """Print a round every `interval` seconds, for ever or so many times. Ends with the last round's verdict, or by a signal."""
    from tui.health.model import Verdict

    last = Verdict.UNKNOWN
    for document, lines in _rounds(operations, interval, rounds):
        last = Verdict(document["verdict"])
        if as_json:
            write_document(document, compact=True)
        else:
            write_lines(lines)
        flush()
    leave({Verdict.HEALTHY: Exit.OK, Verdict.UNKNOWN: Exit.UNKNOWN}.get(last, Exit.FAILED))


def _rounds(
    operations: ClusterOperations, interval: float, rounds: int | None
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    told = threading.Semaphore(0)
    watched = operations.watch(interval=interval, on_change=lambda _name: told.release())
    try:
        _await_first(watched, told)
        number, known = 0, 0
        while rounds is None or number < rounds:
            if number:
                threading.Event().wait(watched.monitor.interval)
            now, events = datetime.now(UTC), watched.monitor.events()
            views, status = watched.monitor.views(), watched.monitor.status()
            yield _document(status, views, now), _lines(status, views, events[known:], now)
            known, number = len(events), number + 1
    finally:
        watched.close()


def _await_first(watched: Watching, told: threading.Semaphore) -> None:
    """Until every instance was looked at once, or has had its time."""
    for _ in watched.monitor.views():
        if not told.acquire(timeout=_FIRST_ROUND_S):
            return


def _document(status: ClusterStatus, views: list[InstanceView], now: datetime) -> dict[str, Any]:
    from tui.rendering import status_document

    document = status_document(status)
    by_name = {view.name: view for view in views}
    for host in document["hosts"]:
        host.update(_freshness(by_name[host["name"]], now))
    problems = [problem.model_dump(mode="json") for problem in status.problems]
    return {"at": now.isoformat(timespec="seconds"), **document, "problems": problems}


def _freshness(view: InstanceView, now: datetime) -> dict[str, Any]:
    from tui.health.monitor import age_seconds

    age = age_seconds(view, now)
    return {
        "stale": view.failure is not None,
        "age_s": round(age, 1) if age is not None else None,
        "latency_ms": round(view.latencies[-1], 1) if view.latencies else None,
    }


def _lines(status: ClusterStatus, views: list[InstanceView], events: list[HealthEvent], now: datetime) -> list[str]:
    from tui.rendering import status_lines

    lines = [f"{now:%Y-%m-%d %H:%M:%S} UTC", *status_lines(status, width())]
    fresh = {view.name: _freshness(view, now) for view in views}
    stale = [f"{name}: stale, last seen {_ago(seen['age_s'])}" for name, seen in fresh.items() if seen["stale"]]
    happened = [f"{event.at:%H:%M:%S} {event.host or status.cluster}: {event.text}" for event in events]
    return [*lines, *stale, *happened, ""]


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s ago"
