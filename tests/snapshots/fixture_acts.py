"""Plans and runs of the acts of an ordinary week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, cast

from tests.snapshots import fixture_data as data
from tests.snapshots import fixture_run as runs
from tests.snapshots.fixture_data import FIRST, NOW, SECOND, THIRD
from tui.cluster import Host
from tui.errors import OperatorError
from tui.findings import Finding
from tui.remote.access import Access
from tui.runbook.act_operations import NOTHING
from tui.runbook.acts import DRILL, RESTART, acted_on
from tui.runbook.context import RunContext
from tui.runbook.giving_stages import GIVING_ACTS, given_hosts, giving_stages, interruption
from tui.runbook.links import Links
from tui.runbook.model import Change, HostVerdict, Plan, PlannedStep, RunState, RunView, StepState, StepView
from tui.runbook.order import ADDING, Act, Wanted
from tui.runbook.procedure import chosen_hosts, plan_of
from tui.runbook.promotion import Promotion
from tui.runbook.steps.base import HostStep
from tui.runbook.typed_change import TypedWrong
from tui.vault.model import Backup

if TYPE_CHECKING:
    from tui.runbook.safekeeping import Safekeeping

_CHANGES = {
    "drain": (Change(action="stop", subject="auth0-adldap.service"),),
    "return": (Change(action="start", subject="auth0-adldap.service"),),
}
_GIVEN = {
    **_CHANGES,
    "stop-services": (
        Change(action="stop", subject="auth0-adldap.service"),
        Change(action="stop", subject="auth0-adldap-admin.service"),
    ),
    "start-admin": (Change(action="start", subject="auth0-adldap-admin.service"),),
    "start-connector": (Change(action="start", subject="auth0-adldap.service"),),
}
_MAPPER = Change(action="replace", subject="lib/profileMapper.js", before="1.1 kB", after="1.3 kB")
_GIVES: dict[str, dict[str, tuple[Change, ...]]] = {
    "renew": {
        "place-certificates": (
            Change(action="replace", subject="certs/cert.pem", before="to 2026-12-05", after="to 2027-11-23"),
            Change(action="replace", subject="certs/cert.key", before="1.7 kB", after="1.7 kB"),
        ),
    },
    "restore": {"place-profile-mapper": (_MAPPER,)},
    "republish": {"place-profile-mapper": (_MAPPER,)},
    "change": {
        "place-profile-mapper": (_MAPPER,),
        "commit-config": (Change(action="replace", subject="PORT in config.json", before="4000", after="4100"),),
    },
}
_SEEN = {
    "lock": "taken for ines",
    "safe-to-return": "thumbprint 3f7a9c0d52e1 here and at the tenant",
    "others-serve": "2 of 2 others connected",
    "drain": "auth0-adldap.service is stopped",
    "others-stay": "2 others stayed connected; online at the tenant",
    "return": "auth0-adldap.service is running",
    "back-in-service": "accepted for 60 s without a break",
    "release": "given back",
}


def act_plan(act: Act, hosts: tuple[str, ...] = ()) -> Plan:
    """The program's own steps for an act, the first host last."""
    if act == "converge":
        return _converging(hosts)
    if act in GIVING_ACTS:
        return _giving(act, hosts)
    steps = DRILL if act == "drill" else RESTART
    names = hosts or (SECOND, THIRD, FIRST)
    return Plan(cluster="corp-ldap", stages=tuple(tuple(_planned(step, host) for step in steps) for host in names))


def _giving(act: Act, names: tuple[str, ...]) -> Plan:
    cluster = data.cluster()
    context = RunContext(
        cluster=cluster,
        run="preview",
        operator="ines",
        links=Links(Access()),
        safekeeping=cast("Safekeeping", None),
        journal=None,
    )
    hosts = given_hosts(cluster, act, names)
    stages = giving_stages(context, act, Wanted(), hosts, None, interrupts=False)
    plan = plan_of(cluster.name, stages, with_changes=False, findings=interruption(cluster, act, hosts))
    return _changing(plan, {**_GIVEN, **_GIVES[act]})


def _converging(names: tuple[str, ...]) -> Plan:
    own = tuple(step for step in runs.plan().steps if step.host in names)
    return Plan(cluster="corp-ldap", stages=(own,))


def _changing(plan: Plan, changes: dict[str, tuple[Change, ...]]) -> Plan:
    """The plan with what its steps change."""
    return plan.model_copy(
        update={
            "stages": tuple(
                tuple(step.model_copy(update={"changes": changes.get(step.name, ())}) for step in stage)
                for stage in plan.stages
            )
        }
    )


