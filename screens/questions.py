"""The questions that a host may raise: is this its key or certificate, and what is the secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from screens.dialog import Choice, ChoiceDialog, Dialog
from tui.remote.errors import (
    SHOW_CERTIFICATES,
    CertificateUnknown,
    HostKeyUnknown,
    HostQuestion,
    SecretKind,
    SecretNeeded,
)
from tui.widgets import words
from tui.widgets.field import Field

if TYPE_CHECKING:
    from tui.app import AdldapHaApp

Supply = Callable[[], None]

_WHAT = {
    SecretKind.PASSWORD: ("Password", "The account's password on this host. It is tried once, because accounts lock."),
    SecretKind.SUDO_PASSWORD: ("sudo password", "What sudo asks this account for. It is tried once."),
    SecretKind.KEY_PASSPHRASE: ("Key passphrase", "It opens the private key on this jump box."),
    SecretKind.CHALLENGE: ("Answer", "The host asks for this in its own words."),
}


def secret_words(kind: SecretKind) -> tuple[str, str]:
    """A secret's name, and one sentence of what it is for."""
    return _WHAT[kind]


def put_question(
    app: AdldapHaApp, question: HostQuestion, answered: Callable[[Supply | None], None], *, remark: str
) -> None:
    """Ask the operator. `answered` gets a blocking function that hands the answer to the core, or None when there is none.

    Questions of several hosts are asked one after another.
    """
    operations = app.operations
    if isinstance(question, HostKeyUnknown):
        key = question

        def confirmed(word: str | None) -> None:
            answered((lambda: operations.trust(key)) if word == "trust" else None)

        cluster = app.state.cluster
        systems = {host.name: host.system for host in cluster.hosts} if cluster else {}
        app.put(HostKeyDialog(key, systems.get(key.key_host, "linux")), confirmed)
    elif isinstance(question, CertificateUnknown):
        shown = question

        def compared(word: str | None) -> None:
            answered((lambda: operations.trust_certificate(shown)) if word == "trust" else None)

        app.put(CertificateDialog(shown), compared)
    else:
        secret = question

        def typed(value: str | None) -> None:
            answered((lambda: operations.supply(secret.secret_host, secret.kind, value)) if value is not None else None)

        hint = app.demo.secret_hint(secret.secret_host, secret.kind) if app.demo else None
        app.put(SecretDialog(secret, hint, remark), typed)


class HostKeyDialog(ChoiceDialog):
    """Shows an unknown host key's fingerprint; the safe answer is to stay disconnected."""

    def __init__(self, question: HostKeyUnknown, system: str = "linux") -> None:
        address = question.address if question.port == 22 else f"{question.address} port {question.port}"
        lines = [
            Content.assemble(
                f"{question.key_host} answers at ",
                (address, "bold"),
                " with a key that this jump box has not seen before.",
            ),
            Content(),
            Content.assemble((f"{question.key_type:<13}", "$quiet"), (question.fingerprint, "bold $go")),
            Content(),
            Content.styled("Compare it with the one read on the host's own console:", "$quiet"),
            Content.styled(f"  ssh-keygen -lf {_key_file(question.key_type, system)}", "$ink"),
        ]
        super().__init__(
            f"Is this {question.key_host}?",
            lines,
            (
                Choice("wait", "n", "Not yet", "stay disconnected and compare first"),
                Choice("trust", "y", "They are equal", "remember this key for the host"),
            ),
            explain="A key that is not the host's own means that somebody stands between you and it. Trust it only after comparing.",
        )


