"""Where one is: a column at the side where there is room, one line at the top where there is not."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content
from textual.widget import Widget

from tui.widgets.stage import CHAPTERS, Stage

WIDE = 100
"""From this width on, in cells, the rail stands at the side."""


class Rail(Widget):
    """All stages below each other, in chapters."""

    def __init__(self, stage: Stage, done: Collection[Stage], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._stage = stage
        self._done = done

    def render(self) -> Content:
        """One line a stage."""
        lines = [self._line(Stage.HOME)]
        for title, stages in CHAPTERS:
            lines += [Content(), Content.styled(f"  {title}", "$quiet")]
            lines += [self._line(stage) for stage in stages]
        return Content("\n").join(lines)

    def _line(self, stage: Stage) -> Content:
        if stage is self._stage:
            return Content.assemble(("▌ ", "$go"), (stage.value, "bold $go"))
        if stage in self._done or stage is Stage.HOME:
            return Content.assemble(("✓ ", "$good"), (stage.value, "$ink"))
        return Content.assemble(("· ", "$faint"), (stage.value, "$quiet"))


class TopBar(Widget):
    """The program's name and the cluster's; on a narrow terminal the rail as one line as well."""

    def __init__(self, stage: Stage, done: Collection[Stage], cluster: str, *, demo: bool) -> None:
        super().__init__()
        self._stage = stage
        self._done = done
        self._cluster = cluster
        self._demo = demo

    def name_cluster(self, cluster: str) -> None:
        """Show another cluster's name."""
        if cluster != self._cluster:
            self._cluster = cluster
            self.refresh()

    def render(self) -> Content:
        """Name and cluster left; place or `demo` right."""
        width = self.size.width
        left = Content.assemble(("adldap-ha", "bold $go"))
        if self._cluster and width >= 40:
            left += Content.assemble(("  ", ""), (self._cluster, "$ink"))
        if self._demo and width >= 60:
            left += Content.assemble(("  demo: nothing here is real", "$quiet"))
        right = self._place(width - left.cell_length - 2) if width < WIDE else Content()
        gap = max(1, width - left.cell_length - right.cell_length)
        return left + Content(" " * gap) + right

    def _place(self, room: int) -> Content:
        words = Content.assemble((f"{self._stage.number}/{len(Stage)} ", "$quiet"), (self._stage.value, "bold $ink"))
        if room < words.cell_length + len(Stage) + 2:
            return words
        dots = Content().join(self._dot(stage) for stage in Stage)
        return dots + Content("  ") + words

    def _dot(self, stage: Stage) -> Content:
        if stage is self._stage:
            return Content.styled("●", "$go")
        if stage in self._done or stage is Stage.HOME:
            return Content.styled("✓", "$good")
        return Content.styled("·", "$faint")
