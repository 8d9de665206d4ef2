"""The flows of the command line: the same operations as the wizard's, asked for one after another.

Prints nothing: what is to be said or asked goes through a Talk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from tui.cluster import Cluster, Tenant
from tui.endings import StoppedWatching
from tui.errors import OperatorError
from tui.findings import Finding, blockers
from tui.remote.errors import CertificateUnknown, HostKeyUnknown, SecretNeeded
from tui.remote.secrets import Secrets
from tui.runbook.attach import OVER
from tui.runbook.control_desk import ControlRefused
from tui.runbook.model import Plan, Question, RunState, RunView, StepState, StepView
from tui.runbook.operations import Operations
from tui.runbook.survey import Connected
from tui.sizes import told_count
from tui.vault.errors import VaultError
from tui.vault.model import Backup

_T = TypeVar("_T")

UNDER_WAY = frozenset({RunState.RUNNING, RunState.WAITING, RunState.PAUSED})
"""The run states in which a runner is at work."""

_ENDED_WELL = (StepState.DONE, StepState.ALREADY, StepState.SKIPPED, StepState.UNDONE)
_QUESTIONS = (CertificateUnknown, HostKeyUnknown, SecretNeeded)
_LOGINS_AT_ONCE = 8
_LONG_SECONDS = 3.0


class Talk(Protocol):
    """How a flow speaks with whoever started it. A None or False answer ends the flow with the open question."""

    def say(self, line: str) -> None:
        """Tell progress, one line."""
        ...

    def warn(self, line: str) -> None:
        """Tell what must not go unseen, one line."""
        ...

    def confirm_host_key(self, question: HostKeyUnknown) -> bool:
        """Show a fingerprint and ask whether it is the right machine."""
        ...

    def confirm_certificate(self, question: CertificateUnknown) -> bool:
        """Show a TLS certificate and ask whether it is the right machine's."""
        ...

    def ask_secret(self, question: SecretNeeded) -> str | None:
        """Ask for a secret without echo."""
        ...

    def ask_client_secret(self, tenant: Tenant) -> str | None:
        """Ask for the Management API's client secret without echo; None means to do without."""
        ...

    def ask_passphrase(self, *, new: bool) -> str | None:
        """Ask for the vault's passphrase; twice, and compared, when it is a new one."""
        ...

    def confirm_plan(self, cluster: Cluster, plan: Plan) -> bool:
        """Show what would change and ask for the cluster's name."""
        ...

    def confirm_undo(self, cluster: Cluster, run: str, hosts: tuple[str, ...]) -> bool:
        """Show which hosts would be put back and ask for the cluster's name."""
        ...

    def choose(self, question: Question) -> str:
        """Answer a run's question with one of its choices."""
        ...

    def step_changed(self, step: StepView) -> None:
        """A step of the run has a new state, or has been running for some seconds."""
        ...


def answered(operations: Operations, talk: Talk, call: Callable[[], _T]) -> _T:
    """Call until no question is left open; a question that stays unanswered is raised."""
    while True:
        try:
            return call()
        except HostKeyUnknown as question:
            if not talk.confirm_host_key(question):
                raise
            operations.trust(question)
        except CertificateUnknown as question:
            if not talk.confirm_certificate(question):
                raise
            operations.trust_certificate(question)
        except SecretNeeded as question:
            if question.refused is not None:
                talk.say(f"{question.secret_host}: {question.refused}")
            secret = talk.ask_secret(question)
            if secret is None:
                raise
            operations.supply(question.secret_host, question.kind, secret)


