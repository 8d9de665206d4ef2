"""Secrets in memory: where they come from and how they are kept out of everything that is written."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from tui.remote.errors import SecretKind


class HostSecrets(BaseModel):
    """The secrets of one host."""

    model_config = ConfigDict(extra="forbid")

    password: SecretStr | None = None
    sudo_password: SecretStr | None = None
    key_passphrase: SecretStr | None = None
    challenge: SecretStr | None = None


class VaultSecrets(BaseModel):
    """The passphrase that opens the operator's age identity."""

    model_config = ConfigDict(extra="forbid")

    passphrase: SecretStr | None = None


class TenantSecrets(BaseModel):
    """The client secret of the Management API application."""

    model_config = ConfigDict(extra="forbid")

    client_secret: SecretStr | None = None


class Secrets(BaseModel):
    """All secrets of a session, the shape of the `--secrets -` document. Printing it shows only stars."""

    model_config = ConfigDict(extra="forbid")

    hosts: dict[str, HostSecrets] = Field(default_factory=dict)
    vault: VaultSecrets = Field(default_factory=VaultSecrets)
    tenant: TenantSecrets = Field(default_factory=TenantSecrets)
    _refused: dict[tuple[str, SecretKind], set[str]] = PrivateAttr(default_factory=dict)

    def of_host(self, host: str, kind: SecretKind) -> str | None:
        """The secret in clear, or None when it is not known."""
        entry = self.hosts.get(host)
        value: SecretStr | None = getattr(entry, kind.value) if entry else None
        return value.get_secret_value() if value else None

    def remember(self, host: str, kind: SecretKind, value: str) -> None:
        """Keep a secret in memory for this session."""
        setattr(self.hosts.setdefault(host, HostSecrets()), kind.value, SecretStr(value))

    def forget(self, host: str, kind: SecretKind) -> None:
        """Drop a secret that turned out to be wrong, so that it is asked for again rather than tried again."""
        if host in self.hosts:
            setattr(self.hosts[host], kind.value, None)

    def refuse(self, host: str, kind: SecretKind, value: str) -> None:
        """Forget a secret that the host refused, and keep in mind that this value is wrong."""
        self._refused.setdefault((host, kind), set()).add(value)
        if self.of_host(host, kind) == value:
            self.forget(host, kind)

    def was_refused(self, host: str, kind: SecretKind, value: str) -> bool:
        """Whether the host has refused this very value before."""
        return value in self._refused.get((host, kind), set())
