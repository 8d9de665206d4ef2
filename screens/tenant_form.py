"""The form for the tenant's Management API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.dialog import Dialog
from tui.cluster import Tenant
from tui.widgets.field import Field
from tui.widgets.remark import Remark


class TenantForm(Dialog[Tenant | Literal["none"]]):
    """Domain and client id; the client secret is asked for when it is needed and kept in memory only."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Keep")]
    heading = "Ask the tenant whether the connection is online"
    explain = (
        "A machine-to-machine application with the single permission read:connections is enough. Leave both fields empty to "
        "look at the Auth0 dashboard yourself instead. The client secret is never written to the cluster file."
    )

    def __init__(self, tenant: Tenant | None) -> None:
        super().__init__()
        self._tenant = tenant

    def compose_body(self) -> Iterable[Widget]:
        """Two lines."""
        tenant = self._tenant
        yield Static(
            "An application with the permission read:connections. Empty fields: look at the dashboard yourself.",
            classes="text quiet",
            markup=False,
        )
        domain = Input(tenant.domain if tenant else "", placeholder="example.eu.auth0.com", id="domain", compact=True)
        yield Field("Tenant domain", domain, explain="The tenant's own domain, as the application's settings show it.")
        client = Input(
            tenant.client_id if tenant else "", placeholder="the application's client id", id="client", compact=True
        )
        yield Field(
            "Client id", client, explain="The id is no secret. The client secret is asked for when it is needed."
        )
        yield Remark(id="problem")

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Keep both, or none."""
        domain = self.query_one("#domain", Input).value.strip()
        client = self.query_one("#client", Input).value.strip()
        if not domain and not client:
            self.dismiss("none")
            return
        before = self._tenant
        try:
            self.dismiss(Tenant(domain=domain, client_id=client, ca_file=before.ca_file if before else None))
        except ValidationError:
            self.query_one("#problem", Remark).say("Both are needed, or neither.")
