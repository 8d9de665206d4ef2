"""The troubleshooter, run from the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tui.errors import OperatorError
from tui.widgets import words

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen


class TestRuns:
    """Runs it on several instances side by side, and tells where it is under way or did not run."""

    __test__ = False

    def __init__(self, screen: DashboardScreen) -> None:
        self._screen = screen
        self._under_way: set[str] = set()
        self._failed: dict[str, OperatorError] = {}

    def run(self, names: Sequence[str]) -> None:
        """Begin on these."""
        watched = self._screen.watched
        if watched is None:
            return
        for name in names:
            self._under_way.add(name)
            self._failed.pop(name, None)
            work = partial(watched.troubleshoot, name)
            self._screen.ask(f"troubleshoot {name}", work, partial(self._ended, name, None), partial(self._ended, name))
        self._screen.show_known()

    def _ended(self, name: str, error: OperatorError | None, _result: object = None) -> None:
        self._under_way.discard(name)
        if error is not None:
            self._failed[name] = error
        self._screen.show_known()

    def told(self) -> tuple[str, str] | None:
        """What to say of it, and the tone; None when there is nothing."""
        if self._under_way:
            return f"The troubleshooter runs on {words.listed(sorted(self._under_way))}.", "now"
        for name, error in self._failed.items():
            return f"The troubleshooter did not run on {name}: {error.summary}", "bad"
        return None

    def forget(self) -> None:
        """What was told has been read."""
        self._failed.clear()
