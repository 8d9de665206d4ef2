"""The acts to choose from: those on the chosen instance, then those on the cluster."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.dialog import Choice, Dialog
from tui.widgets.rows import Column, RowData, Rows

TEST, RESTART, CONVERGE, PROMOTE, CONSOLE = "test", "restart", "converge", "promote", "console"
TEST_ALL, ROLLING, DRILL, CHANGE, RENEW, RESTORE = "test_all", "rolling", "drill", "change", "renew", "restore"
_CLUSTER: Final = frozenset((TEST_ALL, ROLLING, DRILL, CHANGE, RENEW, RESTORE))


@dataclass(frozen=True, slots=True)
class Offer(Choice):
    """One act. `no`: it is not for this instance; choosing it tells why."""

    no: bool = False


def offers(count: int, host: str, first: str) -> list[Offer]:
    """What can be done with an instance in a cluster of `count`, and with the cluster."""
    several, is_first = count > 1, host == first
    converge = "the others are compared with this one" if is_first else "bring it back to the first host's set"
    promote = "it is the reference already" if is_first else f"compare the others with it, not with {first}"
    found = [
        Offer(TEST, "t", "Test it", "run its troubleshooter; changes nothing"),
        Offer(RESTART, "r", "Restart it", "and see that it stays connected"),
        Offer(CONVERGE, "v", "Converge it", converge, no=is_first),
        Offer(PROMOTE, "p", "Promote it", promote, no=is_first),
        Offer(CONSOLE, "c", "Admin console", "open a tunnel to it"),
        Offer(TEST_ALL, "a", "Test all", "every troubleshooter side by side"),
        Offer(ROLLING, "o", "Rolling restart", "one by one, stops at the first failure"),
        Offer(DRILL, "d", "Failover drill", "prove that it survives the loss of one"),
        Offer(CHANGE, "e", "Change everywhere", "a new profile mapper, or other keys"),
        Offer(RENEW, "n", "New certificate", "before it expires; interrupts logins"),
        Offer(RESTORE, "b", "Restore a backup", "to this instance or to all"),
    ]
    return [offer for offer in found if several or offer.word not in (CONVERGE, PROMOTE, ROLLING, DRILL)]


class OffersDialog(Dialog[str]):
    """The acts in two groups: on the chosen instance, and on all."""

    wide = True
    explain = (
        "What can be done with the chosen instance and with the cluster. Every act shows what it will do before it does it; what "
        "interrupts logins wants a name typed. Whatever changes files backs up first what each host has, and can be undone."
    )

    def __init__(self, host: str, found: Sequence[Offer]) -> None:
        super().__init__()
        self.heading = f"What shall be done with {host}, or with all?"
        self._found = found
        for offer in found:
            self._bindings.bind(offer.letter, f"choose('{offer.word}')", offer.name, show=False)

    def compose_body(self) -> Iterable[Widget]:
        """One list, so that the arrow keys reach every act; a group is named where it begins."""
        yield Static("Every act shows what it will do before it does it.", classes="text", markup=False)
        yield Rows(
            Column("", 8, style="$quiet"),
            Column("", 1, style="$go"),
            Column("", 17),
            Column("", 0, style="$quiet"),
            explain=self.explain,
            acts=True,
            titles=False,
        )

    def on_mount(self) -> None:
        """Offer the acts."""
        self.query_one(Rows).show([self._row(place) for place in range(len(self._found))])

    def _row(self, place: int) -> RowData:
        offer = self._found[place]
        whole = offer.word in _CLUSTER
        begins = place == 0 or (self._found[place - 1].word in _CLUSTER) != whole
        group = Content.styled(("All" if whole else "This one") if begins else "", "bold $ink")
        return RowData(offer.word, (group, offer.letter, offer.name, offer.does), dim=offer.no)

    def action_choose(self, word: str) -> None:
        """Choose with a letter."""
        self.dismiss(word)

    @on(Rows.Acted)
    def _acted(self, event: Rows.Acted) -> None:
        self.dismiss(event.key)
