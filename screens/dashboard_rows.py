"""Instances as rows of the dashboard: pure functions from what is known to what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from textual.content import Content

from tui.health.model import HostStatus, Verdict
from tui.health.monitor import InstanceView, age_seconds
from tui.remote.errors import HostQuestion
from tui.runbook.troubleshot import Troubleshot
from tui.widgets import words
from tui.widgets.rows import Cell, Column, RowData
from tui.widgets.trend import milliseconds, steady, trend

WIDE: Final = 100
COLUMNS: Final = (
    Column("Host", 18, style="$ink"),
    Column("Role", 5, style="$quiet", from_width=66),
    Column("Verdict", 10),
    Column("Services", 18),
    Column("Hub", 14),
    Column("Since", 9, style="$quiet", right=True, from_width=WIDE),
    Column("Tests", 8, from_width=WIDE),
    Column("Ver.", 9, style="$quiet", from_width=WIDE),
    Column("Cert.", 7, style="$quiet", right=True, from_width=WIDE),
    Column("Clock", 9, from_width=WIDE),
    Column("Drift", 8, from_width=WIDE),
    Column("System", 13, style="$quiet", from_width=136),
    Column("Answer", 14, style="$quiet"),
)

SORTS: Final = (
    ("file", "as in the cluster file"),
    ("gravest", "the gravest first"),
    ("host", "by host name"),
    ("slowest", "the slowest first"),
)
_GRAVITY = {Verdict.DOWN: 0, Verdict.UNKNOWN: 1, Verdict.DEGRADED: 2, Verdict.HEALTHY: 3}
_NONE = Content.styled(words.NOTHING, "$faint")


@dataclass(frozen=True, slots=True)
class Shown:
    """Which instances are shown, and in which order. `text` is looked for in all that a row says."""

    text: str = ""
    ill_only: bool = False
    sort: str = "file"


def asks(view: InstanceView) -> HostQuestion | None:
    """What the instance's host waits for a person to answer."""
    return view.failure if isinstance(view.failure, HostQuestion) else None


def ill(view: InstanceView) -> bool:
    """Whether somebody should look at it."""
    return view.failure is not None or view.status is None or view.status.verdict is not Verdict.HEALTHY


def chosen_views(views: Sequence[InstanceView], shown: Shown, latencies: Mapping[str, float]) -> list[InstanceView]:
    """The instances to show, in order."""
    wanted = shown.text.casefold()
    found = [view for view in views if (not shown.ill_only or ill(view)) and (not wanted or wanted in _text(view))]
    if shown.sort == "gravest":
        found.sort(key=_gravity)
    elif shown.sort == "host":
        found.sort(key=lambda view: view.name)
    elif shown.sort == "slowest":
        found.sort(key=lambda view: -latencies.get(view.name, 0.0))
    return found


def _gravity(view: InstanceView) -> int:
    return 1 if view.failure is not None or view.status is None else _GRAVITY[view.status.verdict]


def _text(view: InstanceView) -> str:
    parts = [view.name, _role(view), "stale" if view.failure else ""]
    if view.status is not None:
        status = view.status
        parts += [status.verdict.value, status.hub, status.version or "", status.os, status.transport]
        parts += [*status.services.values(), *(problem.summary for problem in status.problems)]
    return words.plain(" ".join(parts)).casefold()


def _role(view: InstanceView) -> str:
    return "first" if view.first else "added"


def instance_row(view: InstanceView, now: datetime, latency: float | None, tested: Troubleshot | None) -> RowData:
    """One instance. Grey when what is known of it is old, with its age."""
    status = view.status
    old = view.failure is not None or view.remembered
    if status is None:
        cells: tuple[Cell, ...] = (view.name, _role(view), words.marked("todo", "waiting"))
        blank = (_NONE,) * (len(COLUMNS) - len(cells) - 1)
        return RowData(view.name, (*cells, *blank, _answer(view, now, latency)), dim=True)
    told = (
        view.name,
        _role(view),
        words.verdict(status.verdict.value),
        _services(view, status),
        words.hub_state(status.hub),
        _since(view, now),
        _tested(tested, now),
        status.version or words.NOTHING,
        _certificate(status, now),
        _clock(status.clock_skew_s),
        _drift(view, status),
        f"{status.os}, {status.transport}",
        _answer(view, now, latency),
    )
    return RowData(view.name, tuple(_grey(cell) for cell in told) if old else told, dim=old)


