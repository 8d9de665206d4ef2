"""An operator at the wizard: presses keys, and waits until the screen says something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.pilot import Pilot
from textual.widgets import Input

from tui.app import AdldapHaApp
from tui.widgets.next_bar import Primary


def words_of(app: AdldapHaApp) -> str:
    """The text on the screen, line after line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


class WizardPilot:
    """Drives one app. Everything that was ever seen on its screen is kept in `seen`."""

    def __init__(self, app: AdldapHaApp, pilot: Pilot[int]) -> None:
        self.app = app
        self.pilot = pilot
        self.seen: list[str] = []

    def look(self) -> str:
        """The words on the screen now, blanks and line ends folded."""
        text = " ".join(words_of(self.app).split())
        self.seen.append(text)
        return text

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
        """Wait for a condition; fails with the screen's words when it does not come."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come; the screen says: {self.look()}"
            await asyncio.sleep(0.1)
            await self.pilot.pause()

    async def sees(self, *texts: str, seconds: float = 120.0) -> str:
        """Wait until every text is on the screen."""
        await self.until(lambda: all(text in self.look() for text in texts), " and ".join(texts), seconds)
        return self.seen[-1]

    async def stage(self, name: str, seconds: float = 120.0) -> None:
        """Wait until a screen (by its class name) is on top."""
        await self.until(lambda: type(self.app.screen).__name__ == name, name, seconds)

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type into the field that has the focus."""
        await self.press(*text)

    def fill(self, selector: str, text: str) -> None:
        """Put a text into a field at once, as pasting does."""
        self.app.screen.query_one(selector, Input).value = text

    async def go_on(self, label: str, seconds: float = 120.0) -> None:
        """Wait until the primary button has a label and can be pressed, then press enter."""

        def ready() -> bool:
            found = self.app.screen.query(Primary)
            return bool(found) and found.first().label == label and found.first().display and not found.first().disabled

        await self.until(ready, f"the button {label!r}", seconds)
        self.look()
        await self.press("enter")
