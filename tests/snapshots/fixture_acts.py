"""Plans and runs of the acts of an ordinary week."""

from __future__ import annotations

from datetime import timedelta

from tests.snapshots.fixture_data import FIRST, NOW, SECOND, THIRD
from tui.runbook.acts import DRILL, RESTART
from tui.runbook.model import Change, HostVerdict, Plan, PlannedStep, RunState, RunView, StepState, StepView
from tui.runbook.order import Act
from tui.runbook.steps.base import HostStep

_CHANGES = {
    "drain": (Change(action="stop", subject="auth0-adldap.service"),),
    "return": (Change(action="start", subject="auth0-adldap.service"),),
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
    """The program's own steps for an act, a stage a host, the first host last."""
    steps = DRILL if act == "drill" else RESTART
    names = hosts or (SECOND, THIRD, FIRST)
    return Plan(cluster="corp-ldap", stages=tuple(tuple(_planned(step, host) for step in steps) for host in names))


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