class CertificateDialog(ChoiceDialog):
    """Shows an unknown TLS certificate; the safe answer is to stay disconnected."""

    wide = True

    def __init__(self, question: CertificateUnknown) -> None:
        half = len(question.fingerprint) // 2 + 1
        lines = [
            Content.assemble(
                f"{question.certificate_host} answers at ",
                (f"{question.address} port {question.port}", "bold"),
                " with a certificate that no authority known here has signed.",
            ),
            Content(),
            Content.assemble(("Subject      ", "$quiet"), question.subject),
            Content.assemble(("Valid until  ", "$quiet"), words.date(question.expires)),
            Content.assemble(("SHA-256      ", "$quiet"), (question.fingerprint[:half], "bold $go")),
            Content.assemble(("             ", "$quiet"), (question.fingerprint[half:], "bold $go")),
            Content(),
            Content.styled("Compare it with what the host's own PowerShell says:", "$quiet"),
            Content.styled(SHOW_CERTIFICATES, "$ink"),
        ]
        super().__init__(
            f"Is this {question.certificate_host}?",
            lines,
            (
                Choice("wait", "n", "Not yet", "stay disconnected and compare first"),
                Choice("trust", "y", "They are equal", "remember this certificate for the host"),
            ),
            explain="A certificate that is not the host's own means that somebody stands between you and it. Trust it only "
            "after comparing. Where an authority signs the certificates of your hosts, name its file as ca_file instead.",
        )


class SecretDialog(Dialog[str]):
    """Asks for one secret; it is shown as dots and kept in memory only."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Use it")]

    def __init__(self, question: SecretNeeded, hint: str | None, remark: str = "") -> None:
        super().__init__()
        name, told = _WHAT[question.kind]
        self.heading = f"{name} for {question.secret_host}"
        self.explain = f"{told} It stays in memory and is never written to disk, to a log or to a command line."
        self._prompt = question.prompt[:1].upper() + question.prompt[1:]
        self._remark = remark
        self._hint = hint

    def compose_body(self) -> Iterable[Widget]:
        """The host's own prompt and a masked field."""
        if self._prompt:
            yield Static(self._prompt, classes="text", markup=False)
        if self._remark:
            yield Static(self._remark, classes="text care", markup=False)
        yield Field("", Input(self._hint or "", password=True, id="secret", compact=True, select_on_focus=False))
        told = "The demo has filled it in for you." if self._hint else "Kept in memory only, until you leave."
        yield Static(told, classes="quiet", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand the secret on."""
        value = self.query_one("#secret", Input).value
        if value:
            self.dismiss(value)


def _key_file(key_type: str, system: str) -> str:
    word = "ed25519" if "ed25519" in key_type else "ecdsa" if "ecdsa" in key_type else "rsa"
    folder = "C:\\ProgramData\\ssh\\" if system == "windows" else "/etc/ssh/"
    return f"{folder}ssh_host_{word}_key.pub"


class ClientSecretDialog(Dialog[str]):
    """Asks for the Management API application's secret."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Use it"),
        Binding("escape", "close", "Go on without"),
    ]

    def __init__(self, domain: str, hint: str | None = None) -> None:
        super().__init__()
        self._hint = hint
        self.heading = f"Client secret for {domain}"
        self.explain = (
            "With it the program asks the tenant whether the connection is online. Without it, you are asked."
        )

    def compose_body(self) -> Iterable[Widget]:
        """A masked field."""
        yield Static("It lets the program ask whether the connection is online.", classes="text", markup=False)
        yield Field("", Input(self._hint or "", password=True, id="secret", compact=True, select_on_focus=False))
        told = "The demo has filled it in for you." if self._hint else "Kept in memory only, until you leave."
        yield Static(told, classes="quiet", markup=False)

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand the secret on."""
        value = self.query_one("#secret", Input).value
        if value:
            self.dismiss(value)


class PassphraseDialog(Dialog[str]):
    """Asks for the passphrase of the operator's identity."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Use it")]
    heading = "Passphrase of your identity"
    explain = "The run verifies backups by opening them, so it needs your identity. The passphrase is not stored."

    def __init__(self, hint: str, remark: str = "") -> None:
        super().__init__()
        self._hint = hint
        self._remark = remark

    def compose_body(self) -> Iterable[Widget]:
        """A masked field."""
        yield Static("The run proves backups by opening them.", classes="text", markup=False)
        if self._remark:
            yield Static(self._remark, classes="text care", markup=False)
        yield Field("", Input(self._hint, password=True, id="secret", compact=True, select_on_focus=False))

    @on(Input.Submitted)
    def action_submit(self) -> None:
        """Hand the passphrase on."""
        value = self.query_one("#secret", Input).value
        if value:
            self.dismiss(value)
