"""A Talk for a plain terminal: questions in words, answers typed; nothing is asked when nobody is there."""

from __future__ import annotations

from collections.abc import Callable

from tui.cluster import Cluster
from tui.remote.errors import HostKeyUnknown, SecretKind, SecretNeeded
from tui.rendering import plan_lines, step_lines
from tui.runbook.model import Plan, Question, StepView

Ask = Callable[[str], str | None]
"""Shows a prompt, returns what was typed; None at the end of input."""


class TerminalTalk:
    """Speaks through the callables it is given; without `ask_line` and `ask_hidden` every question stays open.

    `yes` confirms the plan without asking for the cluster's name; it never confirms a host key.
    """

    def __init__(
        self, *, say: Callable[[str], None], ask_line: Ask | None, ask_hidden: Ask | None, yes: bool = False
    ) -> None:
        self._say = say
        self._ask_line = ask_line
        self._ask_hidden = ask_hidden
        self._yes = yes

    def say(self, line: str) -> None:
        """Tell progress, one line."""
        self._say(line)

    def confirm_host_key(self, question: HostKeyUnknown) -> bool:
        """Show the fingerprint; only the typed word `yes` confirms it."""
        if self._ask_line is None:
            return False
        self._say(f"{question.key_host}: {question.address} port {question.port} shows a host key not seen before")
        self._say(f"    {question.key_type} {question.fingerprint}")
        self._say("    compare it on the host's own console: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub")
        return (self._ask_line("Is this the right machine? Type yes to remember the key:") or "").lower() == "yes"

    def ask_secret(self, question: SecretNeeded) -> str | None:
        """Ask without echo."""
        names = {
            SecretKind.PASSWORD: "Password",
            SecretKind.SUDO_PASSWORD: "sudo password",
            SecretKind.KEY_PASSPHRASE: "Passphrase of the SSH key",
        }
        label = names.get(question.kind, question.prompt)
        return self._ask_hidden(f"{label} for {question.secret_host}:") if self._ask_hidden else None

    def ask_passphrase(self, *, new: bool) -> str | None:
        """Ask for the vault's passphrase; a new one is typed twice and may not be shorter than 8 characters."""
        if self._ask_hidden is None:
            return None
        if not new:
            return self._ask_hidden("Passphrase of the backup vault:")
        while True:
            first = self._ask_hidden("A new passphrase for the backup vault (8 characters at least):")
            if first is None:
                return None
            if len(first) < 8:
                self._say("that is shorter than 8 characters")
            elif first == self._ask_hidden("The same again:"):
                return first
            else:
                self._say("the two differ")

    def confirm_plan(self, cluster: Cluster, plan: Plan) -> bool:
        """Show the plan and ask for the cluster's name, typed."""
        for line in plan_lines(plan):
            self._say(line)
        if self._yes:
            return True
        if self._ask_line is None:
            return False
        return self._ask_line(f"Type the cluster's name ({cluster.name}) to begin:") == cluster.name

    def choose(self, question: Question) -> str:
        """Answer with a typed choice; with the last one when nobody is there."""
        for line in question.text:
            self._say(line)
        while self._ask_line is not None:
            answer = self._ask_line(f"{' / '.join(question.choices)}?")
            if answer is None:
                break
            if answer in question.choices:
                return answer
        self._say(f"nobody answers: {question.choices[-1]}")
        return question.choices[-1]

    def step_changed(self, step: StepView) -> None:
        """Print the step's new state."""
        for line in step_lines(step):
            self._say(line)
