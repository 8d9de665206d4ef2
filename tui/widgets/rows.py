"""A list of rows with aligned columns, where only a row that changed is painted again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

Cell = str | Content
_MARKER = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column: at most `width` cells, less where its cells need less, or with `width` 0 an equal share of what is left.

    `from_width`: hidden in a narrower list.
    """

    title: str
    width: int = 0
    style: str = ""
    from_width: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class RowData:
    """One row: a key that stays the same while its cells change. `dim` rows cannot be acted upon."""

    key: str
    cells: tuple[Cell, ...]
    dim: bool = False


def _places(columns: Sequence[Column], count: int, width: int) -> list[tuple[int, int, int]]:
    """Which of `count` cells are shown in `width` cells, where each begins, and how much room it has.

    They stand two apart, or one where two do not fit.
    """
    shown = [(number, column) for number, column in enumerate(columns[:count]) if width >= column.from_width]
    fixed = sum(column.width for _, column in shown)
    flexible = sum(1 for _, column in shown if not column.width)
    gaps = max(0, len(shown) - 1)
    apart = 2 if flexible or fixed + 2 * gaps <= width else 1
    spare = max(0, width - fixed - apart * gaps)
    found, begin = [], 0
    for number, column in shown:
        room = column.width or max(4, spare // max(1, flexible))
        found.append((number, begin, room))
        begin += room + apart
    return found


def lay_out(
    columns: Sequence[Column], cells: Sequence[Cell], width: int, *, style: str = "", dim: bool = False
) -> Content:
    """The cells side by side in `width` cells, each cut or padded to its column."""
    places = _places(columns, len(cells), width)
    line, end = Content(), 0
    for number, begin, room in places:
        column, cell = columns[number], cells[number]
        content = Content(cell) if isinstance(cell, str) else cell
        content = _fit(content, room, right=column.right, last=number == places[-1][0])
        tone = "$faint" if dim else style or column.style
        line += Content(" " * (begin - end)) + (content.stylize_before(tone) if tone else content)
        end = begin + room
    return line


def _fit(content: Content, room: int, *, right: bool, last: bool) -> Content:
    content = content.truncate(room, ellipsis=True)
    short = room - content.cell_length
    if right:
        return content.pad_left(short) if short > 0 else content
    return content.pad_right(short) if short > 0 and not last else content


class Row(Widget):
    """One line of a Rows list."""

    def __init__(self, data: RowData, columns: Sequence[Column]) -> None:
        super().__init__()
        self.data = data
        self._columns = columns

    def show(self, data: RowData, columns: Sequence[Column]) -> None:
        """Show other cells or columns; paints only when they differ."""
        before, laid = self.data, self._columns
        self.data, self._columns = data, columns
        if laid != columns or before.dim != data.dim or len(before.cells) != len(data.cells):
            self.refresh()
        elif changed := self._changed(before):
            self.refresh(*changed)

    def _changed(self, before: RowData) -> list[Region]:
        """Where the cells lie that differ from before, so that the others are not sent again."""
        return [
            Region(_MARKER + begin, 0, room, 1)
            for number, begin, room in _places(self._columns, len(self.data.cells), self.size.width - 1 - _MARKER)
            if not _same_cell(before.cells[number], self.data.cells[number])
        ]

    def render(self) -> Content:
        """The marker of the chosen row, then the cells."""
        chosen = self.has_class("-chosen")
        focused = self.parent is self.screen.focused
        tone = "bold $go" if focused else "$quiet"
        marker = Content.styled("▸ ", tone) if chosen else Content("  ")
        line = marker + lay_out(self._columns, self.data.cells, self.size.width - 1 - _MARKER, dim=self.data.dim)
        if chosen and focused and self.app.native_ansi_color:
            line = Content(line.plain)
        return line.pad_right(max(0, self.size.width - line.cell_length))

    def on_click(self, event: events.Click) -> None:
        """Choose this row; a second click acts on it."""
        if isinstance(self.parent, Rows):
            event.stop()
            self.parent.clicked(self)


def _same_cell(old: Cell, new: Cell) -> bool:
    if old is new:
        return True
    if isinstance(old, Content) and isinstance(new, Content):
        return old.is_same(new)
    return type(old) is type(new) and old == new


def fitted(columns: Sequence[Column], rows: Sequence[RowData], before: Sequence[Column] = ()) -> tuple[Column, ...]:
    """The columns, none wider than its title and cells need, so that what is left goes to those without a width.

    None becomes narrower than in `before`: a list whose cells change in place must not sway.
    """
    least = [column.width for column in before] or [0] * len(columns)
    found = []
    for number, column in enumerate(columns):
        cells = [row.cells[number] for row in rows if number < len(row.cells)]
        longest = max(
            (Content(cell).cell_length if isinstance(cell, str) else cell.cell_length for cell in cells), default=0
        )
        need = max(1, least[number], len(column.title), longest)
        found.append(replace(column, width=min(column.width, need)) if column.width else column)
    return tuple(found)


class ColumnTitles(Widget):
    """The titles above a Rows list."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = columns

    def lay(self, columns: Sequence[Column]) -> None:
        """Follow the rows' columns."""
        self._columns = columns
        self.refresh()

    def render(self) -> Content:
        """The titles, on the same grid as the rows."""
        titles = [column.title for column in self._columns]
        return Content("  ") + lay_out(self._columns, titles, self.size.width - 3, style="$quiet")


class Rows(VerticalScroll):
    """A list to choose from with the arrow keys. With `acts`, enter and a second click act on the chosen row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("home", "move(-100000)", "First", show=False),
        Binding("end", "move(100000)", "Last", show=False),
        Binding("pageup", "move(-10)", "Page up", show=False),
        Binding("pagedown", "move(10)", "Page down", show=False),
    ]

    class Chosen(Message):
        """The chosen row is another one now."""

        def __init__(self, rows: Rows, key: str) -> None:
            super().__init__()
            self.rows = rows
            self.key = key

        @property
        def control(self) -> Rows:
            """The list, so that `@on(Rows.Chosen, "#hosts")` works."""
            return self.rows

    class Acted(Chosen):
        """The operator acts on this row."""

    def __init__(
        self,
        *columns: Column,
        explain: str,
        acts: bool = False,
        act_name: str = "Choose",
        titles: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.explain = explain
        self._columns = columns
        self._fitted = columns
        self._head = ColumnTitles(columns)
        self._acts = acts
        self._titles = titles
        self._rows: dict[str, Row] = {}
        self._chosen: str | None = None
        if acts:
            self._bindings.bind("enter", "act", act_name)

    def compose(self) -> ComposeResult:
        """The titles stay while the rows scroll."""
        if self._titles:
            yield self._head

    def allow_focus(self) -> bool:
        """A hidden list takes no keys."""
        return super().allow_focus() and self.display

    @property
    def chosen(self) -> str | None:
        """The key of the chosen row."""
        return self._chosen

    @property
    def keys(self) -> list[str]:
        """The keys of all rows, from the top."""
        return list(self._rows)

    def show(self, rows: Sequence[RowData]) -> None:
        """Show exactly these rows: existing ones change in place, others come and go."""
        wanted = [row.key for row in rows]
        in_place = wanted == list(self._rows)
        self._fit_columns(fitted(self._columns, rows, self._fitted if in_place and rows else ()))
        if in_place:
            for data in rows:
                self._rows[data.key].show(data, self._fitted)
            return
        chosen = self._chosen
        for row in self._rows.values():
            row.remove()
        self._rows = {data.key: Row(data, self._fitted) for data in rows}
        self.mount_all(self._rows.values())
        self._chosen = None
        self.choose(chosen if chosen in self._rows else next(iter(self._rows), None))

    def _fit_columns(self, columns: tuple[Column, ...]) -> None:
        if columns != self._fitted:
            self._fitted = columns
            self._head.lay(columns)

    def choose(self, key: str | None) -> None:
        """Move the choice to a row."""
        if key == self._chosen:
            return
        for name in (self._chosen, key):
            if name in self._rows:
                self._rows[name].set_class(name == key, "-chosen").refresh()
        self._chosen = key
        if key is not None:
            self.call_after_refresh(self._reveal, key)
            self.post_message(self.Chosen(self, key))

    def action_move(self, distance: int) -> None:
        """Move the choice by some rows, stopping at the ends."""
        keys = self.keys
        if not keys:
            return
        now = keys.index(self._chosen) if self._chosen in keys else 0
        self.choose(keys[max(0, min(len(keys) - 1, now + distance))])

    def action_act(self) -> None:
        """Act on the chosen row."""
        if self._chosen is not None:
            self.post_message(self.Acted(self, self._chosen))

    def on_focus(self) -> None:
        """The marker shows that the arrow keys work here."""
        self._repaint_chosen()

    def on_blur(self) -> None:
        """The marker shows that the arrow keys work elsewhere."""
        self._repaint_chosen()

    def _repaint_chosen(self) -> None:
        if self._chosen in self._rows:
            self._rows[self._chosen].refresh()

    def clicked(self, row: Row) -> None:
        """A row was clicked."""
        self.focus()
        if self._acts and row.data.key == self._chosen:
            self.action_act()
        else:
            self.choose(row.data.key)

    def _reveal(self, key: str) -> None:
        if key in self._rows and self._rows[key].is_attached:
            self.scroll_to_widget(self._rows[key], animate=False)
