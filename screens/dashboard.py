"""Dashboard: every instance as it is now, for as long as it is left open."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from screens.base import WizardScreen
from screens.dashboard_detail import CHECKS, KEYS, KINDS, DetailPane
from screens.dashboard_interval import choose_interval
from screens.dashboard_questions import HostQuestions
from screens.dashboard_rows import COLUMNS, SORTS, MadeRows, Shown, asks, chosen_views
from screens.dashboard_tests import TestRuns
from screens.dashboard_told import cluster_line, situation, tenant_line, top_left, top_right
from tui.health.model import ClusterStatus
from tui.health.monitor import USUAL_INTERVAL_S, InstanceView
from tui.remote.errors import HostQuestion
from tui.runbook.watched import Watched
from tui.widgets.detail_tabs import DetailTabs
from tui.widgets.field import Field
from tui.widgets.key_bar import KeyBar
from tui.widgets.line import EndsLine, Line
from tui.widgets.next_bar import NextBar
from tui.widgets.rows import Rows
from tui.widgets.stage import Stage

_TOGETHER_S = 0.25
_LOCKS_AFTER_S = 600.0


class Looked(Message, bubble=False):
    """Something of the cluster was looked at since the last message of this kind."""


class DashboardScreen(WizardScreen):
    """One row an instance, the chosen one in full below. Nothing can be changed until it is unlocked."""

    STAGE = Stage.HOME
    heading = "Dashboard"
    why = ""
    explain = (
        "Every instance is looked at every few seconds, each on its own, so that none delays another. Healthy means: accepted by "
        "the hub and kept. A grey row is old: the host does not answer. Nothing can be changed from here until you press u; "
        "every act then shows what it will do before it does it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Answer"),
        Binding("u", "unlock", "Unlock"),
        Binding("x", "acts", "Acts"),
        Binding("t", "troubleshoot", "Test"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("o", "sort", "Sort"),
        Binding("e", "ill_only", "Errors only"),
        Binding("p", "pause", "Pause"),
        Binding("r", "look", "Look now"),
        Binding("i", "interval", "Interval"),
        Binding("l", "log", "Log"),
        Binding("a", "all_keys", "All keys"),
        *(Binding(str(place), f"detail('{kind}')", title, show=False) for place, (kind, title) in enumerate(KINDS, 1)),
        Binding("escape", "back", "Back"),
    ]
    AUTO_FOCUS = "#instances"

    def __init__(self) -> None:
        super().__init__()
        self.watched: Watched | None = None
        self.unlocked = False
        self.shown = Shown()
        self._views: dict[str, InstanceView] = {}
        self._made = MadeRows()
        self._questions = HostQuestions(self)
        self._tests = TestRuns(self)
        self._doing = ""
        self._pending = threading.Event()
        self._gone = threading.Event()
        self._due: Timer | None = None
        self._ages: Timer | None = None
        self._relock: Timer | None = None

    @property
    def first(self) -> str:
        """The first host's name."""
        return self.state.cluster.first.name if self.state.cluster else ""

    @property
    def on_top(self) -> bool:
        """Whether no other screen and no dialog is above: below one, Textual pays for each change with a whole screen."""
        return self.app.screen is self

    def compose(self) -> ComposeResult:
        """Cluster and tenant, the instances, the details, what to do, the keys."""
        yield EndsLine(id="top")
        with Vertical(id="page"):
            yield Line(id="cluster")
            yield Line(id="tenant")
            field = Field(
                "Filter", Input(id="filter", compact=True), explain="Any word of a row: a host, a state, a problem."
            )
            field.display = False
            yield field
            yield Rows(*COLUMNS, explain=self.explain, id="instances")
            yield DetailPane(id="detail")
            yield NextBar()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to watch."""
        self.offer("")
        self._show_top()
        self.tell("Reading what was known last", busy=True)
        self.ask("watch", self._begin, self._begun)

    def _begin(self) -> Watched:
        watched = self.operations.watch(
            interval=USUAL_INTERVAL_S, on_change=lambda _name: self._looked(), on_tenant=self._looked
        )
        if self._gone.is_set():
            watched.close()
        return watched

    def _begun(self, watched: Watched) -> None:
        self.watched = watched
        self._update()

    def on_unmount(self) -> None:
        """Look no more."""
        self._gone.set()
        if self.watched is not None:
            self.watched.close()

    def _looked(self) -> None:
        """In a thread of the watching's: one message stands for all looks until it is handled."""
        if not self._pending.is_set() and not self._gone.is_set():
            self._pending.set()
            self.post_message(Looked())

    def on_looked(self) -> None:
        """Show what has changed, together with what comes within a moment."""
        if self._due is None:
            self._due = self.set_timer(_TOGETHER_S, self._update)

    def on_screen_resume(self) -> None:
        """Show what has changed meanwhile."""
        if self.watched is not None:
            self._update()

    def _update(self) -> None:
        self._due = None
        if self.watched is None or not self.is_attached or not self.on_top:
            return
        self._pending.clear()
        views = self.watched.views()
        changed = {view.name for view in views if self._views.get(view.name) is not view}
        self._views = {view.name: view for view in views}
        for name in changed:
            self._made.settle(self._views[name])
        self.show_known()
        if self.chosen is not None and self.chosen.name in changed:
            self._read_detail(self.chosen)
        self._questions.put_next()
        self._follow_ages()

    def show_known(self) -> None:
        """Everything that is known already; only what differs is painted, and nothing below another screen."""
        watched = self.watched
        if watched is None or not self.on_top:
            return
        views, status = list(self._views.values()), watched.status()
        self._show_top()
        self.query_one("#cluster", Line).show(cluster_line(status, views))
        self.query_one("#tenant", Line).show(tenant_line(watched.tenant()))
        self._show_rows(watched)
        told, tone = situation(status, views)
        self._say(told, tone)
        self.offer("Answer" if self._question() is not None else "")
        self._show_detail(status)
        self.refresh_bindings()

    def _say(self, told: str, tone: str) -> None:
        watched = self.watched
        if self._doing:
            self.tell(self._doing, busy=True)
        elif (tests := self._tests.told()) is not None:
            self.tell(*tests)
        elif watched is not None and watched.paused:
            self.tell("Paused: nothing is looked at. Press p to go on.", "care")
        elif not self.query_one("#instances", Rows).keys and self._views:
            self.tell("No instance is like that. Press esc to see all.", "care")
        elif self.unlocked:
            self.tell(f"{told} Press x for the acts, u to lock.", tone)
        else:
            self.tell(f"{told} Read-only: u unlocks the acts.", tone)

    def doing(self, text: str) -> None:
        """Say what is under way, for as long as it is: an empty text when it has ended."""
        self._doing = text
        self.show_known()

    def _show_top(self) -> None:
        left = top_left(self.state.name, demo=self.wizard.demo is not None)
        right = top_right(self.shown, self.watched, unlocked=self.unlocked)
        self.query_one("#top", EndsLine).show_ends(left, right)

    @property
    def views(self) -> list[InstanceView]:
        """Every instance as shown now, in the cluster file's order."""
        return list(self._views.values())

    @property
    def chosen(self) -> InstanceView | None:
        """The chosen instance."""
        return self._views.get(self.query_one("#instances", Rows).chosen or "")

    @on(Rows.Chosen, "#instances")
    def _chosen(self) -> None:
        if self.watched is None:
            return
        self._tests.forget()
        self.offer("Answer" if self._question() is not None else "")
        self._show_detail(self.watched.status())
        if self.chosen is not None:
            self._read_detail(self.chosen)

    def _show_detail(self, status: ClusterStatus) -> None:
        pane, chosen = self.query_one(DetailPane), self.chosen
        pane.display = chosen is not None
        if chosen is None or self.watched is None:
            return
        self.query_one(DetailTabs).show(chosen.name, pane.kind)
        if pane.kind == CHECKS:
            pane.show_checks(self, chosen, status, self.watched)

    def _read_detail(self, view: InstanceView) -> None:
        pane, watched = self.query_one(DetailPane), self.watched
        work = pane.work(view, watched) if watched is not None else None
        if work is not None:
            self.ask("detail", work, partial(pane.answered, view), partial(pane.failed, view))

    def action_detail(self, kind: str) -> None:
        """Show another kind of details."""
        self.query_one(DetailPane).pick(kind)
        self._chosen()
        self.refresh_bindings()

    @on(DetailTabs.Picked)
    def _picked(self, event: DetailTabs.Picked) -> None:
        self.action_detail(event.kind)

    def action_all_keys(self) -> None:
        """Every key of the configuration, or those that differ."""
        pane, chosen = self.query_one(DetailPane), self.chosen
        pane.all_keys = not pane.all_keys
        if chosen is not None:
            pane.show_keys(chosen)

    def _question(self) -> HostQuestion | None:
        """What the chosen instance's host waits for."""
        return asks(self.chosen) if self.chosen is not None else None

    def proceed(self) -> None:
        """Answer what the chosen instance's host asks."""
        if self.chosen is not None and self._question() is not None:
            self._questions.ask(self.chosen.name)

    def _follow_ages(self) -> None:
        """Ages move on while a host is silent, once a second; otherwise nothing ticks."""
        stale = any(view.failure is not None and view.seen is not None for view in self._views.values())
        if stale and self._ages is None:
            self._ages = self.set_interval(1.0, self._show_ages)
        elif not stale and self._ages is not None:
            self._ages.stop()
            self._ages = None

    def _show_ages(self) -> None:
        if self.on_top and self.watched is not None:
            self._show_rows(self.watched)

    def _show_rows(self, watched: Watched) -> None:
        tested, now = watched.troubleshot(), self.wizard.now()
        wanted = chosen_views(self.views, self.shown, self._made.latencies)
        self.query_one("#instances", Rows).show([self._made.row(view, tested.get(view.name), now) for view in wanted])

    def action_filter(self) -> None:
        """Ask which instances to show."""
        field = self.query_one(Field)
        field.display = True
        field.query_one(Input).focus()

    @on(Input.Changed, "#filter")
    def _filtered(self, event: Input.Changed) -> None:
        self.shown = replace(self.shown, text=event.value.strip())
        self.show_known()

    @on(Input.Submitted, "#filter")
    def _filter_chosen(self, event: Input.Submitted) -> None:
        event.stop()
        self._leave_filter()

    def _leave_filter(self) -> None:
        self.query_one("#instances", Rows).focus()
        self.query_one(Field).display = bool(self.shown.text)

    def action_back(self) -> None:
        """Take the filter away, then the errors-only view, then go back."""
        if self.query_one(Field).display or self.shown.text:
            self.query_one("#filter", Input).value = ""
            self._leave_filter()
            self.query_one(Field).display = False
        elif self.shown.ill_only:
            self.action_ill_only()
        else:
            super().action_back()

    def action_sort(self) -> None:
        """Order the instances in the next way."""
        ways = [word for word, _ in SORTS]
        self.shown = replace(self.shown, sort=ways[(ways.index(self.shown.sort) + 1) % len(ways)])
        self.show_known()

    def action_ill_only(self) -> None:
        """Show only the instances that somebody should look at, or all."""
        self.shown = replace(self.shown, ill_only=not self.shown.ill_only)
        self.show_known()

    def action_pause(self) -> None:
        """Stop looking, or go on."""
        if self.watched is not None:
            self.watched.resume() if self.watched.paused else self.watched.pause()
            self.show_known()

    def action_look(self) -> None:
        """Look at everything of every instance now."""
        if self.watched is not None:
            self.watched.refresh()

    def action_interval(self) -> None:
        """Choose how often to look."""
        choose_interval(self)

    def action_log(self) -> None:
        """Show the chosen instance's log on the whole screen."""
        from screens.dashboard_log import LogDialog

        if self.chosen is not None and self.watched is not None:
            self.wizard.push_screen(LogDialog(self.chosen.name, self.watched))

    def action_troubleshoot(self) -> None:
        """Run the troubleshooter on the chosen instance."""
        if self.chosen is not None:
            self.troubleshoot([self.chosen.name])

    def troubleshoot(self, names: Sequence[str]) -> None:
        """Run the troubleshooter on these, side by side."""
        self._tests.run(names)

    def action_unlock(self) -> None:
        """Let acts be chosen, or no longer. It locks itself again after ten minutes."""
        self.unlocked = not self.unlocked
        if self._relock is not None:
            self._relock.stop()
        self._relock = self.set_timer(_LOCKS_AFTER_S, self.lock_again) if self.unlocked else None
        self.show_known()

    def lock_again(self) -> None:
        """Nothing can be changed from here any more."""
        if self.unlocked:
            self.action_unlock()

    def action_acts(self) -> None:
        """Choose what to do with the instance or the cluster."""
        from screens.dashboard_acts import choose_act

        if self.unlocked and self.watched is not None:
            choose_act(self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Acts can be chosen when unlocked, one at a time; all keys can be shown where keys are."""
        if action == "acts":
            return self.unlocked and not self._doing
        if action == "unlock":
            return self.watched is not None
        if action == "all_keys":
            return any(pane.kind == KEYS for pane in self.query(DetailPane))
        return super().check_action(action, parameters)
