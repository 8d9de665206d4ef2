"""The kinds of details there are of what is chosen above, on one line; a click shows one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class DetailTabs(Widget):
    """The name of what is told of, then each kind with its number key."""

    class Picked(Message):
        """A kind was clicked."""

        def __init__(self, kind: str) -> None:
            super().__init__()
            self.kind = kind

    def __init__(self, kinds: Sequence[tuple[str, str]], *, id: str | None = None) -> None:
        """`kinds`: the word and the title of each, in the order of their keys."""
        super().__init__(id=id)
        self._kinds = kinds
        self._shown = ("", kinds[0][0])

    def show(self, subject: str, kind: str) -> None:
        """Tell what is shown below; paints only when it differs."""
        if (subject, kind) != self._shown:
            self._shown = (subject, kind)
            self.refresh()

    def _parts(self) -> list[tuple[str, Content]]:
        found = []
        for number, (word, title) in enumerate(self._kinds, 1):
            chosen = word == self._shown[1]
            label = Content.assemble((f"{number} ", "bold $go"), (title, "bold underline $ink" if chosen else "$quiet"))
            found.append((word, label))
        return found

    def _subject(self) -> Content:
        room = max(0, self.size.width - sum(part.cell_length + 3 for _, part in self._parts()))
        return Content.styled(self._shown[0], "bold $ink").truncate(max(1, room), ellipsis=True)

    def render(self) -> Content:
        """Subject left, kinds after it."""
        return Content("   ").join([self._subject(), *(part for _, part in self._parts())])

    def on_click(self, event: events.Click) -> None:
        """Show the kind that was clicked."""
        spot = event.get_content_offset(self)
        if spot is None:
            return
        column = self._subject().cell_length + 3
        for word, part in self._parts():
            if column <= spot.x < column + part.cell_length:
                self.post_message(self.Picked(word))
            column += part.cell_length + 3
