"""The form for one host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import ClassVar

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from screens.dialog import Dialog
from tui.cluster import Host
from tui.errors import OperatorError
from tui.widgets.field import Field
from tui.widgets.pick import Pick
from tui.widgets.remark import Remark

Describe = Callable[[str], dict[str, str]]

_FIELDS = (
    (
        "name",
        "Name",
        "what the cluster calls it",
        "A short name. Hosts of your SSH configuration are offered: right arrow takes one.",
    ),
    ("address", "Address", "name or address to connect to", "The host name or IP address that SSH connects to."),
    ("port", "Port", "22", "The port of the host's SSH server."),
    ("user", "Login", "your own account name", "The account to log in to. It need not be root."),
    (
        "identity",
        "Key file",
        "your agent and usual keys",
        "A private key on this jump box. Without one, your agent and usual keys are offered.",
    ),
    (
        "jump",
        "Jump through",
        "directly",
        "[user@]host[:port], several separated by commas, nearest first, as in ssh -J.",
    ),
    (
        "install_dir",
        "Install folder",
        "found by itself",
        "Where the connector is installed. It is found by what the services run.",
    ),
    (
        "connector_unit",
        "Service",
        "found by itself",
        "The connector's systemd unit. It is found by what it runs, not by its name.",
    ),
    ("admin_unit", "Admin service", "found by itself", "The admin console's systemd unit, where there is one."),
)
_BECOME = (("sudo", "with sudo"), ("none", "not needed, the login may do everything"))


class Described(Message, bubble=False):
    """What the SSH configuration says of a name."""

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__()
        self.told = told


class HostForm(Dialog[Host]):
    """One host. What the operator's SSH configuration says of its name is filled in."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Keep")]
    explain = "Only name and address are needed. Enter keeps the host, esc leaves everything as it was."

    def __init__(self, host: Host | None, taken: Collection[str], known: Sequence[str], describe: Describe) -> None:
        super().__init__()
        self.heading = f"Host {host.name}" if host else "A host of the cluster"
        self._host = host
        self._taken = taken
        self._known = known
        self._describe = describe

    def compose_body(self) -> Iterable[Widget]:
        """One line a field."""
        values = self._host.model_dump(mode="json") if self._host else {}
        fields: list[Widget] = []
        for name, label, hint, explain in _FIELDS:
            value = values.get(name)
            text = "" if value is None or (name == "port" and value == 22) else str(value)
            suggester = SuggestFromList(list(self._known), case_sensitive=False) if name == "name" else None
            field = Input(text, placeholder=hint, id=f"host-{name}", compact=True, suggester=suggester)
            fields.append(Field(label, field, explain=explain))
            if name == "user":
                pick = Pick(
                    _BECOME, values.get("become", "sudo"), explain="How root's files are reached.", id="host-become"
                )
                fields.append(Field("Becomes root", pick))
        yield VerticalScroll(*fields, classes="text form", can_focus=False)
        yield Remark(id="problem")

    @on(Input.Blurred, "#host-name")
    def _named(self, event: Input.Blurred) -> None:
        name = event.value.strip()
        if name in self._known:
            self.run_worker(
                partial(self._look_up, name), thread=True, exclusive=True, exit_on_error=False, group="describe"
            )

    def _look_up(self, name: str) -> None:
        try:
            self.post_message(Described(self._describe(name)))
        except OperatorError:
            return

    def on_described(self, message: Described) -> None:
        """Fill in what is still empty."""
        for key, value in message.told.items():
            field = self.query(f"#host-{key}").results(Input)
            for each in field:
                if not each.value and not (key == "port" and value == "22"):
                    each.value = value

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Check the fields and keep the host."""
        values = {name: self.query_one(f"#host-{name}", Input).value.strip() for name, *_ in _FIELDS}
        given: dict[str, str] = {name: value for name, value in values.items() if value}
        given["become"] = self.query_one("#host-become", Pick).value
        given.setdefault("address", given.get("name", ""))
        if given.get("name") in self._taken:
            self._complain("name", f"Another host is called {given['name']} already.")
            return
        try:
            self.dismiss(Host.model_validate(given))
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else "name"
            label = next((label for field, label, *_ in _FIELDS if field == name), name)
            self._complain(name, f"{label}: {_EXPECTED.get(name, first['msg'])}")

    def _complain(self, name: str, text: str) -> None:
        self.query_one("#problem", Remark).say(text)
        self.query_one(f"#host-{name}").focus()


_EXPECTED = {
    "name": "give it a name of letters, digits, dots and dashes.",
    "address": "give a host name or an address.",
    "port": "give a number from 1 to 65535.",
}
