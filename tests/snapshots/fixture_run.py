"""Runs and plans as the journal would tell of them, for the same cluster."""

from __future__ import annotations

from datetime import timedelta

from tests.snapshots.fixture_data import FIRST, NOW, SECOND, THIRD, changes
from tui.runbook.model import Change, HostVerdict, Plan, PlannedStep, Question, RunState, RunView, StepState, StepView

RUN = "20261123T093100Z"
_HOST_STEPS = (
    ("lock", "Take the operator lock", "So that nobody else changes this host meanwhile."),
    ("inspect", "Look at the host", "It must be installed, unconfigured and fit."),
    ("stop-services", "Stop both services", "So that nothing starts with half a configuration."),
    ("park-config", "Move config.json aside", "Without it a connector can do no harm."),
    ("place-certificates", "Put the certificates in place", "The pair that the tenant knows."),
    ("place-mapper", "Put the profile mapper in place", "Users get the same profile on every instance."),
    ("check-set", "Check bytes, owners and the pair", "A wrong pair locks every instance out."),
    ("gate", "Compare with the tenant's certificate", "Starting with another one would overwrite the tenant's."),
    ("commit-config", "Put config.json in place", "From here on the host is a member."),
    ("start-admin", "Start the admin service", "It is started first."),
    ("start-connector", "Start the connector", "It connects to the tenant's hub."),
    ("settle", "Stay accepted for 60 s", "An instance that dies soon is accepted first, too."),
    ("troubleshooter", "Run the troubleshooter", "Every test must report."),
    ("first-still-connected", "See that the first host stayed connected", "Nothing may have dropped it."),
    ("unlock", "Give the lock back", "The host is free again."),
)


def _jump_box(name: str, host: str | None, title: str, why: str) -> PlannedStep:
    return PlannedStep(id=f"{host or 'jump-box'}/{name}", name=name, host=host, title=title, why=why)


def _host_steps(host: str) -> tuple[PlannedStep, ...]:
    known = {
        "stop-services": (
            Change(action="stop", subject="auth0-adldap"),
            Change(action="stop", subject="auth0-adldap-admin"),
        ),
        "place-certificates": changes()[1:3],
        "place-mapper": changes()[3:4],
        "commit-config": changes()[0:1],
        "start-admin": (Change(action="start", subject="auth0-adldap-admin"),),
        "start-connector": (Change(action="start", subject="auth0-adldap"),),
    }
    return tuple(
        PlannedStep(id=f"{host}/{name}", name=name, host=host, title=title, why=why, changes=known.get(name, ()))
        for name, title, why in _HOST_STEPS
    )


def plan() -> Plan:
    """The whole procedure."""
    prepare = (
        _jump_box("inspect", FIRST, "Look at the first host", "It must still be healthy."),
        _jump_box("back-up", FIRST, "Back up the set", "So that it can be restored."),
        _jump_box("before", None, "Back up what the others have", "So that it can be put back."),
    )
    close = (
        _jump_box("first-connected", FIRST, "See that the first host is connected", "It never may have dropped."),
        _jump_box("tenant", None, "Ask for the tenant's light", "The connection must be online."),
    )
    return Plan(cluster="corp-ldap", stages=(prepare, _host_steps(SECOND), _host_steps(THIRD), close))


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
            already = planned.name == "inspect"
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
        said = dict.fromkeys((FIRST, SECOND, THIRD), ("healthy", "accepted, stable for 60 s"))
    else:
        said = {
            FIRST: ("healthy", "connected throughout"),
            SECOND: ("down", "put back as it was, to the byte"),
            THIRD: ("down", "not changed"),
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
            f"{SECOND} · start-connector: the service manager refused: Unit auth0-adldap.service is masked",
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
        step="jump-box/tenant",
        text=("Open the connection corp-ldap in the Auth0 dashboard. Is its light green?",),
        choices=("green", "not_green", "not_checked"),
    )


TOTAL = len(plan().steps)
