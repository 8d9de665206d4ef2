"""Plain tables on standard output."""

from __future__ import annotations

from collections.abc import Sequence


class Table:
    """Prints each row when it is known: the first column to the left, figures to the right."""

    def __init__(self, title: str, heads: Sequence[str], *, first: int) -> None:
        """Print title and heads. `first` is the width of the first column."""
        self._widths = [max(first, len(heads[0])), *(max(8, len(head)) for head in heads[1:])]
        print(f"\n{title}")
        self.row(*heads)
        self.row(*("-" * width for width in self._widths))

    def row(self, name: str, *figures: str) -> None:
        """Print one row."""
        cells = [figure.rjust(width) for figure, width in zip(figures, self._widths[1:], strict=True)]
        print("  ".join((name.ljust(self._widths[0]), *cells)).rstrip(), flush=True)
