"""Labelled facts and findings: the two ways a screen tells what was seen."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from tui.findings import Finding
from tui.widgets import words


class Fact(Horizontal):
    """A label and a value on one grid."""

    def __init__(self, label: str, value: str | Content = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label = label
        self._shown: str | Content = value

    def compose(self) -> ComposeResult:
        """Label left, value right of it; a long value wraps under itself."""
        yield Static(self.label, classes="label", markup=False)
        yield Static(self._shown, classes="value", markup=False)

    def show(self, value: str | Content) -> None:
        """Show another value; paints only when it differs."""
        if isinstance(value, Content) and isinstance(self._shown, Content) and value.is_same(self._shown):
            return
        if isinstance(value, str) and value == self._shown:
            return
        self._shown = value
        for shown in self.query(".value").results(Static):
            shown.update(value)


class Facts(Vertical):
    """Facts one below the other. While the labels stay the same only their values are painted."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._facts: list[Fact] = []

    def show(self, facts: Sequence[tuple[str, str | Content]]) -> None:
        """Show these facts."""
        if [fact.label for fact in self._facts] == [label for label, _ in facts]:
            for fact, (_, value) in zip(self._facts, facts, strict=True):
                fact.show(value)
            return
        self.remove_children()
        self._facts = [Fact(label, value) for label, value in facts]
        self.mount_all(self._facts)
        self.display = bool(facts)


class Findings(Vertical):
    """Findings, the gravest first, each with its evidence and what to do."""

    def show(self, findings: Sequence[Finding]) -> None:
        """Show these findings."""
        self.remove_children()
        order = ("blocker", "warning", "note")
        ranked = sorted(findings, key=lambda finding: order.index(finding.severity.value))
        self.mount_all(_told(finding) for finding in ranked)
        self.display = bool(findings)


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
