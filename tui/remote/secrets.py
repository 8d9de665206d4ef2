"""Secrets in memory: where they come from and how they are kept out of everything that is written."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from tui.remote.errors import SecretKind

_KEPT_ELSEWHERE = frozenset({SecretKind.PASSWORD, SecretKind.SUDO_PASSWORD, SecretKind.KEY_PASSPHRASE})
"""A challenge is answered once, so no answer to one is kept."""


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
    _forgotten: set[tuple[str, SecretKind]] = PrivateAttr(default_factory=set)
    _look_up: Callable[[str], str | None] | None = PrivateAttr(default=None)

    def ask_elsewhere(self, look_up: Callable[[str], str | None]) -> None:
        """Where to look for what is lacking from now on: called with `HOST/KIND`, `vault/passphrase` or `tenant/client_secret`."""
        self._look_up = look_up

    def of_host(self, host: str, kind: SecretKind) -> str | None:
        """The secret in clear, or None when it is not known here nor elsewhere."""
        entry = self.hosts.get(host)
        value: SecretStr | None = getattr(entry, kind.value) if entry else None
        if value:
            return value.get_secret_value()
        wanted = kind in _KEPT_ELSEWHERE and (host, kind) not in self._forgotten
        found = self._elsewhere(f"{host}/{kind.value}") if wanted else None
        if found is None or self.was_refused(host, kind, found):
            return None
        self.remember(host, kind, found)
        return found

    def vault_passphrase(self) -> str | None:
        """The passphrase of the operator's identity, or None when it is not known here nor elsewhere."""
        if self.vault.passphrase is None and (found := self._elsewhere("vault/passphrase")):
            self.vault.passphrase = SecretStr(found)
        return self.vault.passphrase.get_secret_value() if self.vault.passphrase else None

    def client_secret(self) -> str | None:
        """The Management API's client secret, or None when it is not known here nor elsewhere."""
        if self.tenant.client_secret is None and (found := self._elsewhere("tenant/client_secret")):
            self.tenant.client_secret = SecretStr(found)
        return self.tenant.client_secret.get_secret_value() if self.tenant.client_secret else None

    def _elsewhere(self, name: str) -> str | None:
        return self._look_up(name) if self._look_up is not None else None

    def remember(self, host: str, kind: SecretKind, value: str) -> None:
        """Keep a secret in memory for this session."""
        setattr(self.hosts.setdefault(host, HostSecrets()), kind.value, SecretStr(value))

    def forget(self, host: str, kind: SecretKind) -> None:
        """Drop a secret that turned out to be wrong, so that it is asked for again rather than tried again.

        Nor is it looked for elsewhere any more, where the same wrong one would be found.
        """
        self._forgotten.add((host, kind))
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
