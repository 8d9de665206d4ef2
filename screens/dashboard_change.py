"""A change for every instance: a new profile mapper, other values of keys, typed into a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.dashboard_acts import meanwhile, perform
from screens.dashboard_confirm import refuse
from screens.dashboard_plan import Intent
from screens.dialog import Dialog
from tui.errors import OperatorError
from tui.runbook.order import Wanted
from tui.runbook.typed_change import TypedWrong
from tui.widgets.field import Field
from tui.widgets.remark import Remark

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen

_HEADING = "Change every instance"


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form holds: a path, and `KEY=VALUE` texts."""

    mapper: str = ""
    settings: tuple[str, ...] = ()


def ask_change(screen: DashboardScreen, typed: Typed | None = None, wrong: TypedWrong | None = None) -> None:
    """Ask what is to be changed, until the core can take it; then perform it."""

    def given(found: Typed | None) -> None:
        if found is not None:
            _check(screen, found)

    screen.doing("")
    screen.wizard.put(ChangeForm(typed or Typed(), wrong), given)


def _check(screen: DashboardScreen, typed: Typed) -> None:
    def refused(error: OperatorError) -> None:
        if isinstance(error, TypedWrong):
            ask_change(screen, typed, error)
        else:
            refuse(screen, _HEADING, error)

    screen.doing("Checking it against the first host's configuration")
    work = partial(screen.operations.acts.typed_change, typed.mapper, typed.settings)
    screen.ask("typed change", work, partial(_perform, screen), refused)


def _perform(screen: DashboardScreen, wanted: Wanted) -> None:
    cluster, views = screen.state.name, screen.views
    told = "Tried on one instance, then rolled over the others one at a time, the first host last. Logins go on."
    word = ""
    if len(views) == 1:
        told, alone = meanwhile(views, views[0].name)
        word = views[0].name if alone else ""
    perform(screen, Intent("change", f"Change every instance of {cluster}?", told, (), word, wanted))


class TypedLine(Vertical):
    """A field, and below it what is wrong with what was typed."""

    def __init__(self, label: str, text: str, placeholder: str, *, id: str, explain: str) -> None:
        super().__init__()
        self._field = Field(label, Input(text, placeholder=placeholder, id=id, compact=True), explain=explain)

    def compose(self) -> Iterable[Widget]:
        """Field, remark."""
        yield self._field
        yield Remark()


class ChangeForm(Dialog[Typed]):
    """A path and as many keys as are typed: another line comes when the last one is used."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "See what it would do")]
    wide = True
    heading = _HEADING
    explain = (
        "A key is written as in config.json, with = and its new value. Secrets, and what the connector or the tenant writes itself, "
        "cannot be changed here. Nothing is changed before you have seen the plan."
    )

    def __init__(self, typed: Typed, wrong: TypedWrong | None = None) -> None:
        super().__init__()
        self._typed = typed
        self._wrong = wrong

    def compose_body(self) -> Iterable[Widget]:
        """The path, the keys, and one line more for another key."""
        yield Static(
            "Every instance gets the same. Leave empty what stays as it is.", classes="text quiet", markup=False
        )
        mapper = TypedLine(
            "Profile mapper",
            self._typed.mapper,
            "a file on this jump box",
            id="mapper",
            explain="The path of the new profile mapper on this jump box. It is put on every host to the byte.",
        )
        keys = [self._line(place, text) for place, text in enumerate((*self._typed.settings, ""))]
        yield VerticalScroll(mapper, *keys, classes="text form", can_focus=False)
        yield Remark(id="problem")

    def _line(self, place: int, text: str) -> TypedLine:
        return TypedLine(" " if place else "Keys", text, "KEY=VALUE", id=f"setting-{place}", explain=self.explain)

    def on_mount(self) -> None:
        """Say beside the field what the core said of it."""
        if self._wrong is None:
            return
        place = self._wrong.place
        field = self.query_one("#mapper" if place is None else f"#setting-{place}", Input)
        line = next(each for each in field.ancestors if isinstance(each, TypedLine))
        line.query_one(Remark).say(f"{self._wrong.summary}.")
        field.focus()

    def _settings(self) -> list[Input]:
        return [field for field in self.query(Input) if field.id != "mapper"]

    @on(Input.Changed)
    def _changed(self) -> None:
        settings = self._settings()
        if settings[-1].value:
            self.query_one(".form").mount(self._line(len(settings), ""))

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand on what was typed."""
        mapper = self.query_one("#mapper", Input).value.strip()
        settings = tuple(field.value for field in self._settings() if field.value.strip())
        if mapper or settings:
            self.dismiss(Typed(mapper, settings))
        else:
            self.query_one("#problem", Remark).say("Name a profile mapper, or at least one key with its value.")