def connect_all(operations: Operations, talk: Talk, names: Sequence[str], *, all_needed: bool = True) -> None:
    """Log in to every named host: all at once, then questions in turn.

    A host that cannot be reached is told, and raised when `all_needed`.
    """
    outcomes = dict(zip(names, _connections(operations, names), strict=True))
    failures = [
        each for each in outcomes.values() if isinstance(each, OperatorError) and not isinstance(each, _QUESTIONS)
    ]
    if failures and all_needed:
        for failure in failures[1:]:
            talk.warn(failure.lines()[0])
        raise failures[0]
    for name, outcome in outcomes.items():
        try:
            if isinstance(outcome, _QUESTIONS):
                outcome = answered(operations, talk, lambda name=name: operations.connect(name))  # type: ignore[misc]
            if isinstance(outcome, OperatorError):
                raise outcome
        except OperatorError as error:
            if all_needed:
                raise
            talk.warn(error.lines()[0])
            continue
        talk.say(
            f"{name}: connected to {outcome.address} as {outcome.login_user} ({outcome.key_type} {outcome.fingerprint})"
        )


def _connections(operations: Operations, names: Sequence[str]) -> list[Connected | OperatorError]:
    def attempt(name: str) -> Connected | OperatorError:
        try:
            return operations.connect(name)
        except OperatorError as error:
            return error

    pool = ThreadPoolExecutor(max_workers=_LOGINS_AT_ONCE, thread_name_prefix="login")
    try:
        return list(pool.map(attempt, names))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def open_vault(operations: Operations, talk: Talk) -> str:
    """Open the operator's identity; returns its recipient. Raises OperatorError when there is none: nothing is made here."""
    if not operations.identity_exists():
        raise OperatorError(
            "there is no identity on this machine that could open a backup",
            remedy=f"adldap-ha backup create {operations.cluster.name} makes one; or put a copy of a recipient's identity in place",
        )
    supplied = operations.supplied_passphrase()
    passphrase = _passphrase(operations, talk, new=False)
    talk.say("opening the vault")
    try:
        return operations.unlock_identity(passphrase)
    except VaultError as error:
        if supplied is None or operations.supplied_passphrase() is not None:
            raise
        talk.warn(f"the keyring: {error.summary}")
        return operations.unlock_identity(_passphrase(operations, talk, new=False))


def unlock_vault(operations: Operations, talk: Talk) -> None:
    """Open the operator's identity, or make one, and see that backups are encrypted to it."""
    if operations.identity_exists():
        recipient = open_vault(operations, talk)
    else:
        passphrase = _passphrase(operations, talk, new=True)
        talk.say("making an identity for the vault")
        recipient = operations.create_identity(passphrase)
    recipients = operations.cluster.vault.recipients
    if recipient not in recipients:
        operations.set_recipients([recipient, *recipients])
        talk.say(f"backups are encrypted to {recipient} from now on")


def _passphrase(operations: Operations, talk: Talk, *, new: bool) -> str:
    passphrase = operations.supplied_passphrase() or talk.ask_passphrase(new=new)
    if passphrase is None:
        raise OperatorError(
            "the vault's passphrase is needed",
            meaning="a backup that cannot be decrypted proves nothing, so nothing is begun without one",
            remedy="run it from a terminal, or supply [vault] passphrase with --secrets -",
        )
    return passphrase


def unlock_tenant(operations: Operations, talk: Talk, secrets: Secrets) -> None:
    """Ask for the Management API's client secret where the cluster file names a tenant and nobody has supplied it."""
    tenant = operations.cluster.tenant
    if tenant is None or secrets.client_secret() is not None:
        return
    secret = talk.ask_client_secret(tenant)
    if secret is not None:
        operations.supply_client_secret(secret)


