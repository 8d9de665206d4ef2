"""Home: begin, open, return to a run, resume one, or try the demo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from screens.base import WizardScreen
from screens.connect import error_facts
from screens.tracks import undoable
from tui.app import UNDER_WAY, DemoControls
from tui.cluster import Cluster
from tui.errors import OperatorError
from tui.runbook.act_words import act_words
from tui.runbook.model import RunState, RunView
from tui.runbook.operations import Operations
from tui.widgets import words
from tui.widgets.facts import Facts
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage


@dataclass(frozen=True, slots=True)
class Known:
    """A cluster file: what it says and its last run, or why it could not be read."""

    name: str
    cluster: Cluster | None = None
    last: RunView | None = None
    error: OperatorError | None = None


_TO_RETURN_TO = (*UNDER_WAY, RunState.INTERRUPTED)
_OF_CLUSTERS = ("open", "watch")
_NEEDED = (
    ("You need", "one host whose connector is configured and works"),
    ("", "one or more hosts where the same version is installed and not configured"),
    ("", "a login on each: SSH with sudo on Linux, an administrator's on Windows"),
)
_DEMO = (
    ("Practice", "three hosts, a directory and a tenant, all inside this program"),
    ("", "real SSH and WinRM, real files, and faults to switch on; nothing to break"),
)


class HomeScreen(WizardScreen):
    """The way in. What needs attention stands first."""

    STAGE = Stage.HOME
    heading = "What would you like to do?"
    why = "One connector becomes a cluster. Nothing changes before you confirm."
    explain = (
        "Clusters are kept in files without secrets, one for each. A run goes on when the terminal is gone: come back here to "
        "return to it. An interrupted run is finished or undone from here."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Choose"),
        Binding("d", "dashboard", "Dashboard"),
        Binding("s", "services", "Services"),
        Binding("c", "colours", "Light or dark"),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, Known] = {}

    def compose_content(self) -> Iterable[Widget]:
        """One list."""
        yield Rows(
            Column("", 26),
            Column("", style="$quiet"),
            explain="Choose with the arrow keys and press enter.",
            acts=True,
            titles=False,
            id="menu",
        )
        yield Facts(id="detail")

    def on_screen_resume(self) -> None:
        """Look again at what there is, each time one comes back."""
        self.offer("")
        self._show_menu()
        self.tell("Looking for clusters and runs", busy=True)
        self.ask("clusters", lambda: _look(self.operations), self._looked, self._not_looked)

    def _looked(self, known: list[Known]) -> None:
        fresh = not self._known
        self._known = {each.name: each for each in known}
        self._show_menu()
        self._show_detail()
        menu = self.query_one("#menu", Rows)
        if fresh:
            menu.choose(menu.keys[0])
        waiting = [each for each in known if each.last and (each.last.state in _TO_RETURN_TO or undoable(each.last))]
        if waiting:
            self.query_one("#menu", Rows).choose(_run_key(waiting[0]))
            last = waiting[0].last
            assert last is not None
            if last.state is RunState.INTERRUPTED:
                self.tell(f"The run of {waiting[0].name} was interrupted. Resume it to finish or undo it.", "care")
            elif undoable(last):
                self.tell(f"A run of {waiting[0].name} has left {words.listed(last.changed)} changed.", "care")
            else:
                self.tell(f"A run of {waiting[0].name} is under way. Press enter to return to it.", "now")
        elif self.wizard.demo:
            self._lead_on_in_demo(self.wizard.demo.cluster)
        else:
            self.tell("Choose with the arrow keys and press enter.", "now")
        self._open_at_once()

    def _lead_on_in_demo(self, cluster: str) -> None:
        if cluster in self._known and _in_service(self._known[cluster]):
            self.tell("The cluster is in service. Press enter to watch it.", "now")
            self.query_one("#menu", Rows).choose(f"watch/{cluster}")
        else:
            self.tell("Press enter to begin: three hosts are ready, one of them configured.", "now")
            self.query_one("#menu", Rows).choose(f"open/{cluster}")

    def _open_at_once(self) -> None:
        name, self.wizard.open_cluster = self.wizard.open_cluster, None
        if name and name in self._known:
            self._open(name)

    def _not_looked(self, error: OperatorError) -> None:
        self.tell(" ".join(error.lines()), "bad")

    def _show_menu(self) -> None:
        rows: list[RowData] = []
        for each in self._known.values():
            if each.last and each.last.state in UNDER_WAY:
                rows.append(RowData(_run_key(each), ("Return to the run", _run_words(each.last))))
            elif each.last and each.last.state is RunState.INTERRUPTED:
                rows.append(RowData(_run_key(each), ("Resume the run", _run_words(each.last))))
            elif each.last and undoable(each.last):
                rows.append(RowData(_run_key(each), ("Undo the run", _run_words(each.last))))
        for each in sorted(self._known.values(), key=lambda each: not _in_service(each)):
            if _in_service(each):
                rows.append(RowData(f"watch/{each.name}", (f"Watch {each.name}", _cluster_words(each))))
            else:
                rows.append(RowData(f"open/{each.name}", (f"Open {each.name}", _cluster_words(each))))
        rows += [
            RowData(f"open/{each.name}", (f"Change {each.name}", "add hosts, or make a new backup"))
            for each in self._known.values()
            if _in_service(each)
        ]
        if self.wizard.demo is None:
            rows.append(RowData("new", ("New cluster", "begin with one connector that works today")))
            rows.append(RowData("demo", ("Demo", "three practice hosts inside this program")))
        else:
            rows.append(RowData("new", ("New cluster", "fill in hosts yourself")))
        self.query_one("#menu", Rows).show(rows)

    @on(Rows.Acted, "#menu")
    def _act(self, event: Rows.Acted) -> None:
        word, _, name = event.key.partition("/")
        if word == "new":
            self.wizard.begin(None)
            self.wizard.go(Stage.HOSTS)
        elif word == "demo":
            self._begin_demo()
        elif word == "open":
            self._open(name)
        elif word == "watch":
            self._watch(name)
        else:
            self._return(self._known[name])

    def _open(self, name: str) -> None:
        def opened(cluster: Cluster) -> None:
            self.wizard.begin(cluster)
            self.wizard.go(Stage.HOSTS)

        self.ask("open", lambda: self.operations.load(name), opened)

    def _watch(self, name: str) -> None:
        def opened(cluster: Cluster) -> None:
            self.wizard.begin(cluster)
            self.wizard.open_dashboard()

        self.ask("open", lambda: self.operations.load(name), opened)

    def action_dashboard(self) -> None:
        """Watch the chosen cluster."""
        word, _, name = (self.query_one("#menu", Rows).chosen or "").partition("/")
        if word in _OF_CLUSTERS:
            self._watch(name)

    def _return(self, known: Known) -> None:
        last = known.last
        if last is None or known.cluster is None:
            return
        cluster = known.cluster

        def opened(cluster: Cluster) -> None:
            self.wizard.begin(cluster)
            self.state.run = last.id
            self.state.view = last
            self.state.done.update(list(Stage)[: Stage.PROGRESS.number - 1])
            self.wizard.go(Stage.PROGRESS)

        self.ask("open", lambda: self.operations.load(cluster.name), opened)

    def _begin_demo(self) -> None:
        start = self.wizard.start_demo
        if start is None:
            self.tell("Leave with q and run: adldap-ha demo", "care")
            return

        def started(both: tuple[Operations, DemoControls]) -> None:
            self.wizard.use_demo(*both)

        self.tell("Starting three hosts, a directory and a tenant inside this program", busy=True)
        self.ask("demo", start, started)

    def action_services(self) -> None:
        """See how a cluster is without changing anything."""
        chosen = self.query_one("#menu", Rows).chosen or ""
        word, _, name = chosen.partition("/")
        if word not in _OF_CLUSTERS:
            return

        def opened(cluster: Cluster) -> None:
            self.wizard.begin(cluster)
            self.wizard.go(Stage.SERVICES)

        self.ask("open", lambda: self.operations.load(name), opened)

    @on(Rows.Chosen, "#menu")
    def _chosen(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        word, _, name = (self.query_one("#menu", Rows).chosen or "").partition("/")
        known = self._known.get(name)
        facts: list[tuple[str, str | Content]] = []
        if known is not None and known.error is not None:
            facts = error_facts(known.error)
        elif known is not None and known.cluster is not None:
            facts = _cluster_facts(known.cluster, known.last)
        elif word == "new":
            facts = [(label, Content.styled(text, "$quiet")) for label, text in _NEEDED]
        elif word == "demo":
            facts = [(label, Content.styled(text, "$quiet")) for label, text in _DEMO]
        self.query_one("#detail", Facts).show(facts)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Services can be asked for where a cluster is chosen."""
        if action in ("services", "dashboard"):
            chosen = [(menu.chosen or "").partition("/") for menu in self.query("#menu").results(Rows)]
            return any(word in _OF_CLUSTERS and self._readable(name) for word, _, name in chosen)
        return True

    def _readable(self, name: str) -> bool:
        return name in self._known and self._known[name].cluster is not None

    def action_primary(self) -> None:
        """Enter chooses, wherever the focus is."""
        self.query_one("#menu", Rows).action_act()

    def action_colours(self) -> None:
        """Change between light and dark."""
        self.wizard.action_shade()


