"""Runs and plans as the journal would tell of them, for the same cluster."""

from __future__ import annotations

from datetime import timedelta

from tests.snapshots.fixture_data import FIRST, NOW, SECOND, SIZES, THIRD, changes
from tui.runbook.model import Change, HostVerdict, Plan, PlannedStep, Question, RunState, RunView, StepState, StepView
from tui.runbook.procedure import CHANGING, LOOKING
from tui.runbook.steps.base import HostStep
from tui.runbook.steps.looking import BackUpSet, FirstHostStep
from tui.runbook.steps.tenant import TenantStatus
from tui.sizes import told_size

RUN = "20261123T093100Z"
_SETTLE = "accepted for 60 s"


def _planned(step: type[HostStep] | type[FirstHostStep] | type[TenantStatus], host: str | None) -> PlannedStep:
    return PlannedStep(
        id=f"{host or 'tenant'}/{step.name}",
        name=step.name,
        host=host,
        title=step.title,
        why=step.why,
        changes_host=False,
    )


def _changes(name: str) -> tuple[Change, ...]:
    """What the step of this name says that it would change on a host that was never configured."""
    return {
        "back-up-before": (Change(action="create", subject="encrypted backup in the vault", after="1 file"),),
        "lock": (Change(action="create", subject="lock file with who, where and when"),),
        "place-certificates": changes()[1:3],
        "place-profile-mapper": changes()[3:4],
        "compare-thumbprint": (
            Change(action="ask", subject="the tenant, through this host, which certificate it knows"),
        ),
        "commit-config": changes()[0:1],
        "start-admin": (Change(action="start", subject="auth0-adldap-admin.service", after="running"),),
        "start-connector": (Change(action="start", subject="auth0-adldap.service", after="running"),),
        "connected": (Change(action="read", subject="the connector's log", after=_SETTLE),),
        "release": (Change(action="remove", subject="lock file and what was kept aside"),),
    }.get(name, ())


def _host_steps(host: str, steps: tuple[type[HostStep], ...], *, changing: bool) -> tuple[PlannedStep, ...]:
    return tuple(
        _planned(step, host).model_copy(update={"changes": _changes(step.name), "changes_host": changing})
        for step in steps
    )


def plan() -> Plan:
    """The program's own steps, in its order, for a run over both additional hosts."""
    read = tuple(Change(action="read", subject=path, after=told_size(SIZES[path])) for path in SIZES)
    kept = (Change(action="create", subject="encrypted backup in the vault", after="2 recipients"),)
    first = (
        _planned(FirstHostStep, FIRST).model_copy(update={"changes": read}),
        _planned(BackUpSet, FIRST).model_copy(update={"changes": kept}),
    )
    ask = (Change(action="ask", subject="the operator whether the connection is online"),)
    return Plan(
        cluster="corp-ldap",
        stages=(
            first,
            (*_host_steps(SECOND, LOOKING, changing=False), *_host_steps(THIRD, LOOKING, changing=False)),
            _host_steps(SECOND, CHANGING, changing=True),
            _host_steps(THIRD, CHANGING, changing=True),
            (_planned(TenantStatus, None).model_copy(update={"changes": ask}),),
        ),
    )


def run_view(
    done: int, *, state: RunState = RunState.RUNNING, question: Question | None = None, failed: bool = False
) -> RunView:
    """A run with `done` steps behind it and, while it runs, the next one under way or failed."""
    started = NOW - timedelta(seconds=7 * done + 4)
    steps = []
    for number, planned in enumerate(plan().steps):
        begun = started + timedelta(seconds=7 * number)
        if number < done:
            put_back = state is RunState.ROLLED_BACK and planned.host == SECOND
            already = planned.name == "park-config"
            word = StepState.UNDONE if put_back else StepState.ALREADY if already else StepState.DONE
            steps.append(StepView(planned=planned, state=word, started=begun, ended=begun + timedelta(seconds=6)))
        elif number == done and state not in (RunState.DONE, RunState.ROLLED_BACK):
            word = StepState.FAILED if failed else StepState.RUNNING
            error = ("the service manager refused: Unit auth0-adldap.service is masked",) if failed else ()
            steps.append(StepView(planned=planned, state=word, started=begun, error=error))
        else:
            steps.append(StepView(planned=planned, state=StepState.PENDING))
    ended = NOW if state in (RunState.DONE, RunState.ROLLED_BACK, RunState.FAILED) else None
    return RunView(
        id=RUN,
        cluster="corp-ldap",
        operator="ines",
        started=started,
        ended=ended,
        state=state,
        steps=tuple(steps),
        question=question,
        hosts=_verdicts(state) if ended else (),
        verdict={RunState.DONE: "healthy", RunState.ROLLED_BACK: "degraded"}.get(state),
    )


def _verdicts(state: RunState) -> tuple[HostVerdict, ...]:
    if state is RunState.DONE:
        said = dict.fromkeys((FIRST, SECOND, THIRD), ("healthy", "hub connected"))
    else:
        said = {
            FIRST: ("healthy", "hub connected"),
            SECOND: ("down", "hub unconfigured"),
            THIRD: ("down", "hub unconfigured"),
        }
    return tuple(HostVerdict(name=name, verdict=verdict, detail=detail) for name, (verdict, detail) in said.items())


def failure() -> Question:
    """A step has failed and waits."""
    return Question(
        id="q1",
        kind="failure",
        host=SECOND,
        step=f"{SECOND}/start-connector",
        text=(
            f"{SECOND} · Start the connector: the service manager refused: Unit auth0-adldap.service is masked",
            "Tried: systemctl start auth0-adldap.service",
            "Means: the new instance is not connected; the first host is not affected",
            "Do: systemctl unmask auth0-adldap.service on the host, then retry",
        ),
        choices=("retry", "skip", "roll_back"),
    )


def tenant_question() -> Question:
    """The tenant's light."""
    return Question(
        id="q2",
        kind="tenant",
        host=None,
        step="tenant/tenant-online",
        text=(
            "Is the connection corp-ldap shown as online in the Auth0 dashboard?",
            "Authentication → Enterprise → Active Directory / LDAP: a green dot beside its name.",
            "The cluster file has no [tenant], so nobody but you can tell. Your answer is recorded.",
        ),
        choices=("green", "not_green", "not_checked"),
    )


TOTAL = len(plan().steps)
STARTING = next(number for number, step in enumerate(plan().steps) if step.id == f"{SECOND}/start-connector")
"""How many steps lie behind a run that starts the connector of the first additional host."""
