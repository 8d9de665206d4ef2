"""Connect: log in to every host, each key compared, each secret asked for once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from screens.base import WizardScreen
from tui.cluster import Host
from tui.errors import OperatorError
from tui.remote.errors import AuthenticationFailed, CertificateRefused, HostKeyChanged, HostQuestion, RightsLacking
from tui.runbook.survey import Connected
from tui.widgets import words
from tui.widgets.facts import Facts
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage

_REASONS: dict[type[OperatorError], str] = {
    RightsLacking: "lacks rights",
    CertificateRefused: "not trusted",
    HostKeyChanged: "not trusted",
    AuthenticationFailed: "login refused",
}
"""The kinds of failure that have a word of their own in the list."""


class ConnectScreen(WizardScreen):
    """All hosts at once; what a host asks is put to the operator one question at a time."""

    STAGE = Stage.CONNECT
    heading = "Can every host be reached?"
    why = "Each host proves who it is before it is told a secret. Nothing is changed."
    explain = (
        "A host key or certificate that is not known yet is shown to be compared. One that has changed is refused. A wrong "
        "password is tried once only, because accounts lock. A host that cannot be reached can be left out of this run."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("r", "retry", "Try again"),
        Binding("x", "leave_out", "Leave out"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._errors: dict[str, OperatorError] = {}
        self._trying: set[str] = set()

    def compose_content(self) -> Iterable[Widget]:
        """A row a host, and the chosen one in full."""
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("State", 17),
            Column("Login", 22, style="$quiet", from_width=58),
            Column("Known by", style="$quiet", from_width=84),
            explain="One line a host. The chosen host is told in full below.",
            id="hosts",
        )
        yield Facts(id="detail")

    def on_mount(self) -> None:
        """Connect to what is not connected yet."""
        for host in self._hosts():
            if host.name not in self.state.connected and host.name not in self.state.left_out:
                self._connect(host.name)
        self._show()

    def _hosts(self) -> tuple[Host, ...]:
        assert self.state.cluster is not None
        return self.state.cluster.hosts

    def _connect(self, name: str) -> None:
        self._errors.pop(name, None)
        self._trying.add(name)

        def connected(result: Connected) -> None:
            self._trying.discard(name)
            self.state.connected[name] = result
            self._show()

        def failed(error: OperatorError) -> None:
            self._trying.discard(name)
            self._errors[name] = error
            self._show()

        self.ask(f"connect {name}", partial(self.operations.connect, name), connected, failed)

    def _show(self) -> None:
        rows = self.query_one("#hosts", Rows)
        rows.show([self._row(host) for host in self._hosts()])
        failed = [host.name for host in self._hosts() if host.name in self._errors]
        if failed and rows.chosen in self.state.connected and not self._trying:
            rows.choose(failed[0])
        self._show_detail()
        self._judge()

    def _row(self, host: Host) -> RowData:
        found = self.state.connected.get(host.name)
        if host.name in self.state.left_out:
            return RowData(host.name, (host.name, "– left out", "", ""), dim=True)
        if found is not None:
            same = found.becomes.casefold() == found.login_user.casefold() or host.system == "windows"
            login = found.becomes if same else f"{found.login_user}, then {found.becomes}"
            return RowData(
                host.name,
                (host.name, words.marked("good", "connected"), login, f"{found.key_type} {found.fingerprint}"),
            )
        error = self._errors.get(host.name)
        if isinstance(error, HostQuestion):
            return RowData(host.name, (host.name, words.marked("care", "not answered"), "", ""))
        if error is not None:
            word = next((word for kind, word in _REASONS.items() if isinstance(error, kind)), "failed")
            return RowData(host.name, (host.name, words.marked("bad", word), "", ""))
        return RowData(host.name, (host.name, words.marked("now", "connecting"), "", ""))

    def on_rows_chosen(self) -> None:
        """Tell the chosen host in full."""
        self._show_detail()
        self.refresh_bindings()

    def _show_detail(self) -> None:
        name = self.query_one("#hosts", Rows).chosen
        found = self.state.connected.get(name or "")
        error = self._errors.get(name or "")
        facts: list[tuple[str, str | Content]] = []
        if found is not None:
            facts = [
                ("Address", found.address),
                ("Known by", Content.assemble((f"{found.key_type} ", "$quiet"), found.fingerprint)),
                ("Answered in", f"{found.seconds:.1f} s"),
            ]
        elif error is not None:
            facts = error_facts(error)
        self.query_one("#detail", Facts).show(facts)

    def _judge(self) -> None:
        wanted = [host.name for host in self._hosts() if host.name not in self.state.left_out]
        missing = [name for name in wanted if name not in self.state.connected]
        if self._trying:
            self.tell(f"Connecting to {words.listed(sorted(self._trying))}", busy=True)
        elif missing:
            self.tell(f"{words.listed(missing)}: try again, or leave it out of this run.", "bad")
        elif len(wanted) < 2:
            self.tell("At least one additional host is needed. Press x to take one in again.", "care")
        else:
            self.tell(f"{words.count(len(wanted), 'host')} connected.", "good")
            self._ask_client_secret()
        self.offer("Look at the first host", enabled=not missing and len(wanted) > 1)

    def _ask_client_secret(self) -> None:
        """Ask for the tenant's secret once, with the other secrets, unless the keyring has it."""
        from screens.questions import ClientSecretDialog

        tenant = self.state.cluster.tenant if self.state.cluster else None
        if tenant is None or self.state.client_secret_asked:
            return
        self.state.client_secret_asked = True
        domain = tenant.domain

        def typed(value: str | None) -> None:
            if value is not None:
                self.ask("secret", lambda: self.operations.supply_client_secret(value), lambda _none: None)

        def looked(known: bool) -> None:
            if not known:
                hint = self.wizard.demo.client_secret if self.wizard.demo else None
                self.wizard.put(ClientSecretDialog(domain, hint), typed)

        self.ask("known secret", self.operations.client_secret_known, looked)

    def action_retry(self) -> None:
        """Try again what has failed."""
        for name in list(self._errors):
            if name not in self.state.left_out:
                self._connect(name)
        self._show()

    def action_leave_out(self) -> None:
        """Leave the chosen additional host out of this run, or take it in again."""
        name = self.query_one("#hosts", Rows).chosen
        assert self.state.cluster is not None
        if name is None or name == self.state.cluster.first.name:
            self.tell("The first host cannot be left out: the others receive its configuration.", "care")
            return
        if name in self.state.left_out:
            self.state.left_out.discard(name)
            if name not in self.state.connected:
                self._connect(name)
        else:
            self.state.left_out.add(name)
        self._show()


def error_facts(error: OperatorError) -> list[tuple[str, str | Content]]:
    """An error on the grid of facts."""
    parts = (("Tried", error.tried), ("Means", error.meaning), ("Do", error.remedy))
    return [("Failed", Content.styled(error.summary, "$bad")), *((label, text) for label, text in parts if text)]
