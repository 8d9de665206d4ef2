"""What one round of `status --watch` prints: the dashboard's rows and lines as plain text, and as a JSON-ready document. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any

from tui.health.events import HealthEvent
from tui.health.model import ClusterStatus, HostStatus
from tui.health.monitor import InstanceView, age_seconds
from tui.rendering import counted, fitting, host_columns, problem_lines, status_document
from tui.runbook.tenant_watch import TenantView
from tui.runbook.troubleshot import Troubleshot

_SPARES = (
    "system",
    "tests",
    "version",
    "reconnects",
    "since",
    "admin",
    "drift",
    "clock",
    "tenant's",
    "role",
    "expires",
)
_STEADY = 1.5
"""A latency that differs by less than this factor from those before it is steady."""


@dataclass(frozen=True, slots=True)
class Round:
    """All that is known at one moment. `events`: what happened since the round before."""

    at: datetime
    status: ClusterStatus
    views: Sequence[InstanceView]
    tenant: TenantView
    events: Sequence[HealthEvent] = ()
    tested: Mapping[str, Troubleshot] = field(default_factory=dict)


def round_document(seen: Round) -> dict[str, Any]:
    """The document of one round. A host that does not answer is told as it was last seen, with `stale` and its age."""
    views = {view.name: view for view in seen.views}
    told = status_document(seen.status.model_copy(update={"hosts": _shown(seen)}))
    for host in told["hosts"]:
        host.update(_of_view(views[host["name"]], seen))
    return {
        "at": seen.at.isoformat(timespec="seconds"),
        **told,
        "connected": _connected(seen),
        "problems": [problem.model_dump(mode="json") for problem in seen.status.problems],
        "tenant": {
            "connection": seen.tenant.connection,
            "domain": seen.tenant.domain,
            "online": seen.tenant.online,
            "why": seen.tenant.why,
            "asked": _moment(seen.tenant.asked),
        },
        "events": [event.model_dump(mode="json") for event in seen.events],
    }


def round_lines(seen: Round, width: int | None = None) -> list[str]:
    """One round for people: cluster, tenant, a row a host, what is wrong, what happened."""
    hosts, status = _shown(seen), seen.status
    remembered = any(view.remembered for view in seen.views)
    serving = f"{_connected(seen)} of {len(hosts)} connected" + (", as remembered" if remembered else "")
    lines = [
        f"{seen.at:%Y-%m-%d %H:%M:%S} UTC",
        f"cluster {status.cluster}: {status.verdict.value}, {serving} ({counted(hosts)})",
        _tenant_line(seen.tenant, seen.at),
        "",
        *fitting(_columns(seen, hosts), _SPARES, width),
        *problem_lines(status),
    ]
    stale = [f"{view.name}: stale, last seen {_ago(view, seen.at)}" for view in seen.views if view.failure is not None]
    happened = [f"{event.at:%H:%M:%S} {event.host or status.cluster}: {event.text}" for event in seen.events]
    return [*lines, *stale, *happened, ""]


def _shown(seen: Round) -> tuple[HostStatus, ...]:
    """Every host as counted now; of one that does not answer, what was last seen of it beside its present verdict."""
    last = {view.name: view.status for view in seen.views if view.failure is not None and view.seen is not None}
    return tuple(_stale(host, last.get(host.name)) for host in seen.status.hosts)


def _stale(now: HostStatus, last: HostStatus | None) -> HostStatus:
    return last.model_copy(update={"verdict": now.verdict, "problems": now.problems}) if last is not None else now


def _connected(seen: Round) -> int:
    return sum(host.hub == "connected" for host in seen.status.hosts)


def _tenant_line(tenant: TenantView, now: datetime) -> str:
    word = {True: "online", False: "OFFLINE", None: "not known"}[tenant.online]
    of = " at ".join(part for part in (tenant.connection, tenant.domain) if part)
    asked = f"asked {(now - tenant.asked).total_seconds():.0f} s ago" if tenant.asked is not None else ""
    why = tenant.why if tenant.online is not True else ""
    return f"tenant {of}: ".replace(" : ", ": ") + ", ".join(part for part in (word, why, asked) if part)


def _columns(seen: Round, hosts: Sequence[HostStatus]) -> dict[str, list[str]]:
    views = {view.name: view for view in seen.views}
    columns = host_columns(hosts)
    rows = [views[host.name] for host in hosts]
    own = {
        "role": ["first" if view.first else "additional" for view in rows],
        "since": [_since(view, seen.at) for view in rows],
        "reconnects": [str(view.activity.reconnects) if view.activity else "-" for view in rows],
        "tests": [_tests(seen.tested.get(view.name), seen.at) for view in rows],
        "answer": [_answer(view, seen.at) for view in rows],
    }
    for role in ("connector", "admin"):
        columns[role] = [_with_rate(word, view, role) for word, view in zip(columns[role], rows, strict=True)]
    order = ("host", "role", "system", "verdict", "connector", "admin", "hub", "since", "reconnects", "tests")
    head = {name: (own.get(name) or columns.get(name)) for name in order}
    rest = {name: cells for name, cells in columns.items() if name not in order}
    return {**{name: cells for name, cells in head.items() if cells}, **rest, "answer": own["answer"]}


def _with_rate(word: str, view: InstanceView, role: str) -> str:
    often = view.activity.restarts.get(role, 0) if view.activity is not None else 0
    return f"{word} {often}/h" if often else word


def _since(view: InstanceView, now: datetime) -> str:
    since = view.activity.connected_since if view.activity is not None else None
    return _span((now - since).total_seconds()) if since is not None else "-"


def _tests(tested: Troubleshot | None, now: datetime) -> str:
    if tested is None:
        return "-"
    return f"{'passed' if tested.report.passed else 'NOT passed'} {_span((now - tested.at).total_seconds())} ago"


def _answer(view: InstanceView, now: datetime) -> str:
    """How fast it answers and whether that changes, or for how long it has not."""
    if view.failure is not None:
        age = age_seconds(view, now)
        return "none yet" if age is None else f"stale {_span(age)}"
    if view.remembered:
        return "remembered"
    if not view.latencies:
        return "-"
    usual = median(view.latencies)
    latest = median(view.latencies[-3:])
    trend = " rising" if latest > usual * _STEADY else " falling" if latest * _STEADY < usual else ""
    return f"{view.latencies[-1]:.0f} ms{trend}"


def _span(seconds: float) -> str:
    seconds = max(0.0, seconds)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _ago(view: InstanceView, now: datetime) -> str:
    age = age_seconds(view, now)
    return "never" if age is None else f"{age:.0f} s ago"


def _of_view(view: InstanceView, seen: Round) -> dict[str, Any]:
    age, activity, tested = age_seconds(view, seen.at), view.activity, seen.tested.get(view.name)
    return {
        "role": "first" if view.first else "additional",
        "stale": view.failure is not None,
        "remembered": view.remembered,
        "age_s": round(age, 1) if age is not None else None,
        "latency_ms": round(view.latencies[-1], 1) if view.latencies else None,
        "latencies_ms": [round(each, 1) for each in view.latencies],
        "restarts_per_hour": dict(activity.restarts) if activity is not None else {},
        "connected_since": _moment(activity.connected_since) if activity is not None else None,
        "last_accepted": _moment(activity.last_accepted) if activity is not None else None,
        "reconnects": activity.reconnects if activity is not None else None,
        "troubleshooter": {"at": _moment(tested.at), "passed": tested.report.passed} if tested is not None else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at is not None else None
