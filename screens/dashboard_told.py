"""What the dashboard says of the cluster, of the tenant, and of one instance: pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePath

from textual.content import Content

from screens.connect import error_facts
from screens.dashboard_rows import SORTS, Shown, asks, ill
from tui.connector.model import TroubleshooterReport
from tui.findings import Severity
from tui.health.events import HealthEvent
from tui.health.model import ClusterStatus, HostStatus
from tui.health.monitor import InstanceView
from tui.runbook.tenant_watch import TenantView
from tui.runbook.troubleshot import Troubleshot
from tui.runbook.watched import Watched
from tui.widgets import words
from tui.widgets.facts import Told

_TONES = {"verdict": "$ink", "hub": "$ink", "service": "$ink", "unreachable": "$care", "back": "$good"}


def cluster_line(status: ClusterStatus, views: Sequence[InstanceView]) -> Content:
    """The cluster's verdict, how many serve, and what concerns more than one instance."""
    serving = sum(view.status is not None and view.failure is None and view.status.hub == "connected" for view in views)
    told = f"{serving} of {words.count(len(views), 'instance')} connected"
    if any(view.remembered for view in views):
        told += ", as remembered"
    stale = sum(view.failure is not None for view in views)
    if stale:
        told += f", {words.count(stale, 'host')} without an answer"
    line = Content.assemble(("Cluster  ", "$quiet"), words.verdict(status.verdict.value), f"  {told}")
    worst = next((each.summary for each in status.problems if each.severity is not Severity.NOTE), "")
    return line + Content.styled(f". {worst[:1].upper()}{worst[1:]}", "$care") if worst else line


def tenant_line(tenant: TenantView) -> Content:
    """Whether the connection is online, and for whom."""
    of = " at ".join(part for part in (tenant.connection, tenant.domain) if part)
    if tenant.online is None:
        word, told = words.marked("none", "not known"), tenant.why
    else:
        word = words.marked("good", "online") if tenant.online else words.marked("bad", "offline")
        told = "" if tenant.online else tenant.why
    parts = "  ".join(part for part in (of, told) if part)
    return Content.assemble(("Tenant   ", "$quiet"), word, (f"  {parts}", "$quiet"))


def top_left(name: str, *, demo: bool) -> Content:
    """The program and the cluster."""
    left = Content.assemble(("adldap-ha", "bold $go"), ("  ", ""), (name, "$ink"))
    return left + Content.styled("  demo: nothing here is real", "$quiet") if demo else left


def top_right(shown: Shown, watched: Watched | None, *, unlocked: bool) -> Content:
    """How the dashboard stands: whether anything can be changed, what is left out, how often it looks."""
    parts = [Content.styled("unlocked", "bold $care") if unlocked else Content.styled("read-only", "$quiet")]
    if shown.ill_only:
        parts.append(Content.styled("errors only", "$care"))
    if shown.text:
        parts.append(Content.styled(f"filter {shown.text}", "$care"))
    if shown.sort != "file":
        parts.append(Content.styled(dict(SORTS)[shown.sort], "$quiet"))
    if watched is not None:
        told, tone = ("paused", "$care") if watched.paused else (f"every {watched.interval:.0f} s", "$quiet")
        parts.append(Content.styled(told, tone))
    return Content.styled(" · ", "$faint").join(parts)


def situation(status: ClusterStatus, views: Sequence[InstanceView]) -> tuple[str, str]:
    """One sentence on where to look, and its tone."""
    waiting = [view.name for view in views if asks(view) is not None]
    if waiting:
        return f"{words.listed(waiting)} cannot be reached without an answer of yours.", "care"
    if any(view.status is None or view.remembered for view in views):
        return "What was known before is shown until each host has been looked at.", "now"
    wrong = [view.name for view in views if ill(view)]
    if wrong:
        return f"Look at {words.listed(wrong)}.", "care"
    if status.verdict.value != "healthy":
        return f"The cluster is {status.verdict.value}: see the details.", "care"
    return "All is well.", "good"


def check_facts(view: InstanceView, tested: Troubleshot | None, now: datetime, first: str) -> list[tuple[str, Told]]:
    """What was looked at on one instance, and what was seen."""
    facts: list[tuple[str, Told]] = []
    if view.failure is not None:
        facts += error_facts(view.failure)
        if view.seen is not None:
            facts.append(("Last seen", words.moment(view.seen)))
    elif view.remembered:
        facts.append(("Remembered", f"this is how it was {words.moment(view.seen)}"))
    if view.status is not None and (view.failure is None or view.seen is not None):
        facts += _status_facts(view, view.status, now, first)
    facts.append(("Troubleshooter", _tested(tested)))
    return facts


