"""Runs and plans as the journal would tell of them, for the same cluster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tests.snapshots.fixture_data import FIRST, NOW, SECOND, SIZES, THIRD, THUMBPRINT, changes
from tui.remote.errors import SecretKind
from tui.runbook.model import (
    Change,
    HostVerdict,
    Plan,
    PlannedStep,
    Question,
    RunState,
    RunView,
    SecretWanted,
    StepState,
    StepView,
)
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


_SEEN = {
    "back-up": "decrypted: every file is as on the host",
    "inspect": "ready",
    "back-up-before": "decrypted: every file is as on the host",
    "lock": "taken for ines",
    "unchanged": "as backed up",
    "stop-services": "nothing runs",
    "park-config": "there is no config.json",
    "place-certificates": "bytes, owner and mode are as meant",
    "place-profile-mapper": "bytes, owner and mode are as meant",
    "check-set": "bytes, owners and modes are right; key, certificate and password belong together",
    "compare-thumbprint": f"thumbprint {THUMBPRINT} on this host and at the tenant",
    "commit-config": "every key that this host may not choose itself is the first host's",
    "start-admin": "auth0-adldap-admin.service is running",
    "start-connector": "auth0-adldap.service is running",
    "connected": "accepted for 60 s without a break",
    "troubleshooter": "complete, nothing failed",
    "release": "given back; what it had before is in the vault",
    "tenant-online": "online, says ines",
}
"""What the program's steps say when they have ended."""


def _seen(planned: PlannedStep) -> str:
    if planned.host == FIRST and planned.name == "inspect":
        return "connected, serving corp-ldap"
    return (
        f"{FIRST} is connected as before" if planned.name == "first-host-undisturbed" else _SEEN.get(planned.name, "")
    )


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
            put_back = state is RunState.ROLLED_BACK and planned.host == SECOND and planned.changes_host
            already = planned.name == "park-config"
            word = StepState.UNDONE if put_back else StepState.ALREADY if already else StepState.DONE
            detail = "as before this run, to the byte" if put_back else _seen(planned)
            ended = begun + timedelta(seconds=6)
            steps.append(StepView(planned=planned, state=word, started=begun, ended=ended, detail=detail))
        elif number == done and state not in (RunState.DONE, RunState.ROLLED_BACK):
            word = StepState.FAILED if failed else StepState.RUNNING
            error = ("the service manager refused: Unit auth0-adldap.service is masked",) if failed else ()
            steps.append(StepView(planned=planned, state=word, started=begun, error=error))
        else:
            steps.append(StepView(planned=planned, state=StepState.PENDING))
    over = NOW if state in (RunState.DONE, RunState.ROLLED_BACK, RunState.FAILED) else None
    return RunView(
        id=RUN,
        cluster="corp-ldap",
        operator="ines",
        started=started,
        ended=over,
        state=state,
        steps=tuple(steps),
        question=question,
        hosts=_verdicts(state) if over else (),
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


_ASKED: Final[dict[str, Any]] = {
    "asked": NOW - timedelta(seconds=146),
    "expires": NOW + timedelta(seconds=900 - 146),
}


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
        **_ASKED,
    )


def secret_question() -> Question:
    """The host has refused the password of sudo."""
    return Question(
        id="q3",
        kind="secret",
        host=SECOND,
        step=f"{SECOND}/start-connector",
        text=(
            f"{SECOND} · Start the connector: sudo refuses the password of deploy",
            "Tried: it once",
            "Means: nothing was done on the host",
            "Do: give the right sudo password; it is not tried again by itself, since accounts lock",
        ),
        choices=("retry", "roll_back"),
        secret=SecretWanted(host=SECOND, kind=SecretKind.SUDO_PASSWORD),
        **_ASKED,
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
        **_ASKED,
    )


TOTAL = len(plan().steps)
STARTING = next(number for number, step in enumerate(plan().steps) if step.id == f"{SECOND}/start-connector")
"""How many steps lie behind a run that starts the connector of the first additional host."""
