"""What the steps have in common: a name, a reason, and harmless defaults for the operations they do not need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from tui.connector.instance import Instance
from tui.errors import OperatorError
from tui.findings import Finding
from tui.runbook.context import HostWork
from tui.runbook.model import Change, Evidence

TO_DO = Evidence(detail="to be done", done=False)
NOTHING_TO_PROVE = Evidence(detail="")
NOTHING_TO_UNDO = Evidence(detail="nothing to undo: this step only looks")


class HostStep(ABC):
    """A step on one host. Subclasses implement the operations that take an Instance.

    What only looks is repeated at once when the connection was lost; what changes is left to the engine, which
    checks first.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    why: ClassVar[str]
    may_skip: ClassVar[bool] = False
    only_looks: ClassVar[bool] = False
    """Whether `change` leaves the host as it is."""
    undone_under_lock: ClassVar[bool] = True
    """Whether `put_back` may touch the host only while this run's lock is on it."""

    def __init__(self, work: HostWork) -> None:
        self.work = work

    @property
    def host(self) -> str | None:
        """The host it acts on."""
        return self.work.host.name

    def check(self) -> Evidence:
        """Look at the host: `done` says whether there is nothing left to apply."""
        return self.work.looking(self.look)

    def plan(self) -> tuple[Change, ...]:
        """What `apply` would change, nothing where it is done already; changes nothing."""
        return self.work.looking(lambda instance: () if self.look(instance).done else self.foresee(instance))

    def apply(self) -> Evidence:
        """Do it."""
        return self.work.looking(self.change) if self.only_looks else self.work.changing(self.change)

    def verify(self) -> Evidence:
        """Prove that it was done."""
        return self.work.looking(self.prove)

    def undo(self) -> Evidence:
        """Put back what was there. A host on which a step has only looked need not be within reach for that."""
        if self.only_looks and type(self).put_back is HostStep.put_back:
            return NOTHING_TO_UNDO
        return self.work.changing(self._put_back_as_holder)

    def _put_back_as_holder(self, instance: Instance) -> Evidence:
        if self.undone_under_lock and not self.only_looks:
            require_lock(self.work, instance)
        return self.put_back(instance)

    def look(self, instance: Instance) -> Evidence:
        """`check` on the host."""
        return TO_DO

    def foresee(self, instance: Instance) -> tuple[Change, ...]:
        """`plan` on the host."""
        return ()

    @abstractmethod
    def change(self, instance: Instance) -> Evidence:
        """`apply` on the host."""

    def prove(self, instance: Instance) -> Evidence:
        """`verify` on the host."""
        return NOTHING_TO_PROVE

    def put_back(self, instance: Instance) -> Evidence:
        """`undo` on the host."""
        return NOTHING_TO_UNDO


def require_lock(work: HostWork, instance: Instance) -> None:
    """Raise OperatorError unless this run's lock is on the host: without it somebody else may have worked there since."""
    run, holder = work.context.run, instance.locked_by()
    if holder == run or (holder == "" and instance.parked(run=run)):
        return
    whose = f"run {holder} has taken it" if holder else "its lock file is gone"
    raise OperatorError(
        f"this run does not hold the host any more: {whose}",
        tried="read the lock file before putting anything back",
        meaning="somebody else may have changed this host since; nothing was put back on it",
        remedy="see with `adldap-ha status` whether it serves; if so leave it, else resume the run, which takes the host "
        "again, or restore the `before` backup by hand (adldap-ha backup restore)",
    )


def told(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Findings as evidence lines."""
    return tuple(f"{finding.severity.value}: {finding.summary}" for finding in findings)


def stop(finding: Finding, *, meaning: str | None = None) -> OperatorError:
    """The error that a finding amounts to inside a step."""
    return OperatorError(
        finding.summary,
        tried="; ".join(finding.evidence) or None,
        meaning=meaning,
        remedy=finding.remedy,
    )