def prepare(operations: Operations, talk: Talk, hosts: Sequence[str]) -> Plan:
    """Connect, look at every host, and return what a run would do; raises when a blocker was found."""
    cluster = operations.cluster
    names = tuple(hosts) or tuple(host.name for host in cluster.additional)
    unknown = [name for name in names if name not in {host.name for host in cluster.additional}]
    if unknown:
        raise OperatorError(
            f"{', '.join(unknown)} is not an additional host of cluster {cluster.name}",
            tried="compared with the cluster file",
            remedy=f"additional hosts are: {', '.join(host.name for host in cluster.additional) or 'none'}",
        )
    connect_all(operations, talk, [cluster.first.name, *names])
    first = answered(operations, talk, operations.survey_first)
    talk.say(f"{cluster.first.name}: {told_count(len(first.entries), 'file')} in the configuration set")
    _refuse(cluster.first.name, first.findings, "the first host cannot be exported")
    for name in names:
        additional = answered(operations, talk, lambda name=name: operations.survey_additional(name))  # type: ignore[misc]
        talk.say(f"{name}: {additional.state.replace('_', ' ')}, {told_count(len(additional.changes), 'change')}")
        _refuse(name, additional.findings, "this host cannot be added")
    plan = answered(operations, talk, lambda: operations.preview(names))
    _refuse(None, plan.findings, "the plan has a blocker")
    return plan


def _refuse(host: str | None, findings: Sequence[Finding], summary: str) -> None:
    stopping = blockers(list(findings))
    if stopping:
        worst = stopping[0]
        raise OperatorError(
            f"{summary}: {worst.summary}",
            host=host,
            step="check before the run",
            tried="; ".join(line for finding in stopping for line in finding.evidence) or None,
            meaning="nothing has been changed on any host",
            remedy=worst.remedy,
        )


class _Watch:
    """What has been told of a run so far."""

    def __init__(self, talk: Talk, known: Sequence[StepView]) -> None:
        self._talk = talk
        self._told: dict[str, StepState] = {each.planned.id: each.state for each in known if each.state in _ENDED_WELL}
        self._begun: dict[str, float] = {}
        self._asked: set[str] = set()

    def steps(self, view: RunView) -> None:
        """Tell every step that has ended since, and one that is running for long."""
        now = time.monotonic()
        for step in view.steps:
            known = self._told.get(step.planned.id, StepState.PENDING)
            if known is step.state:
                continue
            begun = self._begun.setdefault(step.planned.id, now)
            if step.state is StepState.RUNNING and now - begun < _LONG_SECONDS:
                continue
            self._told[step.planned.id] = step.state
            if step.state is not StepState.PENDING:
                self._talk.step_changed(step)

    def question(self, operations: Operations, view: RunView) -> None:
        """Pass the run's open question on, once."""
        question = view.question
        if question is None or question.id in self._asked:
            return
        self._asked.add(question.id)
        try:
            operations.answer(view.id, question.id, self._talk.choose(question))
        except ControlRefused as refused:
            self._talk.warn(refused.summary)


def follow(
    operations: Operations, talk: Talk, run: str, *, interval: float = 0.1, known: Sequence[StepView] = ()
) -> RunView:
    """Watch a run in the journal until it ends, passing its questions on. Raises StoppedWatching on Ctrl-C.

    `known` is what an earlier runner did: not told again.
    """
    watch = _Watch(talk, known)
    try:
        while True:
            view = operations.run_view(run)
            watch.steps(view)
            if view.state in OVER:
                return view
            watch.question(operations, view)
            time.sleep(interval)
    except KeyboardInterrupt:
        raise StoppedWatching(
            f"no longer watching run {run}",
            meaning="the run goes on without this terminal",
            remedy=f"adldap-ha resume {operations.cluster.name} returns to it; with --undo it puts everything back",
        ) from None


def perform(operations: Operations, talk: Talk, hosts: Sequence[str]) -> RunView:
    """The whole procedure; raises OperatorError when the operator did not confirm the plan."""
    unlock_vault(operations, talk)
    plan = prepare(operations, talk, hosts)
    if not talk.confirm_plan(operations.cluster, plan):
        raise _not_confirmed(operations, "the plan was not confirmed", "adldap-ha apply")
    run = operations.start_run(tuple(hosts))
    talk.say(f"run {run} has started; it goes on if this terminal is closed")
    return follow(operations, talk, run)


