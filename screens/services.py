"""Services: every instance as it is now, and why it is called so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import PurePath
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from screens.base import WizardScreen
from screens.decisions import Decisions
from tui.errors import OperatorError
from tui.health.model import ClusterStatus, HostStatus, Verdict
from tui.widgets import words
from tui.widgets.facts import Facts, Findings, Told
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage
from tui.widgets.waiting_bar import WaitingBar


class ServicesScreen(WizardScreen):
    """One row an instance; the chosen one in full."""

    STAGE = Stage.SERVICES
    heading = "Does every instance run and stay connected?"
    why = "Running proves little: the hub must have accepted it, and kept it."
    explain = (
        "Healthy means: both services run, the hub has accepted the instance and kept it, its certificate is the tenant's, its "
        "clock is right and its configuration is the first host's. Nothing here changes a host."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("d", "decide", "Decide"),
        Binding("r", "look", "Look again"),
        Binding("l", "log", "Log"),
        Binding("v", "drift", "What differs"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._status: ClusterStatus | None = None
        self._problems: dict[str, OperatorError] = {}
        self._decisions = Decisions(self)

    def compose_content(self) -> Iterable[Widget]:
        """Instances, then the chosen one."""
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Verdict", 11),
            Column("Connector", 13),
            Column("Admin", 13, from_width=88),
            Column("Hub", 14),
            Column("Clock", 10),
            explain="One line an instance. The chosen one is told in full below.",
            id="hosts",
        )
        yield Findings(id="problems")
        yield Facts(id="detail")

    def compose_notice(self) -> Iterable[Widget]:
        """A decision that was put off."""
        yield WaitingBar()

    def on_mount(self) -> None:
        """Log in where that was not done yet, then look."""
        self.offer("Run the troubleshooter", enabled=False)
        self._decisions.watch()
        assert self.state.cluster is not None
        self._connect([host.name for host in self.state.cluster.hosts if host.name not in self.state.connected])

    def _connect(self, names: list[str]) -> None:
        if not names:
            self.action_look()
            return
        name, *rest = names
        self.tell(f"Connecting to {name}", busy=True)

        def failed(error: OperatorError) -> None:
            self._problems[name] = error
            self._connect(rest)

        self.ask("connect", partial(self.operations.connect, name), lambda _found: self._connect(rest), failed)

    def action_look(self) -> None:
        """Probe every instance."""
        self.tell("Looking at every instance", busy=True)
        self.ask("status", self.operations.status, self._show)

    def _show(self, status: ClusterStatus) -> None:
        self._status = status
        rows = self.query_one("#hosts", Rows)
        rows.show([_row(host) for host in status.hosts])
        ill = [host.name for host in status.hosts if host.verdict is not Verdict.HEALTHY]
        if ill and rows.chosen not in ill:
            rows.choose(ill[0])
        self._show_detail()
        if ill:
            self.tell(f"The cluster is {status.verdict.value}: see {words.listed(ill)}.", "care")
        else:
            self.tell(f"The cluster is healthy: {words.count(len(status.hosts), 'instance')} connected.", "good")
        self.offer("Run the troubleshooter", lit=not ill)

    @on(Rows.Chosen, "#hosts")
    def _chosen(self) -> None:
        self._show_detail()

    def _host(self) -> HostStatus | None:
        name = self.query_one("#hosts", Rows).chosen
        hosts = self._status.hosts if self._status else ()
        return next((host for host in hosts if host.name == name), None)

    def _show_detail(self) -> None:
        host = self._host()
        if host is None or self._status is None:
            return
        self.query_one("#problems", Findings).show((*host.problems, *self._status.problems))
        self.query_one("#detail", Facts).show(_facts(host, self._until(host)))
        self.refresh_bindings()

    def _until(self, host: HostStatus) -> str | Content:
        if host.certificate is None:
            return words.marked("none", "not read")
        tone, left = words.until(host.certificate.expires, self.wizard.now())
        return words.marked(tone, left) + Content.styled(f"  until {words.date(host.certificate.expires)}", "$quiet")

    def action_decide(self) -> None:
        """Take up the decision that was put off."""
        if self._decisions.waiting is not None:
            self._decisions.ask(self._decisions.waiting)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What differs can be shown where something does, and a decision taken where one waits."""
        if action == "decide":
            return self._decisions.waiting is not None
        if action == "drift":
            return bool(self.query("#hosts")) and bool((host := self._host()) and host.drift)
        return super().check_action(action, parameters)

    def action_drift(self) -> None:
        """Show how the chosen instance's configuration differs from the first host's."""
        from screens.key_by_key import KeyByKeyDialog

        host = self._host()
        assert self.state.cluster is not None
        if host is not None:
            self.wizard.push_screen(KeyByKeyDialog(host.name, self.state.cluster.first.name, host.drift))

    def action_log(self) -> None:
        """Show the end of the chosen instance's log."""
        from screens.raw_text import show_log

        name = self.query_one("#hosts", Rows).chosen
        if name is not None:
            show_log(self, name)


def _row(host: HostStatus) -> RowData:
    connector = words.service_state(host.services.get("connector", "unknown"))
    admin = words.service_state(host.services["admin"]) if "admin" in host.services else words.marked("none", "none")
    cells = (
        host.name,
        words.verdict(host.verdict.value),
        connector,
        admin,
        words.hub_state(host.hub),
        words.skew(host.clock_skew_s),
    )
    return RowData(host.name, cells)


def _facts(host: HostStatus, until: str | Content) -> list[tuple[str, Told]]:
    facts: list[tuple[str, Told]] = []
    if host.install_dir:
        facts.append(("Connector", Content.styled(host.version or words.NOTHING, "bold")))
        facts.append(("Installed in", PurePath(host.install_dir)))
    facts.append(("Certificate", until))
    if host.certificate is not None:
        matches = {
            True: ("good", "the tenant's"),
            False: ("bad", "not the tenant's"),
            None: ("none", "tenant not asked"),
        }
        proof = words.marked(*matches[host.certificate.matches_tenant])
        facts.append(("Thumbprint", Content.assemble((f"{host.certificate.thumbprint}  ", "$quiet"), proof)))
    count = len(host.drift)
    same = (
        words.marked("care", f"{words.count(count, 'key')} differ")
        if count
        else words.marked("good", "as on the first host")
    )
    facts.append(("Configuration", same))
    return facts
