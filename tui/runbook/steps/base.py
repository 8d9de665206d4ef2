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
        """Put back what was there."""
        return self.work.changing(self.put_back)

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
