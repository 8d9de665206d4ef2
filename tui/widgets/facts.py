"""Labelled facts and findings: the two ways a screen tells what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui.findings import Finding
from tui.widgets import words
from tui.widgets.path_text import PathText

Told = str | Content | PurePath


class Fact(Horizontal):
    """A label and a value on one grid. A path breaks at its separators."""

    def __init__(self, label: str, value: Told = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label = label
        self._shown: Told = value

    @property
    def is_path(self) -> bool:
        """Whether the value is a path."""
        return isinstance(self._shown, PurePath)

    def compose(self) -> ComposeResult:
        """Label left, value right of it; a long value wraps under itself."""
        yield Static(self.label, classes="label", markup=False)
        if isinstance(self._shown, PurePath):
            yield PathText(self._shown, classes="value")
        else:
            yield Static(self._shown, classes="value", markup=False)

    def show(self, value: Told) -> None:
        """Show another value of the same kind; paints only when it differs."""
        if isinstance(value, Content) and isinstance(self._shown, Content) and value.is_same(self._shown):
            return
        if not isinstance(value, Content) and value == self._shown:
            return
        self._shown = value
        for shown in self.query(".value"):
            if isinstance(shown, PathText) and isinstance(value, PurePath):
                shown.show(value)
            elif isinstance(shown, Static) and not isinstance(value, PurePath):
                shown.update(value)


class Facts(Vertical):
    """Facts one below the other. While the labels stay the same only their values are painted."""

    def __init__(self, facts: Sequence[tuple[str, Told]] = (), *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts = [Fact(label, value) for label, value in facts]
        self.display = bool(facts)

    def compose(self) -> ComposeResult:
        """What there is to tell from the beginning."""
        yield from self._facts

    def show(self, facts: Sequence[tuple[str, Told]]) -> None:
        """Show these facts."""
        self.display = bool(facts)
        if [(fact.label, fact.is_path) for fact in self._facts] == [
            (label, isinstance(value, PurePath)) for label, value in facts
        ]:
            for fact, (_, value) in zip(self._facts, facts, strict=True):
                fact.show(value)
            return
        self.remove_children()
        self._facts = [Fact(label, value) for label, value in facts]
        self.mount_all(self._facts)


class Findings(Vertical):
    """Findings, the gravest first, each with its evidence and what to do."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False

    def show(self, findings: Sequence[Finding]) -> None:
        """Show these findings."""
        self.remove_children()
        self.display = bool(findings)
        order = ("blocker", "warning", "note")
        ranked = sorted(findings, key=lambda finding: order.index(finding.severity.value))
        self.mount_all(_told(finding) for finding in ranked)


def _told(finding: Finding) -> Horizontal:
    lines = [Content(finding.summary)]
    lines += [Content.styled(evidence, "$quiet") for evidence in finding.evidence]
    if finding.remedy:
        lines.append(Content.assemble(("→ ", "$go"), finding.remedy))
    return Horizontal(
        Static(words.severity(finding.severity), classes="label"),
        Static(Content("\n").join(lines), classes="value"),
        classes="finding",
    )
