"""Demo controls for tests of the screens alone."""

from __future__ import annotations

from tui.remote.errors import SecretKind


class Demo:
    """Demo controls that remember what was switched."""

    cluster = "corp-ldap"
    passphrase = "correct horse"
    client_secret: str | None = "demo-client-secret"

    def __init__(self) -> None:
        self.switched: list[tuple[str, str | None, bool]] = []

    def secret_hint(self, host: str, kind: SecretKind) -> str | None:
        return f"{host}-{kind.value}"

    def faults(self) -> list[tuple[str, str]]:
        return [("clock", "The clock is 7 seconds off."), ("hub_down", "The hub does not answer.")]

    def set(self, fault: str, host: str | None, on: bool) -> None:
        self.switched.append((fault, host, on))
