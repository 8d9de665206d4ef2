"""The flows of the command line: the same operations as the wizard's, asked for one after another.

Prints nothing: what is to be said or asked goes through a Talk, which `tui.cli` implements.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from tui.cluster import Cluster
from tui.errors import OperatorError
from tui.findings import Finding, blockers
from tui.remote.errors import HostKeyUnknown, SecretNeeded
from tui.runbook.model import Plan, Question, RunState, RunView, StepState, StepView
from tui.runbook.operations import Operations
from tui.vault.model import Backup

_T = TypeVar("_T")

ENDED = frozenset({RunState.DONE, RunState.ROLLED_BACK, RunState.FAILED, RunState.INCONSISTENT, RunState.INTERRUPTED})
"""The run states after which nothing more happens by itself."""


class Talk(Protocol):
    """How a flow speaks with whoever started it. A None or False answer ends the flow with the open question."""

    def say(self, line: str) -> None:
        """Tell progress, one line."""
        ...

    def confirm_host_key(self, question: HostKeyUnknown) -> bool:
        """Show a fingerprint and ask whether it is the right machine."""
        ...

    def ask_secret(self, question: SecretNeeded) -> str | None:
        """Ask for a secret without echo."""
        ...

    def ask_passphrase(self, *, new: bool) -> str | None:
        """Ask for the vault's passphrase; twice, and compared, when it is a new one."""
        ...

    def confirm_plan(self, cluster: Cluster, plan: Plan) -> bool:
        """Show what would change and ask for the cluster's name."""
        ...

    def choose(self, question: Question) -> str:
        """Answer a run's question with one of its choices."""
        ...

    def step_changed(self, step: StepView) -> None:
        """A step of the run has a new state."""
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
        except SecretNeeded as question:
            secret = talk.ask_secret(question)
            if secret is None:
                raise
            operations.supply(question.secret_host, question.kind, secret)


def connect_all(operations: Operations, talk: Talk, names: Sequence[str]) -> None:
    """Log in to every named host in turn, questions answered as they come up."""
    for name in names:
        connected = answered(operations, talk, lambda name=name: operations.connect(name))  # type: ignore[misc]
        talk.say(
            f"{name}: connected to {connected.address} as {connected.login_user} "
            f"({connected.key_type} {connected.fingerprint})"
        )


def unlock_vault(operations: Operations, talk: Talk) -> None:
    """Open the operator's identity, or make one, and see that backups are encrypted to it."""
    exists = operations.identity_exists()
    passphrase = operations.supplied_passphrase() or talk.ask_passphrase(new=not exists)
    if passphrase is None:
        raise OperatorError(
            "the vault's passphrase is needed",
            meaning="a backup that cannot be decrypted proves nothing, so no run starts without one",
            remedy="run it from a terminal, or supply [vault] passphrase with --secrets -",
        )
    recipient = operations.unlock_identity(passphrase) if exists else operations.create_identity(passphrase)
    recipients = operations.cluster.vault.recipients
    if recipient not in recipients:
        operations.set_recipients([recipient, *recipients])
        talk.say(f"backups are encrypted to {recipient} from now on")


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
    talk.say(f"{cluster.first.name}: {len(first.entries)} files in the configuration set")
    _refuse(cluster.first.name, first.findings, "the first host cannot be exported")
    for name in names:
        additional = answered(operations, talk, lambda name=name: operations.survey_additional(name))  # type: ignore[misc]
        talk.say(f"{name}: {additional.state.replace('_', ' ')}, {len(additional.changes)} changes")
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


def follow(operations: Operations, talk: Talk, run: str, *, interval: float = 0.25) -> RunView:
    """Watch a run in the journal until it ends, passing its questions on."""
    seen: dict[str, StepState] = {}
    asked: set[str] = set()
    while True:
        view = operations.run_view(run)
        for step in view.steps:
            if seen.get(step.planned.id, StepState.PENDING) is not step.state:
                seen[step.planned.id] = step.state
                talk.step_changed(step)
        if view.state in ENDED:
            return view
        if view.question and view.question.id not in asked:
            asked.add(view.question.id)
            operations.answer(run, view.question.id, talk.choose(view.question))
        time.sleep(interval)


def perform(operations: Operations, talk: Talk, hosts: Sequence[str]) -> RunView | None:
    """The whole procedure; None when the operator did not confirm the plan."""
    unlock_vault(operations, talk)
    plan = prepare(operations, talk, hosts)
    if not talk.confirm_plan(operations.cluster, plan):
        return None
    run = operations.start_run(tuple(hosts))
    talk.say(f"run {run} has started; it goes on if this terminal is closed")
    return follow(operations, talk, run)


def unfinished(operations: Operations) -> RunView | None:
    """The newest run that still runs or waits to be resumed, if any."""
    live = {RunState.RUNNING, RunState.WAITING, RunState.PAUSED, RunState.INTERRUPTED}
    return next((view for view in operations.runs() if view.state in live), None)


def resume(operations: Operations, talk: Talk, run: str | None, *, undo: bool) -> RunView:
    """Re-attach to a run that goes on; finish, or with `undo` put back, one that was interrupted."""
    views = operations.runs()
    view = next((view for view in views if view.id == run), None) if run else unfinished(operations)
    if view is None and undo and run is None:
        view = next(iter(views), None)
    if view is None:
        raise OperatorError(
            f"there is no run {run}" if run else "no run is under way or interrupted",
            tried="read the journal",
            remedy="adldap-ha report CLUSTER shows what was done; adldap-ha apply CLUSTER starts a run",
        )
    attached = view.state in {RunState.RUNNING, RunState.WAITING, RunState.PAUSED}
    if attached and undo:
        operations.control(view.id, "roll_back")
    elif not attached:
        cluster = operations.cluster
        unlock_vault(operations, talk)
        hosts = list(dict.fromkeys(step.planned.host for step in view.steps if step.planned.host))
        connect_all(operations, talk, [host.name for host in cluster.hosts if host.name in hosts])
        operations.resume_run(view.id, undo=undo)
    talk.say(f"attached to run {view.id}; it goes on if this terminal is closed")
    return follow(operations, talk, view.id)


def connect_known(operations: Operations, talk: Talk) -> None:
    """Log in to every host of the cluster; one that cannot be reached is left to the probe to report."""
    for host in operations.cluster.hosts:
        try:
            connect_all(operations, talk, [host.name])
        except OperatorError as error:
            talk.say(error.lines()[0])


def pick_backup(operations: Operations, backup_id: str | None) -> Backup:
    """The backup with this id, the newest without one; raises OperatorError when there is none."""
    backups = operations.backups()
    for backup in backups:
        if backup_id is None or backup.id == backup_id:
            return backup
    raise OperatorError(
        f"there is no backup {backup_id}" if backup_id else "there are no backups yet",
        tried="read the vault's catalogue",
        remedy=f"adldap-ha backup {'list' if backups else 'create'} {operations.cluster.name}",
    )