def _status_facts(view: InstanceView, status: HostStatus, now: datetime, first: str) -> list[tuple[str, Told]]:
    facts: list[tuple[str, Told]] = [("Services", _services(view, status)), ("Hub", _hub(view, status))]
    if status.certificate is not None:
        tone, left = words.until(status.certificate.expires, now)
        whose = {True: "the tenant's", False: "not the tenant's", None: "tenant not asked"}
        tone = "bad" if status.certificate.matches_tenant is False else tone
        told = f"  {whose[status.certificate.matches_tenant]}, to {words.date(status.certificate.expires)}, "
        facts.append(
            (
                "Certificate",
                Content.assemble(
                    words.marked(tone, left), (told + words.digest(status.certificate.thumbprint, 8), "$quiet")
                ),
            )
        )
    facts.append(("Clock", words.skew(status.clock_skew_s) + Content.styled("  from this jump box", "$quiet")))
    facts.append(("Configuration", _configuration(view, status, first)))
    facts.append(("System", f"{status.os} over {status.transport}, connector {status.version or 'not found'}"))
    if status.install_dir:
        facts.append(("Installed in", PurePath(status.install_dir)))
    return facts


def _services(view: InstanceView, status: HostStatus) -> Content:
    parts = [Content.assemble(f"{role} ", words.service_state(state)) for role, state in status.services.items()]
    if view.activity is None or not view.activity.restarts:
        return Content("  ").join(parts) if parts else words.marked("none", "none found")
    counts = view.activity.restarts
    often = sum(counts.values())
    each = f" ({', '.join(f'{role} {count}' for role, count in counts.items())})" if often else ""
    told = f"{words.count(often, 'start')} an hour{each}"
    return Content("  ").join([*parts, Content.styled(told, "$care" if often else "$quiet")])


def _hub(view: InstanceView, status: HostStatus) -> Content:
    line, activity = words.hub_state(status.hub), view.activity
    told = []
    if activity is not None and activity.connected_since is not None:
        told.append(f"since {words.moment(activity.connected_since)}")
    elif activity is not None and activity.last_accepted is not None:
        told.append(f"last accepted {words.moment(activity.last_accepted)}")
    if activity is not None:
        told.append(f"{words.count(activity.reconnects, 'reconnect')} a day")
    return line + Content.styled(f"  {', '.join(told)}", "$quiet") if told else line


def _configuration(view: InstanceView, status: HostStatus, first: str) -> Content:
    if view.first:
        return Content.styled("the others are compared with this one", "$quiet")
    differing = [each.key for each in status.drift if not each.equal]
    if not differing:
        return words.marked("good", f"as on {first}")
    return words.marked("care", f"differs from {first} in {words.listed(differing)}")


def _tested(tested: Troubleshot | None) -> Content:
    if tested is None:
        return Content.styled("not run yet: press t", "$quiet")
    word = words.marked("good", "passed") if tested.report.passed else words.marked("bad", "not passed")
    return word + Content.styled(f"  {words.moment(tested.at)}: {tally(tested.report)}", "$quiet")


def tally(report: TroubleshooterReport) -> str:
    """How many tests ended how: `6 passed, 1 not applicable`."""
    counts: dict[str, int] = {}
    for test in report.tests:
        counts[words.plain(test.outcome.value)] = counts.get(words.plain(test.outcome.value), 0) + 1
    told = ", ".join(f"{count} {word}" for word, count in counts.items())
    return told if report.complete else f"{told}; it stopped early"


def event_lines(events: Sequence[HealthEvent], host: str) -> list[Content]:
    """What happened to one instance and to the cluster, the latest first."""
    told = [event for event in events if event.host in (host, None)]
    lines = [
        Content.assemble(
            (f"{event.at:%Y-%m-%d %H:%M:%S} UTC  ", "$quiet"), (event.text, _TONES.get(event.kind, "$quiet"))
        )
        for event in reversed(told)
    ]
    return lines or [Content.styled("Nothing has happened since somebody watches.", "$quiet")]
