"""The one error type that fronts show to an operator."""

from __future__ import annotations


class OperatorError(Exception):
    """A failure told for a tired operator.

    `summary` is one sentence of what happened. `host` and `step` say where, `tried` what was attempted,
    `meaning` what it means for the cluster, `remedy` what to do next. None of them may hold a secret.
    """

    def __init__(
        self,
        summary: str,
        *,
        host: str | None = None,
        step: str | None = None,
        tried: str | None = None,
        meaning: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.host = host
        self.step = step
        self.tried = tried
        self.meaning = meaning
        self.remedy = remedy

    def lines(self) -> list[str]:
        """The error as labelled lines, most important first, absent parts left out."""
        where = " · ".join(part for part in (self.host, self.step) if part)
        head = f"{where}: {self.summary}" if where else self.summary
        labelled = (("Tried", self.tried), ("Means", self.meaning), ("Do", self.remedy))
        return [head, *(f"{label}: {text}" for label, text in labelled if text)]

    def __str__(self) -> str:
        return "\n".join(self.lines())
