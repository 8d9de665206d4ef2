"""Hosts: which machines belong to the cluster, and how each is reached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.base import WizardScreen
from tui.cluster import Cluster, ClusterSection, Host, RunSettings, Tenant, VaultSettings, default_port
from tui.widgets import words
from tui.widgets.facts import Facts
from tui.widgets.field import Field
from tui.widgets.rows import Column, RowData, Rows
from tui.widgets.stage import Stage


class HostsScreen(WizardScreen):
    """Fills in the cluster file. Going on saves it."""

    STAGE = Stage.HOSTS
    heading = "Which hosts belong to the cluster?"
    why = "The others receive the configuration of the first, which works today."
    explain = (
        "The list is saved as a cluster file when you continue. It holds no secrets. The first host is only ever read; the "
        "additional hosts are changed, and only after you confirm."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "primary", "Continue"),
        Binding("a", "add", "Add host"),
        Binding("e", "edit", "Edit"),
        Binding("m", "make_first", "Make first"),
        Binding("d", "drop", "Remove from list"),
        Binding("t", "tenant", "Tenant"),
        Binding("f2", "tenant", "Tenant"),
    ]
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._hosts: list[Host] = []
        self._first = ""
        self._tenant: Tenant | None = None
        self._ssh_hosts: list[str] = []

    def compose_content(self) -> Iterable[Widget]:
        """Name, hosts, tenant."""
        cluster = self.state.cluster
        yield Field(
            "Cluster",
            Input(
                cluster.name if cluster else "",
                placeholder="a short name, for example corp-ldap",
                id="name",
                compact=True,
            ),
            explain="The cluster's name is its file's name, and the word that you type to confirm a run. Letters, digits, dots, dashes.",
        )
        yield Rows(
            Column("Host", 16, style="$ink"),
            Column("Role", 12),
            Column("Address", style="$quiet"),
            Column("System", 14, style="$quiet", from_width=66),
            Column("Login", 16, style="$quiet", from_width=84),
            explain="The hosts of the cluster. Exactly one is the first: the one whose configuration the others receive.",
            id="hosts",
        )
        yield Facts(id="host")
        with Vertical(id="tenant-block", classes="block"):
            yield Static("", id="tenant-line", classes="quiet", markup=False)

    def on_mount(self) -> None:
        """Begin with what the open cluster says."""
        cluster = self.state.cluster
        if cluster is not None:
            self._hosts = list(cluster.hosts)
            self._first = cluster.cluster.first
            self._tenant = cluster.tenant
        self._show()
        self.query_one("#hosts" if cluster else "#name").focus()
        self.ask("ssh", self.operations.ssh_config_hosts, self._know_ssh_hosts, lambda error: None)

    def on_descendant_focus(self) -> None:
        """A field takes letters as text: the key to press is another one there."""
        self._show_tenant()

    def _know_ssh_hosts(self, names: list[str]) -> None:
        self._ssh_hosts = names

    def _show(self) -> None:
        none_yet = RowData("", ("none yet", "", "", "", ""), dim=True)
        self.query_one("#hosts", Rows).show([self._row(host) for host in self._hosts] or [none_yet])
        self._show_tenant()
        self._show_chosen()
        self._judge()

    def _show_tenant(self) -> None:
        tenant = self._tenant
        told = f"Tenant: {tenant.domain} is asked by its Management API." if tenant else ""
        self.query_one("#tenant-line", Static).update(
            told or f"Tenant: you look at the Auth0 dashboard yourself. Press {self.key('t')} to have it asked."
        )

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        """Tell the chosen host in full."""
        self._show_chosen()

    def _show_chosen(self) -> None:
        host = self._chosen()
        facts: list[tuple[str, str | Content]] = []
        if host is not None:
            login = f"{host.user} at " if host.user else ""
            facts.append((host.name, f"{login}{_where(host)}, {_way(host)}"))
            if host.identity is not None:
                facts.append(("Key", str(host.identity)))
        self.query_one("#host", Facts).show(facts)

    def _row(self, host: Host) -> RowData:
        where = _where(host)
        role = Content.styled("first", "$go") if host.name == self._first else Content.styled("additional", "$quiet")
        return RowData(
            host.name,
            (
                host.name,
                role,
                where,
                _system(host),
                host.user or ("as ssh says" if host.transport == "ssh" else "by ticket"),
            ),
        )

    def _judge(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        missing = self._missing(name)
        if missing:
            self.tell(missing, "care" if self._hosts else "now")
        else:
            additional = words.listed([host.name for host in self._hosts if host.name != self._first])
            kept = "a copy" if len(self._hosts) == 2 else "copies"
            self.tell(f"{additional} will be {kept} of {self._first}.", "good")
        if name and len(self._hosts) < 2:
            self.offer("Add another host" if self._hosts else "Add the first host")
        else:
            self.offer("Connect", enabled=not missing)

    def _missing(self, name: str) -> str:
        if not name:
            return "Give the cluster a name."
        if not self._hosts:
            return "Press enter to add the host that works today."
        if len(self._hosts) < 2:
            return "One host is not a cluster yet. Press enter to add another."
        try:
            ClusterSection(name=name, first=self._first)
        except ValidationError:
            return "The name may have letters, digits, dots, dashes and underscores, and begins with a letter or digit."
        return ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter after the name leads on, and the list has the focus from then on."""
        event.stop()
        if self._hosts:
            self.query_one("#hosts").focus()
        self.action_primary()

    @on(Input.Changed, "#name")
    def _named(self) -> None:
        self._judge()

    def action_add(self) -> None:
        """Add a host."""
        self._open_form(None)

    def action_edit(self) -> None:
        """Change the chosen host."""
        chosen = self._chosen()
        if chosen is not None:
            self._open_form(chosen)

    def _open_form(self, host: Host | None) -> None:
        from screens.host_form import HostForm

        taken = {each.name for each in self._hosts if each is not host}

        def filled(result: Host | None) -> None:
            if result is None:
                return
            if host is None:
                self._hosts.append(result)
            else:
                self._hosts[self._hosts.index(host)] = result
                if self._first == host.name:
                    self._first = result.name
            self._first = self._first or result.name
            self._show()
            rows = self.query_one("#hosts", Rows)
            rows.focus()
            rows.choose(result.name)

        self.wizard.put(HostForm(host, taken, self._ssh_hosts, self.operations.describe_ssh_host), filled)

    def action_make_first(self) -> None:
        """Make the chosen host the one that the others are copied from."""
        chosen = self._chosen()
        if chosen is not None:
            self._first = chosen.name
            self._show()

    def action_drop(self) -> None:
        """Take the chosen host off the list; the host itself is not touched."""
        chosen = self._chosen()
        if chosen is None:
            return
        self._hosts.remove(chosen)
        if self._first == chosen.name:
            self._first = self._hosts[0].name if self._hosts else ""
        self._show()

    def action_tenant(self) -> None:
        """Say how the tenant's Management API is asked."""
        from screens.tenant_form import TenantForm

        def filled(result: Tenant | str | None) -> None:
            if result is not None:
                self._tenant = result if isinstance(result, Tenant) else None
                self._show()

        self.wizard.put(TenantForm(self._tenant), filled)

    def _chosen(self) -> Host | None:
        key = self.query_one("#hosts", Rows).chosen
        return next((host for host in self._hosts if host.name == key), None)

    def proceed(self) -> None:
        """Add what is missing, or save the cluster file and go on."""
        if len(self._hosts) < 2:
            self.action_add()
            return
        cluster = self._cluster()
        if cluster == self.state.cluster:
            self.finish_stage()
            return

        def saved(_path: object) -> None:
            self.state.forget_surveys()
            self.state.cluster = cluster
            self.finish_stage()

        self.tell("Saving the cluster file", busy=True)
        self.ask("save", lambda: self.operations.save(cluster), saved)

    def _cluster(self) -> Cluster:
        before = self.state.cluster
        return Cluster(
            cluster=ClusterSection(name=self.query_one("#name", Input).value.strip(), first=self._first),
            tenant=self._tenant,
            vault=before.vault if before else VaultSettings(),
            run=before.run if before else RunSettings(),
            hosts=tuple(self._hosts),
        )


def _where(host: Host) -> str:
    usual = host.port == default_port(host.transport, tls=host.tls)
    where = host.address if usual else f"{host.address} port {host.port}"
    return f"{where} through {host.jump}" if host.jump else where


def _system(host: Host) -> str:
    """`Linux`, `Windows`, and the transport where it is not the system's usual one."""
    if host.system == "linux":
        return "Linux"
    return "Windows" if host.transport == "winrm" else "Windows, SSH"


def _way(host: Host) -> str:
    """How a host is reached and changed, for a sentence."""
    if host.transport == "winrm":
        return "WinRM over HTTPS" if host.tls else "WinRM, messages encrypted"
    if host.system == "windows":
        return "PowerShell over SSH"
    return "root by sudo" if host.become == "sudo" else "no sudo needed"