def backups() -> list[Backup]:
    """What a vault holds after a year: newest first, one of another certificate."""
    told: tuple[tuple[str, str, Literal["set", "before", "planned"], str], ...] = (
        ("20261123T093012Z", FIRST, "set", data.THUMBPRINT),
        ("20261102T101500Z", THIRD, "before", data.THUMBPRINT),
        ("20261102T101431Z", FIRST, "planned", data.THUMBPRINT),
        ("20251110T160422Z", FIRST, "set", "77b0c2" + data.THUMBPRINT[6:]),
    )
    return [
        data.backup().model_copy(
            update={
                "id": f"{when}-{host}-{kind}-1f3a9c",
                "host": host,
                "kind": kind,
                "created": datetime.strptime(when, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
                "thumbprint": thumbprint,
            }
        )
        for when, host, kind, thumbprint in told
    ]


def promoted() -> Promotion:
    """The second host as the reference: another base, and a directory of its own in the third's place."""
    cluster = data.cluster()
    section = cluster.cluster.model_copy(update={"first": SECOND})
    changed = cluster.model_copy(update={"cluster": section})
    return Promotion(SECOND, FIRST, ("LDAP_BASE",), (f"{FIRST}: LDAP_URL", f"{THIRD}: LDAP_URL"), changed)


@dataclass
class FixtureActs:
    """Acts that are remembered and never done. `error`: what every look raises; `wrong`: what is said of a typed change."""

    started: list[tuple[Act, tuple[str, ...], bool]] = field(default_factory=list)
    given: list[Wanted] = field(default_factory=list)
    typed: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    error: OperatorError | None = None
    not_started: OperatorError | None = None
    wrong: TypedWrong | None = None
    not_kept: tuple[str, ...] = ()

    def hosts(self, act: Act, names: Sequence[str] = ()) -> tuple[Host, ...]:
        cluster = data.cluster()
        if act in ADDING:
            return chosen_hosts(cluster, names)
        return given_hosts(cluster, act, names) if act in GIVING_ACTS else acted_on(cluster, act, names)

    def preview(
        self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = NOTHING
    ) -> Plan:
        if self.error is not None:
            raise self.error
        plan = act_plan(act, tuple(hosts))
        return plan.model_copy(update={"findings": (*plan.findings, *self.findings)})

    def start(self, act: Act, hosts: Sequence[str] = (), *, interrupts: bool = False, wanted: Wanted = NOTHING) -> str:
        if self.not_started is not None:
            raise self.not_started
        self.started.append((act, tuple(hosts), interrupts))
        self.given.append(wanted)
        return runs.RUN

    def promotion(self, host: str) -> Promotion:
        if self.error is not None:
            raise self.error
        return replace(promoted(), not_kept=self.not_kept)

    def typed_change(self, profile_mapper: str, settings: Sequence[str]) -> Wanted:
        self.typed.append((profile_mapper, tuple(settings)))
        if self.wrong is not None:
            raise self.wrong
        return Wanted(profile_mapper=profile_mapper or None, values={**dict(each.split("=", 1) for each in settings)})


def _planned(step: type[HostStep], host: str) -> PlannedStep:
    return PlannedStep(
        id=f"{host}/{step.name}",
        name=step.name,
        host=host,
        title=step.title,
        why=step.why,
        changes=_CHANGES.get(step.name, ()),
    )


def act_run(act: Act, done: int, state: RunState = RunState.RUNNING) -> RunView:
    """An act with `done` steps behind it and, while it runs, the next one under way."""
    started, steps = NOW - timedelta(seconds=6 * done + 3), []
    for number, planned in enumerate(act_plan(act).steps):
        begun = started + timedelta(seconds=6 * number)
        if number < done:
            ended = begun + timedelta(seconds=5)
            seen = _SEEN.get(planned.name, "")
            steps.append(StepView(planned=planned, state=StepState.DONE, started=begun, ended=ended, detail=seen))
        elif number == done and state is not RunState.DONE:
            steps.append(StepView(planned=planned, state=StepState.RUNNING, started=begun))
        else:
            steps.append(StepView(planned=planned, state=StepState.PENDING))
    over = state is RunState.DONE
    verdicts = tuple(
        HostVerdict(name=name, verdict="healthy", detail="hub connected") for name in (FIRST, SECOND, THIRD)
    )
    return RunView(
        id="20261123T092800Z",
        cluster="corp-ldap",
        operator="ines",
        started=started,
        ended=NOW if over else None,
        state=state,
        steps=tuple(steps),
        hosts=verdicts if over else (),
        verdict="healthy" if over else None,
        act=act,
    )
