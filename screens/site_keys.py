"""Keys that name places on the first host: the operator decides what another host gets instead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from screens.dialog import Choice, ChoiceDialog
from tui.connector.site_keys import SiteProposal

if TYPE_CHECKING:
    from tui.app import AdldapHaApp

TAKE, KEEP = "take", "keep"


def decide(
    app: AdldapHaApp, host: str, proposals: Sequence[SiteProposal], decided: Callable[[dict[str, str]], None]
) -> None:
    """Ask about one key after the other. `decided` gets the chosen values, when at least one was chosen."""
    chosen: dict[str, str] = {}
    waiting = list(proposals)

    def ask_next() -> None:
        if waiting:
            app.put(SiteKeyDialog(host, waiting[0]), answered)
        elif chosen:
            decided(chosen)

    def answered(word: str | None) -> None:
        asked = waiting.pop(0)
        if word in (TAKE, KEEP):
            chosen[asked.key] = asked.proposal if word == TAKE else asked.first
        ask_next()

    ask_next()


class SiteKeyDialog(ChoiceDialog):
    """One key: what the first host has, what is proposed here, and why. Nothing is decided by esc."""

    wide = True

    def __init__(self, host: str, proposal: SiteProposal) -> None:
        lines: list[str | Content] = [
            f"{proposal.key} names a place on the first host that is not the same here.",
            Content(),
            *_told("First host", proposal.first),
            *_told("Proposed", proposal.proposal),
        ]
        if proposal.chosen is not None:
            lines += _told("Now chosen", proposal.chosen)
        lines += [Content(), Content.styled(f"{proposal.advice[:1].upper()}{proposal.advice[1:]}.", "$quiet")]
        super().__init__(
            f"{proposal.key} on {host}",
            lines,
            (
                Choice("later", "n", "Not now", "leave it as it is"),
                Choice(TAKE, "p", "Take the proposal", "this host's config.json will have it"),
                Choice(KEEP, "f", "Keep the first host's", "if the same place exists here as well"),
            ),
            explain="What you choose is written into the cluster file, under [hosts.keys] of this host, and counts from then on. "
            "Any other value can be written there by hand.",
        )


def _told(label: str, value: str) -> list[str | Content]:
    shown = (value, "$ink") if value else ("nothing, as if the key were not there", "$quiet")
    return [Content.assemble((f"{label:<13}", "$quiet"), shown)]
