"""Additional hosts: is each installed and waiting, and what exactly would change on it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from screens.base import WizardScreen
from screens.connect import error_facts
from tui.cluster import Cluster
from tui.errors import OperatorError
from tui.runbook.survey import AdditionalSurvey
from tui.widgets import words
from tui.widgets.facts import Facts, Findings
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

_STATES = {
    "ready": ("good", "ready"),
    "configured_here": ("care", "already a member"),
    "configured_elsewhere": ("bad", "serves another"),
    "blocked": ("bad", "blocked"),
}
FIT = ("ready", "configured_here")


class AdditionalHostsScreen(WizardScreen):
    """One row a host; the chosen one's changes below, its configuration key by key one key away."""

    STAGE = Stage.ADDITIONAL_HOSTS
    heading = "What would change on the others?"
    why = "Each must have the same version installed, and must not serve anything else."
    explain = (
        "An additional host should have the connector installed and not configured: its service failing to start is normal. "
        "One that serves another connection is never overwritten. Press v to compare its configuration key by key. A path "
        "of the first host that is another one here is yours to decide: press p."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("v", "compare", "Key by key"),
        Binding("p", "decide", "Site's own keys"),
        Binding("r", "look", "Look again"),
        Binding("x", "leave_out", "Leave out"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._errors: dict[str, OperatorError] = {}
        self._looking: set[str] = set()

    def compose_content(self) -> Iterable[Widget]:
        """Hosts, then the chosen one."""
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("State", 18),
            Column("Version", 8, style="$quiet"),
            Column("Clock", 10, from_width=64),
            Column("Found in", style="$quiet", from_width=84),
            explain="One line a host. The chosen host is told in full below.",
            id="hosts",
        )
        yield Facts(id="detail")
        yield Findings(id="findings")
        yield Rows(
            Column("What changes", 22, style="$ink"),
            Column("", 8, style="$quiet"),
            Column("Now", style="$quiet", from_width=116),
            Column("Then", style="$ink"),
            explain="The files that the run would write on this host. The chosen one is told in full below.",
            id="changes",
        )
        yield Facts(id="change")

    def on_mount(self) -> None:
        """Look at every host that was not looked at yet."""
        for name in self.state.chosen:
            if name not in self.state.additional:
                self._look(name)
        self._show()

    def action_look(self) -> None:
        """Look at every host again."""
        for name in self.state.chosen:
            self._look(name)
        self._show()

    def _look(self, name: str) -> None:
        self._looking.add(name)
        self._errors.pop(name, None)

        def seen(survey: AdditionalSurvey) -> None:
            self._looking.discard(name)
            self.state.additional[name] = survey
            self._show()

        def failed(error: OperatorError) -> None:
            self._looking.discard(name)
            self.state.additional.pop(name, None)
            self._errors[name] = error
            self._show()

        self.ask(f"survey {name}", partial(self.operations.survey_additional, name), seen, failed)

    def _show(self) -> None:
        assert self.state.cluster is not None
        self.query_one("#hosts", Rows).show([self._row(host.name) for host in self.state.cluster.additional])
        self._show_detail()
        self._judge()

    def _row(self, name: str) -> RowData:
        survey = self.state.additional.get(name)
        if name in self.state.left_out:
            return RowData(name, (name, "– left out", "", "", ""), dim=True)
        if name in self._errors:
            return RowData(name, (name, words.marked("bad", "not readable"), "", "", self._errors[name].summary))
        if survey is None or name in self._looking:
            return RowData(name, (name, words.marked("now", "looking"), "", "", ""))
        version = survey.install.version if survey.install else words.NOTHING
        folder = survey.install.directory if survey.install else "no install found"
        clock = words.skew(survey.facts.clock_skew_s) if survey.facts else ""
        state = words.marked(*_STATES.get(survey.state, ("bad", words.plain(survey.state))))
        return RowData(name, (name, state, version, clock, folder))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Tell the chosen host, and the chosen change, in full."""
        if event.rows.id == "hosts":
            self._show_detail()
        else:
            self._show_change()

    def _chosen(self) -> AdditionalSurvey | None:
        name = self.query_one("#hosts", Rows).chosen or ""
        return None if name in self.state.left_out else self.state.additional.get(name)

    def _show_detail(self) -> None:
        name = self.query_one("#hosts", Rows).chosen or ""
        survey = self._chosen()
        error = self._errors.get(name)
        self.query_one("#detail", Facts).show(error_facts(error) if error else [])
        self.query_one("#detail").display = error is not None
        self.query_one("#findings", Findings).show(survey.findings if survey else ())
        rows = []
        for change in survey.changes if survey and survey.state in FIT else ():
            rows.append(
                RowData(change.subject, (change.subject, change.action, change.before or "–", change.after or "–"))
            )
        changes = self.query_one("#changes", Rows)
        changes.show(rows)
        changes.display = bool(rows)
        self._show_change()
        self.refresh_bindings()

    def _show_change(self) -> None:
        """One file's change with all that a narrow list cuts off."""
        survey, path = self._chosen(), self.query_one("#changes", Rows).chosen
        found = [each for each in survey.changes if each.subject == path] if survey and survey.state in FIT else []
        facts: list[tuple[str, str | Content]] = []
        for change in found:
            facts = [(change.subject.rpartition("/")[2], change.action)]
            facts += [("Now", change.before)] if change.before else []
            facts += [("Then", change.after)] if change.after else []
        self.query_one("#change", Facts).show(facts)

    def _judge(self) -> None:
        chosen = self.state.chosen
        unfit = [name for name in chosen if name not in self._looking and not self._fit(name)]
        if self._looking:
            self.tell(f"Reading {words.listed(sorted(self._looking))}; nothing is changed", busy=True)
        elif unfit:
            self.tell(
                f"{words.listed(unfit)} cannot be changed. Put it right and press r, or leave it out.",
                "bad",
            )
        elif not chosen:
            self.tell("No host is left to change. Press x to take one in again.", "care")
        elif open_keys := [name for name in chosen if self._undecided(name)]:
            self.tell(f"{words.listed(open_keys)}: a path may not suit this host. Choose the host and press p.", "care")
        else:
            self.tell(f"{words.listed(list(chosen))} can become members.", "good")
        self.offer("Review the plan", enabled=not self._looking and not unfit and bool(chosen))

    def _fit(self, name: str) -> bool:
        survey = self.state.additional.get(name)
        return survey is not None and survey.state in FIT

    def _undecided(self, name: str) -> bool:
        survey = self.state.additional.get(name)
        return survey is not None and any(each.chosen is None for each in survey.proposals)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Comparing needs a host that was read, deciding one with something to decide."""
        if action == "decide":
            chosen = self._chosen() if self.query("#hosts") else None
            return chosen is not None and bool(chosen.proposals)
        if action == "compare":
            return bool(self.query("#hosts")) and self._chosen() is not None
        return super().check_action(action, parameters)

    def action_compare(self) -> None:
        """Show the configuration key by key."""
        from screens.key_by_key import KeyByKeyDialog

        survey = self._chosen()
        assert self.state.cluster is not None
        if survey is not None:
            self.wizard.push_screen(KeyByKeyDialog(survey.host, self.state.cluster.first.name, survey.keys))

    def action_decide(self) -> None:
        """Decide what this host gets for keys that name places on the first host."""
        from screens.site_keys import decide

        survey = self._chosen()
        if survey is None:
            return

        def decided(values: dict[str, str]) -> None:
            def saved(cluster: Cluster) -> None:
                self.state.cluster = cluster
                self._look(survey.host)
                self._show()

            def save() -> Cluster:
                self.operations.set_site_keys(survey.host, values)
                return self.operations.cluster

            self.ask("site keys", save, saved)

        decide(self.wizard, survey.host, survey.proposals, decided)

    def action_leave_out(self) -> None:
        """Leave the chosen host out of this run, or take it in again."""
        name = self.query_one("#hosts", Rows).chosen
        if name is None:
            return
        if name in self.state.left_out:
            if name not in self.state.connected:
                self.tell(f"{name} is not connected. Go back with esc to connect it.", "care")
                return
            self.state.left_out.discard(name)
            if name not in self.state.additional:
                self._look(name)
        else:
            self.state.left_out.add(name)
        self._show()

    def proceed(self) -> None:
        """Go on with a plan made anew."""
        self.state.plan = None
        self.finish_stage()
