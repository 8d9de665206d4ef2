"""The form for one host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from pydantic import ValidationError
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from screens.dialog import Dialog
from screens.host_fields import FIELDS, PICKS, WAYS, FormField, complaint, given, way_of
from tui.cluster import Host
from tui.errors import OperatorError
from tui.widgets.field import Field
from tui.widgets.pick import Pick
from tui.widgets.remark import Remark

Describe = Callable[[str], dict[str, str]]


class Described(Message, bubble=False):
    """What the SSH configuration says of a name."""

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__()
        self.told = told


class HostForm(Dialog[Host]):
    """One host. What the operator's SSH configuration says of its name is filled in.

    How it is reached decides which fields are there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Keep")]
    explain = "Only name and address are needed; WinRM needs the login as well. Enter keeps the host, esc leaves everything as it was."

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
        values["way"] = way_of(self._host)
        fields = [self._pick(each, values) if each.name in PICKS else self._input(each, values) for each in FIELDS]
        yield VerticalScroll(*fields, classes="text form", can_focus=False)
        yield Remark(id="problem")

    def _pick(self, told: FormField, values: dict[str, Any]) -> Field:
        options = PICKS[told.name]
        value = str(values.get(told.name) or options[0][0]).lower()
        return self._field(told, Pick(options, value, explain=told.explain, id=f"host-{told.name}"))

    def _input(self, told: FormField, values: dict[str, Any]) -> Field:
        value = values.get(told.name)
        usual = told.name == "port" and value == WAYS[values["way"]].usual_port(values.get("tls", True))
        suggester = SuggestFromList(list(self._known), case_sensitive=False) if told.name == "name" else None
        text = "" if value is None or usual else str(value)
        return self._field(told, Input(text, id=f"host-{told.name}", compact=True, suggester=suggester))

    def _field(self, told: FormField, widget: Widget) -> Field:
        field = Field(told.label, widget, explain=told.explain)
        field.id = f"field-{told.name}"
        return field

    def on_mount(self) -> None:
        """Show the fields that belong to how the host is reached, now and whenever that changes."""
        for name in ("way", "tls", "auth"):
            self.watch(self.query_one(f"#host-{name}", Pick), "value", self._show_fields)

    def _show_fields(self) -> None:
        picked = {name: self.query_one(f"#host-{name}", Pick).value for name in PICKS}
        for told in FIELDS:
            self.query_one(f"#field-{told.name}").display = told.belongs(picked)
            if told.name not in PICKS:
                self.query_one(f"#host-{told.name}", Input).placeholder = told.hint(picked)

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
        by_ssh = WAYS[self.query_one("#host-way", Pick).value].transport == "ssh"
        for key, value in message.told.items():
            for field in self.query(f"#host-{key}").results(Input):
                if not field.value and (by_ssh or key == "address") and not (key == "port" and value == "22"):
                    field.value = value

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Check the fields and keep the host."""
        picked = {name: self.query_one(f"#host-{name}", Pick).value for name in PICKS}
        typed = {
            told.name: self.query_one(f"#host-{told.name}", Input).value.strip()
            for told in FIELDS
            if told.name not in PICKS and told.belongs(picked)
        }
        if typed["name"] in self._taken:
            self._complain("name", f"Another host is called {typed['name']} already.")
            return
        values = given(picked, typed)
        if self._host is not None:
            values["keys"] = self._host.keys
        try:
            self.dismiss(Host.model_validate(values))
        except ValidationError as error:
            self._complain(*complaint(error.errors()[0]))

    def _complain(self, name: str, text: str) -> None:
        self.query_one("#problem", Remark).say(text)
        self.query_one(f"#host-{name}").focus()