class MadeRows:
    """The rows as made last, made anew only when something of one may have changed. `latencies`: the figures that are shown."""

    def __init__(self) -> None:
        self.latencies: dict[str, float] = {}
        self._made: dict[str, tuple[tuple[object, ...], RowData]] = {}

    def settle(self, view: InstanceView) -> None:
        """Take in an instance's latencies."""
        figure = steady(self.latencies.get(view.name), view.latencies)
        if figure is not None:
            self.latencies[view.name] = figure

    def row(self, view: InstanceView, tested: Troubleshot | None, now: datetime) -> RowData:
        """One instance's row. Ages are told anew every minute, of one that does not answer every second."""
        figure = self.latencies.get(view.name)
        stamp = (id(view), id(tested), figure, int(now.timestamp()) // (1 if view.failure else 60))
        made = self._made.get(view.name)
        if made is None or made[0] != stamp:
            made = self._made[view.name] = (stamp, instance_row(view, now, figure, tested))
        return made[1]


def _grey(cell: Cell) -> str:
    """Without colour, and without the mark of what is certain."""
    text = cell if isinstance(cell, str) else cell.plain
    return f"○ {text[2:]}" if text[:2] in ("✓ ", "! ", "✗ ", "● ") else text


def _services(view: InstanceView, status: HostStatus) -> Content:
    states = status.services
    connector, admin = states.get("connector", "absent"), states.get("admin")
    starts = max(view.activity.restarts.values(), default=0) if view.activity else 0
    often = f" {starts}/h" if starts else ""
    if connector != "running":
        return words.service_state(connector) + Content.styled(often, "$care")
    if admin is not None and admin != "running":
        return words.marked("care", f"admin {words.plain(admin)}{often}")
    word = "both run" if admin is not None else "runs"
    return words.marked("care" if starts > 1 else "good", f"{word}{often}")


def _since(view: InstanceView, now: datetime) -> str:
    activity = view.activity
    if activity is None or activity.connected_since is None:
        return words.NOTHING
    times = f" ×{activity.reconnects}" if activity.reconnects > 1 else ""
    return words.age((now - activity.connected_since).total_seconds()) + times


def _tested(tested: Troubleshot | None, now: datetime) -> Content:
    if tested is None:
        return _NONE
    tone = "good" if tested.report.passed else "bad"
    return words.marked(tone, words.age((now - tested.at).total_seconds()))


def _certificate(status: HostStatus, now: datetime) -> Content | str:
    if status.certificate is None:
        return _NONE
    days = (status.certificate.expires - now).days
    tone = "$bad" if days < 0 or status.certificate.matches_tenant is False else "$care" if days < 30 else "$quiet"
    return Content.styled(f"{days} d" if days >= 0 else "expired", tone)


def _clock(skew: float | None) -> Content:
    """Without a mark while it is right: most are."""
    told = words.skew(skew)
    return _NONE if skew is None else told[2:] if told.plain.startswith("✓") else told


def _drift(view: InstanceView, status: HostStatus) -> Content:
    if view.first:
        return _NONE
    count = sum(not each.equal for each in status.drift)
    return words.marked("care", words.count(count, "key")) if count else Content.styled("none", "$good")


def _answer(view: InstanceView, now: datetime, latency: float | None) -> Content | str:
    """How fast it answers, or for how long it has not."""
    if asks(view) is not None:
        return Content.styled("asks you", "$care")
    if view.failure is not None:
        age = age_seconds(view, now)
        return "no answer" if age is None else f"stale {words.stale_age(age)}"
    if view.status is None:
        return ""
    if view.remembered:
        return "remembered"
    return Content.assemble((f"{milliseconds(latency):>5} ", "$quiet"), (trend(view.latencies), "$faint"))
