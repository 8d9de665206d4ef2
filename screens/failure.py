"""A run waits for a decision: what failed, what it means, and what can be done."""

from __future__ import annotations

from textual.content import Content

from screens.dialog import Choice, ChoiceDialog
from tui.cluster import Host
from tui.runbook.model import Question

BUNDLE = "bundle"
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


def choices(words: tuple[str, ...]) -> list[Choice]:
    """The run's own answers in words; one that is not known keeps its own word and gets a digit."""
    made = []
    for number, word in enumerate(words, start=1):
        letter, name, does = _KNOWN.get(word, (str(number), word.replace("_", " ").capitalize(), ""))
        made.append(Choice(word, letter, name, does))
    return made


class FailureDialog(ChoiceDialog):
    """The question of a run. Esc puts the decision off; the run goes on waiting."""

    wide = True

    def __init__(self, question: Question, host: Host | None, *, remark: str = "") -> None:
        self.question = question
        where = question.host or "The run"
        offered = [
            *choices(question.choices),
            Choice(BUNDLE, "i", "Support bundle", "save journal, log and findings, redacted"),
        ]
        super().__init__(
            f"{where} waits for your decision",
            _lines(question, host, remark),
            offered,
            explain=f"{until_then(question)} Retry does the same step again. Rolling back concerns this host only.",
        )


def until_then(question: Question) -> str:
    """When the run stops waiting for an answer, and what it takes for one."""
    from tui.runbook.order import RunOrder

    minutes = round(float(RunOrder.model_fields["answer_seconds"].default) / 60)
    last = choices(question.choices)[-1].name.lower()
    return f"The run waits {minutes} minutes for your answer; then it chooses by itself: {last}."


def _lines(question: Question, host: Host | None, remark: str) -> list[str | Content]:
    lines: list[str | Content] = []
    for number, line in enumerate(question.text):
        label, colon, rest = line.partition(": ")
        if number and colon and label in ("Tried", "Means", "Do"):
            lines.append(Content.assemble((f"{label:<8}", "$quiet"), rest))
        elif number:
            lines.append(Content(line))
        else:
            lines += [Content.styled(line, "$bad" if question.kind == "failure" else ""), Content()]
    if host is not None:
        lines += [Content(), Content.assemble(("A shell there   ", "$quiet"), (ssh_command(host), "$go"))]
    lines += [Content(), Content.styled(until_then(question), "$care")]
    if remark:
        lines += [Content(), Content.styled(remark, "$good")]
    return lines


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
