"""A run waits for a decision: what failed, what it means, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from screens.dialog import Choice, ChoiceDialog
from tui.app import AdldapHaApp
from tui.cluster import Host
from tui.runbook.model import Question
from tui.widgets import words
from tui.widgets.facts import Facts, Told

BUNDLE = "bundle"
OFFERED = Choice(BUNDLE, "i", "Support bundle", "save journal, log and findings, redacted")
_KNOWN = {
    "retry": ("r", "Retry", "do this step again"),
    "skip": ("s", "Skip", "go on without this step, which the report will say"),
    "roll_back": ("b", "Roll back", "put this host back as it was, to the byte"),
    "give_up": ("g", "Give up", "leave it as it is; it needs a person"),
    "approve": ("y", "Approve", "go on"),
    "green": ("y", "It is online", "the answer is recorded"),
    "not_green": ("n", "It is not online", "the answer is recorded"),
    "not_checked": ("l", "Not looked", "the report will say so"),
}


def choices(answers: tuple[str, ...]) -> list[Choice]:
    """The run's own answers in words; one that is not known keeps its own word and gets a digit."""
    made = []
    for number, word in enumerate(answers, start=1):
        letter, name, does = _KNOWN.get(word, (str(number), word.replace("_", " ").capitalize(), ""))
        made.append(Choice(word, letter, name, does))
    return made


class FailureDialog(ChoiceDialog):
    """The question of a run. Esc puts the decision off; the run goes on waiting."""

    wide = True

    def __init__(self, question: Question, host: Host | None, *, remark: str = "") -> None:
        self.question = question
        self._host = host
        self._remark = remark
        where = question.host or "The run"
        super().__init__(
            f"{where} waits for your decision",
            (),
            [*choices(question.choices), OFFERED],
            explain="Retry does the same step again. Rolling back concerns this host only. Esc puts the decision off.",
        )

    def compose_text(self) -> Iterable[Widget]:
        """The failure."""
        return told(self.question, self._host, self._remark)

    def compose_notice(self) -> Iterable[Widget]:
        """How long there is time."""
        yield Countdown(self.question)


def until_then(question: Question, now: datetime) -> str:
    """What happens when nobody answers, and how soon."""
    last = choices(question.choices)[-1].name.lower()
    if question.expires is None:
        return f"When nobody answers, the run chooses by itself: {last}."
    left = (question.expires - now).total_seconds()
    return (
        f"In {words.clock(left)} the run chooses by itself: {last}." if left >= 1 else f"The run chooses now: {last}."
    )


def waits(question: Question, now: datetime) -> str:
    """Who waits for a decision, and how long still."""
    return f"{question.host or 'The run'} waits for your decision. {until_then(question, now)}"


class Countdown(Static):
    """`until_then`, every second anew."""

    def __init__(self, question: Question) -> None:
        super().__init__("", classes="care", markup=False)
        self._question = question
        self._shown = ""

    def on_mount(self) -> None:
        """Begin to count."""
        self._count()
        self.set_interval(1, self._count)

    def _count(self) -> None:
        assert isinstance(self.app, AdldapHaApp)
        text = until_then(self._question, self.app.now())
        if text != self._shown:
            self._shown = text
            self.update(text)


def told(question: Question, host: Host | None = None, remark: str = "") -> Iterator[Widget]:
    """What a question says, its labelled lines on one grid."""
    head, *rest = question.text or ("",)
    yield Static(Content.styled(head, "$bad"), classes="block", markup=False)
    facts: list[tuple[str, Told]] = []
    for line in rest:
        label, colon, text = line.partition(": ")
        facts.append((label, text) if colon and label in ("Tried", "Means", "Do") else ("", line))
    if host is not None:
        label, command = shell_command(host)
        facts.append((label, Content.styled(command, "$go")))
    yield Facts(facts)
    if remark:
        yield Static(Content.styled(remark, "$good"), classes="block", markup=False)


def shell_command(host: Host) -> tuple[str, str]:
    """Where to type what to look for oneself, and the command."""
    if host.transport == "ssh":
        return "A shell there", ssh_command(host)
    parts = ["Enter-PSSession", "-ComputerName", host.address, "-Port", str(host.port)]
    parts += ["-UseSSL"] if host.tls else []
    parts += ["-Credential", f"'{host.user}'"] if host.user else []
    return "From Windows", " ".join(parts)


def ssh_command(host: Host) -> str:
    """The command that opens a shell on a host, to look for oneself."""
    parts = ["ssh"]
    if host.port != 22:
        parts += ["-p", str(host.port)]
    if host.jump:
        parts += ["-J", host.jump]
    if host.identity:
        parts += ["-i", str(host.identity)]
    parts.append(f"{host.user}@{host.address}" if host.user else host.address)
    return " ".join(parts)
