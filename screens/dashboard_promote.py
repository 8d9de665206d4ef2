"""Making another host the reference of its cluster: what that means, and the name that does it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from screens.dashboard_confirm import ConfirmDialog, refuse, still_unlocked
from tui.widgets import words
from tui.widgets.facts import Facts, Told

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen
    from tui.runbook.promotion import Promotion


def promote(screen: DashboardScreen, host: str) -> None:
    """Look whether the host is fit, say what it means, have it confirmed, and save the cluster file."""
    heading = f"Make {host} the reference of {screen.state.name}?"

    def looked(planned: Promotion) -> None:
        def decided(yes: bool | None) -> None:
            if yes and still_unlocked(screen, heading):
                _save(screen, heading, planned)

        screen.doing("")
        screen.wizard.put(PromoteDialog(heading, planned), decided)

    screen.doing(f"Looking whether {host} is fit to be the reference; nothing is changed")
    screen.ask("promotion", partial(screen.operations.acts.promotion, host), looked, partial(refuse, screen, heading))


def _save(screen: DashboardScreen, heading: str, planned: Promotion) -> None:
    def saved(_path: object) -> None:
        from screens.dashboard import DashboardScreen

        screen.state.forget_surveys()
        screen.state.cluster = screen.operations.cluster
        screen.wizard.switch_screen(DashboardScreen())

    screen.doing("Writing the cluster file")
    screen.ask("save", partial(screen.operations.save, planned.cluster), saved, partial(refuse, screen, heading))


class PromoteDialog(ConfirmDialog):
    """What becomes of the cluster when another host is its reference."""

    typing = "Typing the cluster's name says that you mean this cluster and no other."
    explain = (
        "The reference, or first host, is the one that all others are compared with and whose set they get. Another one can take "
        "its place when it is healthy, connected and has the tenant's certificate. No host is written to."
    )

    def __init__(self, heading: str, planned: Promotion) -> None:
        super().__init__()
        self.heading = heading
        self.word = planned.cluster.name
        self._planned = planned

    def compose_meaning(self) -> Iterable[Widget]:
        """Facts: fit, what changes, and what the two differ in."""
        planned = self._planned
        facts: list[tuple[str, Told]] = [
            (planned.host, words.marked("good", "healthy, connected, with the tenant's certificate")),
            ("Instead of", f"{planned.first}, which stays in service as one of the others"),
            ("Changes", "the cluster file; no host is written to and no login interrupted"),
            ("They differ in", _differing(planned)),
        ]
        if planned.site_keys:
            kept = f"{', '.join(planned.site_keys)}: written into the cluster file, so that each keeps its own"
            facts.append(("Kept", kept))
        facts += [("Not kept", words.marked("care", each)) for each in planned.not_kept]
        yield VerticalScroll(Facts(facts), classes="text scrolls")


def _differing(planned: Promotion) -> Content:
    if planned.differing is None:
        return words.marked("care", f"that is not known: {planned.first} cannot be read")
    if not planned.differing:
        return words.marked("good", "nothing")
    told = words.marked("care", ", ".join(planned.differing))
    return told + Content.styled("  the others count as drifted there, until you converge them", "$quiet")