def _cluster_facts(cluster: Cluster, last: RunView | None) -> list[tuple[str, str | Content]]:
    facts: list[tuple[str, str | Content]] = [
        ("First host", cluster.first.name),
        ("Additional", words.listed([host.name for host in cluster.additional], limit=6) or "none yet"),
    ]
    if last is not None:
        told = Content.styled(f"  begun {words.moment(last.started)} by {last.operator}", "$quiet")
        facts.append(("Last run", words.run_state(last.state) + told))
    return facts


def _in_service(known: Known) -> bool:
    """Whether the last run made a healthy cluster, or was an act on one: then watching it is what one comes for."""
    last = known.last
    if known.cluster is None or last is None:
        return False
    return last.act != "add" or (last.state is RunState.DONE and last.verdict == "healthy")


def _run_key(known: Known) -> str:
    return f"run/{known.name}"


def _look(operations: Operations) -> list[Known]:
    return [_look_at(operations, name) for name in operations.clusters()]


def _look_at(operations: Operations, name: str) -> Known:
    try:
        cluster = operations.load(name)
    except OperatorError as error:
        return Known(name, error=error)
    try:
        runs = operations.runs()
    except OperatorError as error:
        return Known(name, cluster, error=error)
    return Known(name, cluster, runs[0] if runs else None)


def _run_words(view: RunView) -> str:
    ended = sum(1 for step in view.steps if step.ended is not None)
    _, word = words.RUN_WORDS[view.state]
    what = "" if view.act == "add" else f"{act_words(view.act).name} "
    return f"{view.cluster}: {what}{word}, {ended} of {words.count(len(view.steps), 'step')} ended"


def _cluster_words(known: Known) -> str:
    if known.error is not None:
        return known.error.summary
    assert known.cluster is not None
    hosts = words.count(len(known.cluster.hosts), "host")
    if known.last is None:
        return f"{hosts}, no run yet"
    verdict = known.last.verdict or words.RUN_WORDS[known.last.state][1]
    return f"{hosts}, last run {words.moment(known.last.ended or known.last.started)} {verdict}"
