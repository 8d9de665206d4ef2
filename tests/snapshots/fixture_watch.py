"""A cluster under watch that holds still, for pictures and for tests of the dashboard alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.snapshots import fixture_data as data
from tui.connector.model import KeyClass, KeyDifference, TroubleshooterReport
from tui.findings import Finding, Severity
from tui.health.activity import Activity
from tui.health.cluster import judge_cluster
from tui.health.events import HealthEvent
from tui.health.model import ClusterStatus, HostStatus, Verdict
from tui.health.monitor import InstanceView
from tui.remote.errors import HostUnreachable
from tui.runbook.tenant_watch import TenantView
from tui.runbook.troubleshot import Troubleshot

LATENCIES = {
    data.FIRST: (3.1, 2.9, 3.4, 3.0, 3.2, 3.1),
    data.SECOND: (3.0, 3.3, 12.0, 4.0, 3.1, 3.2),
    data.THIRD: (28.0, 31.0, 27.5, 64.0, 29.0, 30.0),
}
UNREACHABLE = HostUnreachable(
    "nothing answers on port 2222",
    host=data.THIRD,
    tried="connected to 10.40.3.17 port 2222 through bastion.ams.example.com for 10 s",
    meaning="the host is down, or a firewall stands between",
    remedy="try `ssh` by hand from this jump box",
)


def view(name: str, **changed: object) -> InstanceView:
    """A healthy instance that has been connected for twelve days."""
    made = InstanceView(
        name,
        name == data.FIRST,
        status=data.host_status(name),
        seen=data.NOW - timedelta(seconds=2),
        latencies=LATENCIES.get(name, (3.0,) * 6),
        activity=Activity(
            {"connector": 0, "admin": 0},
            connected_since=data.NOW - timedelta(days=12),
            last_accepted=data.NOW - timedelta(days=12),
            reconnects=1,
        ),
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def healthy() -> list[InstanceView]:
    """All three as they should be."""
    return [view(name) for name in (data.FIRST, data.SECOND, data.THIRD)]


def degraded() -> list[InstanceView]:
    """One in a crash loop with a wrong clock and another base, one whose certificate runs out."""
    looping = data.host_status(data.SECOND, Verdict.DOWN)
    drift = KeyDifference(key="LDAP_BASE", key_class=KeyClass.EQUAL, here="DC=old", there="DC=corp", equal=False)
    ill = looping.model_copy(update={"drift": (drift,)})
    certificate = data.host_status(data.THIRD).certificate
    assert certificate is not None
    ending = Finding(
        id="certificate-ends",
        severity=Severity.WARNING,
        summary="The certificate ends in 12 days.",
        remedy="Renew it before then: every instance needs the new pair at the same moment.",
    )
    late = certificate.model_copy(update={"expires": data.NOW + timedelta(days=12)})
    near = data.host_status(data.THIRD).model_copy(
        update={"certificate": late, "problems": (ending,), "verdict": Verdict.DEGRADED}
    )
    return [
        view(data.FIRST),
        view(data.SECOND, status=ill, activity=Activity({"connector": 14, "admin": 0}, reconnects=0)),
        view(data.THIRD, status=near),
    ]


def stale() -> list[InstanceView]:
    """One that has not answered for 34 seconds."""
    return [*healthy()[:2], view(data.THIRD, seen=data.NOW - timedelta(seconds=34), failure=UNREACHABLE)]


def remembered() -> list[InstanceView]:
    """As it was yesterday, before anybody has been looked at."""
    seen = data.NOW - timedelta(hours=14)
    return [replace(each, remembered=True, seen=seen, activity=None, latencies=()) for each in healthy()]


def many(count: int = 40) -> list[InstanceView]:
    """A long table; every ninth instance is down, every thirteenth does not answer."""
    found = []
    for number in range(1, count + 1):
        name = f"ldap-{('fra', 'ams', 'iad')[number % 3]}-{number:02d}"
        status = data.host_status(name, Verdict.DOWN if number % 9 == 0 else Verdict.HEALTHY)
        made = view(name, status=status, latencies=tuple(3.0 + number * part for part in (0, 1, 0, 2, 0, 1)))
        failing = {"failure": UNREACHABLE, "seen": data.NOW - timedelta(seconds=7 * number)} if number % 13 == 0 else {}
        found.append(replace(made, first=number == 1, **failing))  # type: ignore[arg-type]
    return found


def differences() -> tuple[KeyDifference, ...]:
    """One key differs, a secret among them that is equal."""
    rows = (
        ("AGENT_MODE", KeyClass.EQUAL, "true", "true"),
        ("LDAP_BASE", KeyClass.EQUAL, "DC=old,DC=example,DC=com", "DC=corp,DC=example,DC=com"),
        ("LDAP_BIND_CREDENTIALS", KeyClass.SECRET, "different", "set"),
        ("LDAP_URL", KeyClass.SITE, "ldaps://dc3.corp.example.com", "ldaps://dc1.corp.example.com"),
        ("SESSION_SECRET", KeyClass.SECRET, "equal", "equal"),
    )
    return tuple(
        KeyDifference(key=key, key_class=kind, here=here, there=there, equal=here == there)
        for key, kind, here, there in rows
    )


def history() -> list[HealthEvent]:
    """A short loss of the hub in the night."""
    told = (
        (data.SECOND, "hub", "hub connected → connecting", 400),
        (data.SECOND, "verdict", "healthy → down: it runs but has no connection to the hub", 400),
        (data.SECOND, "hub", "hub connecting → connected", 390),
        (data.SECOND, "verdict", "down → healthy", 390),
        (None, "cluster", "all is well again", 389),
    )
    return [
        HealthEvent(at=data.NOW - timedelta(minutes=ago), host=host, kind=kind, text=text)
        for host, kind, text, ago in told
    ]


@dataclass
class FixtureWatch:
    """Fixed answers; what was asked for is kept."""

    known: list[InstanceView] = field(default_factory=healthy)
    problems: tuple[Finding, ...] = ()
    interval: float = 5.0
    paused: bool = False
    refreshed: list[str | None] = field(default_factory=list)
    tested: dict[str, Troubleshot] = field(default_factory=dict)
    on_change: Callable[[str], None] | None = None
    closed: bool = False

    def set_interval(self, seconds: float) -> None:
        self.interval = seconds

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def refresh(self, name: str | None = None) -> None:
        self.refreshed.append(name)

    def views(self) -> list[InstanceView]:
        return list(self.known)

    def put(self, changed: InstanceView) -> None:
        """A look has brought something new."""
        self.known = [changed if each.name == changed.name else each for each in self.known]
        if self.on_change is not None:
            self.on_change(changed.name)

    def status(self) -> ClusterStatus:
        return judge_cluster("corp-ldap", [self._current(each) for each in self.known if each.status], self.problems)

    @staticmethod
    def _current(view: InstanceView) -> HostStatus:
        assert view.status is not None
        return view.status.model_copy(update={"verdict": Verdict.UNKNOWN}) if view.failure else view.status

    def tenant(self) -> TenantView:
        return TenantView("corp-ldap", "example.eu.auth0.com", True, "online", asked=data.NOW)

    def events(self) -> list[HealthEvent]:
        return history()

    def earlier_events(self, *, limit: int = 200) -> list[HealthEvent]:
        return history()

    def log(self, name: str) -> str:
        return "\n".join(
            (
                "[2026-11-23 09:29:31] STARTING AD-LDAP CONNECTOR",
                "[2026-11-23 09:29:32] Local settings updated.",
                "[2026-11-23 09:29:33] Connection corp-ldap configured.",
                "[2026-11-23 09:29:33] Connected to websocket",
                "[2026-11-23 09:29:33] auth0: Agent accepted.",
                "[2026-11-23 09:29:40] user ines: 200 in 31 ms",
            )
        )

    def compared(self, name: str) -> tuple[KeyDifference, ...] | None:
        return differences() if name == data.SECOND else tuple(each for each in differences() if each.equal)

    def troubleshot(self) -> dict[str, Troubleshot]:
        return dict(self.tested)

    def troubleshoot(self, name: str) -> tuple[TroubleshooterReport, str]:
        report, text = data.troubleshooter()
        self.tested[name] = Troubleshot(at=data.NOW, report=report)
        return report, text

    def open_console(self, name: str) -> str:
        return "http://127.0.0.1:43817/"

    def close(self) -> None:
        self.closed = True
