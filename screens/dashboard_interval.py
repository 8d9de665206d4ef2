"""How often the dashboard looks."""

from __future__ import annotations

from screens.dialog import Choice, ChoiceDialog

_SECONDS = (("5", "5"), ("2", "2"), ("10", "1"), ("30", "3"), ("60", "6"))


def interval_dialog(now: float) -> ChoiceDialog:
    """The intervals to choose from."""
    does = {"5": "the usual", "2": "the most often: while something is going on", "60": "on a slow or dear line"}
    choices = [Choice(word, letter, f"{word} s", does.get(word, "")) for word, letter in _SECONDS]
    lines = (f"Now every {now:.0f} s. A host that does not answer is asked less and less often by itself.",)
    return ChoiceDialog("How often shall every instance be looked at?", lines, choices)
