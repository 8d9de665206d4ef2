"""What hosts ask while they are watched: host keys to compare, secrets to type."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from screens.dashboard_rows import asks
from tui.errors import OperatorError
from tui.runbook.survey import Connected

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen


class HostQuestions:
    """Puts one host's question after another. One that was put off is not asked for again until `ask`."""

    def __init__(self, screen: DashboardScreen) -> None:
        self._screen = screen
        self._put_off: set[str] = set()
        self._asking: str | None = None

    def put_next(self) -> None:
        """Ask for the first host that waits, unless another one is being asked for."""
        if self._asking is not None or not self._screen.on_top:
            return
        for view in self._screen.views:
            if asks(view) is not None and view.name not in self._put_off:
                self.ask(view.name)
                return

    def ask(self, name: str) -> None:
        """Log in to a host with the operator's help."""
        if self._asking is not None:
            return
        self._asking = name
        connect = partial(self._screen.operations.connect, name)
        self._screen.ask(
            f"connect {name}", connect, partial(self._connected, name), lambda error: self._failed(name, error)
        )

    def _connected(self, name: str, _found: Connected) -> None:
        self._put_off.discard(name)
        self._over(name)

    def _failed(self, name: str, _error: OperatorError) -> None:
        self._put_off.add(name)
        self._over(name)

    def _over(self, name: str) -> None:
        self._asking = None
        if self._screen.watched is not None:
            self._screen.watched.refresh(name)
        self.put_next()
