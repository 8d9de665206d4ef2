"""How often the dashboard looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.dialog import Choice, ChoiceDialog

if TYPE_CHECKING:
    from screens.dashboard import DashboardScreen

_SECONDS = (("5", "5"), ("2", "2"), ("10", "1"), ("30", "3"), ("60", "6"))


def choose_interval(screen: DashboardScreen) -> None:
    """Ask how often every instance is looked at."""
    watched = screen.watched
    if watched is None:
        return

    def decided(word: str | None) -> None:
        if word is not None:
            watched.set_interval(float(word))
            screen.show_known()

    screen.wizard.put(_dialog(watched.interval), decided)


def _dialog(now: float) -> ChoiceDialog:
    does = {"5": "the usual", "2": "the most often: while something is going on", "60": "on a slow or dear line"}
    choices = [Choice(word, letter, f"{word} s", does.get(word, "")) for word, letter in _SECONDS]
    lines = (f"Now every {now:.0f} s. A host that does not answer is asked less and less often by itself.",)
    return ChoiceDialog("How often shall every instance be looked at?", lines, choices)
