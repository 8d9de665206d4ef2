"""What the wizard has learned so far, handed from screen to screen."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.cluster import Cluster
from tui.runbook.model import Plan, RunView
from tui.runbook.survey import AdditionalSurvey, Connected, FirstSurvey
from tui.vault.model import Backup
from tui.widgets.stage import Stage


@dataclass(slots=True)
class WizardState:
    """One cluster's way through the wizard. `left_out`: hosts that the operator does not want changed this time."""

    cluster: Cluster | None = None
    connected: dict[str, Connected] = field(default_factory=dict)
    first: FirstSurvey | None = None
    backup: Backup | None = None
    additional: dict[str, AdditionalSurvey] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    plan: Plan | None = None
    run: str | None = None
    view: RunView | None = None
    client_secret_asked: bool = False
    done: set[Stage] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The cluster's name; empty when none is open."""
        return self.cluster.name if self.cluster else ""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The additional hosts that a run would change, in the cluster file's order."""
        if self.cluster is None:
            return ()
        return tuple(host.name for host in self.cluster.additional if host.name not in self.left_out)

    def forget_surveys(self) -> None:
        """The hosts have changed: what was seen of them no longer counts."""
        self.connected.clear()
        self.first = None
        self.backup = None
        self.additional.clear()
        self.plan = None
