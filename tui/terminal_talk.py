"""A Talk for a plain terminal: questions in words, answers typed; nothing is asked when nobody is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.cluster import Cluster, Tenant
from tui.remote.errors import SHOW_CERTIFICATES, CertificateUnknown, HostKeyUnknown, SecretKind, SecretNeeded
from tui.rendering import plan_lines, step_lines
from tui.runbook.model import Plan, Question, StepView
from tui.vault.identity import SHORTEST_PASSPHRASE

Ask = Callable[[str], str | None]
"""Shows a prompt, returns what was typed; None at the end of input."""

_SECRET_NAMES = {
    SecretKind.PASSWORD: "Password",
    SecretKind.SUDO_PASSWORD: "sudo password",
    SecretKind.KEY_PASSPHRASE: "Passphrase of the SSH key",
}


class TerminalTalk:
    """Speaks through the callables it is given; without `ask_line` and `ask_hidden` every question stays open.

    `show` prints one line. `quiet` leaves progress out, but never what a question is about. `yes` confirms the plan without
    asking for the cluster's name; it never confirms a host key or a certificate.
    """

    def __init__(
        self,
        *,
        show: Callable[[str], None],
        ask_line: Ask | None,
        ask_hidden: Ask | None,
        quiet: bool = False,
        yes: bool = False,
    ) -> None:
        self._show = show
        self._ask_line = ask_line
        self._ask_hidden = ask_hidden
        self._quiet = quiet
        self._yes = yes

    def say(self, line: str) -> None:
        """Tell progress, one line."""
        if not self._quiet:
            self._show(line)

    def warn(self, line: str) -> None:
        """Tell what must not go unseen, one line."""
        self._show(line)

    def confirm_host_key(self, question: HostKeyUnknown) -> bool:
        """Show the fingerprint; only the typed word `yes` confirms it."""
        if self._ask_line is None:
            return False
        self._show(f"{question.key_host}: {question.address} port {question.port} shows a host key not seen before")
        self._show(f"    {question.key_type} {question.fingerprint}")
        self._show("    compare it on the host's own console: ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub")
        self._show(r"    (on Windows: ssh-keygen -lf C:\ProgramData\ssh\ssh_host_ed25519_key.pub, or _ecdsa_, _rsa_)")
        return self._ask_line("Is this the right machine? Type yes to remember the key:") == "yes"

    def confirm_certificate(self, question: CertificateUnknown) -> bool:
        """Show the certificate; only the typed word `yes` confirms it."""
        if self._ask_line is None:
            return False
        where = f"{question.address} port {question.port}"
        self._show(f"{question.certificate_host}: {where} shows a certificate that no authority known here has signed")
        self._show(f"    {question.subject}, valid until {question.expires:%Y-%m-%d}")
        self._show(f"    SHA-256 {question.fingerprint}")
        self._show("    compare it in the host's own PowerShell:")
        self._show(f"    {SHOW_CERTIFICATES}")
        return self._ask_line("Is this the right machine? Type yes to remember the certificate:") == "yes"

    def ask_secret(self, question: SecretNeeded) -> str | None:
        """Ask without echo."""
        label = _SECRET_NAMES.get(question.kind, question.prompt.rstrip(" :"))
        return self._ask_hidden(f"{label} for {question.secret_host}:") if self._ask_hidden else None

    def ask_client_secret(self, tenant: Tenant) -> str | None:
        """Ask without echo; nothing typed means that a person will look at the dashboard instead."""
        if self._ask_hidden is None:
            return None
        return self._ask_hidden(f"Client secret for {tenant.domain} (empty: look at the dashboard yourself):")

    def ask_passphrase(self, *, new: bool) -> str | None:
        """Ask for the vault's passphrase; a new one is typed twice and may not be too short."""
        if self._ask_hidden is None:
            return None
        if not new:
            return self._ask_hidden("Passphrase of the backup vault:")
        while True:
            first = self._ask_hidden(
                f"A new passphrase for the backup vault ({SHORTEST_PASSPHRASE} characters or more):"
            )
            if first is None:
                return None
            if len(first) < SHORTEST_PASSPHRASE:
                self._show(f"that is shorter than {SHORTEST_PASSPHRASE} characters")
            elif first == self._ask_hidden("The same again:"):
                return first
            else:
                self._show("the two differ")

    def confirm_plan(self, cluster: Cluster, plan: Plan) -> bool:
        """Show the plan and ask for the cluster's name, typed."""
        for line in plan_lines(plan):
            self._show(line)
        return self._typed_name(cluster, "begin")

    def confirm_undo(self, cluster: Cluster, run: str, hosts: tuple[str, ...]) -> bool:
        """Say which hosts would be put back and ask for the cluster's name, typed."""
        self._show(f"run {run} is undone: {', '.join(hosts) or 'no host'} put back as before the run")
        if cluster.first.name in hosts:
            self._show(
                "    each instance is stopped for a moment; a certificate that the run replaced is published again"
            )
        else:
            self._show("    an instance that the run connected is stopped again; the first host is not touched")
        return self._typed_name(cluster, "undo the run")

    def confirm(self, cluster: Cluster, lines: Sequence[str], purpose: str) -> bool:
        """Show what something means and ask for the cluster's name, typed."""
        for line in lines:
            self._show(line)
        return self._typed_name(cluster, purpose)

    def _typed_name(self, cluster: Cluster, purpose: str) -> bool:
        if self._yes:
            return True
        if self._ask_line is None:
            return False
        return self._ask_line(f"Type the cluster's name ({cluster.name}) to {purpose}:") == cluster.name

    def choose(self, question: Question) -> str:
        """Answer with a typed choice; with the last one when nobody is there."""
        for line in question.text:
            self._show(line)
        while self._ask_line is not None:
            answer = self._ask_line(f"{' / '.join(question.choices)}?")
            if answer is None:
                break
            if answer in question.choices:
                return answer
        self._show(f"nobody answers: {question.choices[-1]}")
        return question.choices[-1]

    def step_changed(self, step: StepView) -> None:
        """Print the step's new state."""
        for line in step_lines(step):
            self.say(line)