def _not_confirmed(operations: Operations, summary: str, command: str) -> OperatorError:
    name = operations.cluster.name
    return OperatorError(
        summary,
        meaning="nothing was changed on any host",
        remedy=f"run {command} {name} again and type {name}, or give --yes where nobody can type",
    )


def unfinished(operations: Operations) -> RunView | None:
    """The newest run that still runs or waits to be resumed, if any."""
    return next(
        (view for view in operations.runs() if view.state in UNDER_WAY or view.state is RunState.INTERRUPTED), None
    )


def resume(operations: Operations, talk: Talk, run: str | None, *, undo: bool) -> RunView:
    """Re-attach to a run that goes on; finish, or with `undo` put back, one that was interrupted or has ended."""
    view = _resumable(operations, run, undo=undo)
    if undo and not talk.confirm_undo(operations.cluster, view.id, _undone_hosts(view)):
        raise _not_confirmed(operations, "the undoing was not confirmed", "adldap-ha resume --undo")
    if view.state in UNDER_WAY:
        if undo:
            operations.control(view.id, "roll_back")
    else:
        unlock_vault(operations, talk)
        hosts = set(view.changed) if undo else {step.planned.host for step in view.steps}
        names = [host.name for host in operations.cluster.hosts if host.name in hosts]
        connect_all(operations, talk, names, all_needed=not undo)
        operations.resume_run(view.id, undo=undo)
    talk.say(f"attached to run {view.id}; it goes on if this terminal is closed")
    return follow(operations, talk, view.id, known=() if view.state in UNDER_WAY else view.steps)


def _resumable(operations: Operations, run: str | None, *, undo: bool) -> RunView:
    views = operations.runs()
    view = next((view for view in views if view.id == run), None) if run else unfinished(operations)
    if view is None and run is None and views and (undo or views[0].can_be_finished):
        view = views[0]
    name = operations.cluster.name
    if view is None:
        raise OperatorError(
            f"there is no run {run}" if run else "no run is under way or interrupted",
            tried="read the journal",
            remedy=f"adldap-ha report {name} shows what was done; adldap-ha apply {name} starts a run",
        )
    if view.state in OVER - {RunState.INTERRUPTED} and not (view.changed if undo else view.can_be_finished):
        raise OperatorError(
            f"run {view.id} has ended: {view.state.value.replace('_', ' ')}",
            meaning="there is nothing left of it to " + ("undo" if undo else "finish"),
            remedy=f"adldap-ha apply {name} starts a new run"
            + (f"; adldap-ha resume {name} --undo --run {view.id} puts its hosts back" if view.changed else ""),
        )
    return view


def _undone_hosts(view: RunView) -> tuple[str, ...]:
    """The hosts that an undo puts back; of a run that goes on, those that it may have changed by then."""
    if view.state not in UNDER_WAY:
        return view.changed
    return tuple(
        dict.fromkeys(step.planned.host for step in view.steps if step.planned.changes_host and step.planned.host)
    )


def pick_backup(
    operations: Operations, backup_id: str | None, kind: str | None = None, among: Collection[str] | None = None
) -> Backup:
    """The backup with this id; without one the newest (of this `kind`, `among` these ids). Raises OperatorError when there is none."""
    backups = operations.backups()
    for backup in backups:
        chosen = backup_id is None and kind in (None, backup.kind) and (among is None or backup.id in among)
        if backup.id == backup_id or chosen:
            return backup
    if backups and backup_id is None and among is not None:
        raise OperatorError(
            "this jump box has no record of having made any of the backups in the vault",
            tried="compared the vault with the journal",
            meaning="age is no signature: anybody who knows a recipient can make a backup that opens",
            remedy=f"choose one whose origin you know (adldap-ha backup list {operations.cluster.name}) and name it",
        )
    raise OperatorError(
        f"there is no backup {backup_id}" if backup_id else "there are no backups yet",
        tried="read the vault's catalogue",
        remedy=f"adldap-ha backup {'list' if backups and backup_id else 'create'} {operations.cluster.name}",
    )
