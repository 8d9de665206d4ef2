"""The keys an operator can log in with: from the agent, from files."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.agent import AgentKey, AgentSSH

from tui.remote.errors import AuthenticationFailed, SecretKind, SecretNeeded
from tui.remote.secrets import Secrets

_AGENT_SECONDS = 60.0


class _Agent(AgentSSH):
    def __init__(self, path: str) -> None:
        super().__init__()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(_AGENT_SECONDS)
        try:
            sock.connect(path)
            self._connect(sock)  # type: ignore[attr-defined]
        except BaseException:
            sock.close()
            raise

    def close(self) -> None:
        """Leave the agent."""
        self._close()  # type: ignore[attr-defined]


@contextmanager
def agent_keys(identity_agent: str | None) -> Iterator[tuple[AgentKey, ...]]:
    """The keys of the operator's agent while it is needed; none when there is no agent.

    `identity_agent` is what OpenSSH's configuration names: None for SSH_AUTH_SOCK, "none", a path, or `$VARIABLE`.
    """
    path = _agent_path(identity_agent)
    agent = None
    try:
        agent = _Agent(path) if path else None
        keys = agent.get_keys() if agent else ()
    except (OSError, paramiko.SSHException):
        keys = ()
    try:
        yield tuple(keys)
    finally:
        if agent is not None:
            agent.close()


def _agent_path(identity_agent: str | None) -> str | None:
    if identity_agent is None:
        return os.environ.get("SSH_AUTH_SOCK")
    if identity_agent.lower() == "none":
        return None
    if identity_agent.startswith("$"):
        return os.environ.get(identity_agent.strip("${}"))
    return str(Path(identity_agent).expanduser())


@dataclass(frozen=True, slots=True)
class Identity:
    """A key file to offer. `explicit`: named by the operator for this host, so its absence is an error."""

    path: Path
    explicit: bool


def public_part(path: Path) -> bytes | None:
    """The public key blob beside a key file (`PATH.pub`), for finding it in the agent; None when there is none."""
    import base64
    import binascii

    try:
        return base64.b64decode(Path(f"{path}.pub").read_text("utf-8").split()[1], validate=True)
    except (OSError, IndexError, UnicodeError, binascii.Error):
        return None


def load_identity(identity: Identity, secrets: Secrets, host: str) -> paramiko.PKey | None:
    """The private key of a file, opened with the host's key passphrase when it has one.

    None when a file that nobody asked for is absent or cannot be used. Raises SecretNeeded when the passphrase is not known,
    AuthenticationFailed when it is wrong or an explicit file is unusable.
    """
    if not identity.path.is_file():
        _unusable(identity, host, "there is no such file")
        return None
    passphrase = secrets.of_host(host, SecretKind.KEY_PASSPHRASE)
    try:
        return _read(identity.path, None)
    except (TypeError, paramiko.PasswordRequiredException):
        if passphrase is None:
            raise SecretNeeded(host, SecretKind.KEY_PASSPHRASE, f"the passphrase of the key {identity.path}") from None
    except (OSError, ValueError, paramiko.SSHException) as error:
        _unusable(identity, host, getattr(error, "strerror", None) or "it is no private key that can be read")
        return None
    try:
        return _read(identity.path, passphrase.encode())
    except (OSError, ValueError, TypeError, paramiko.SSHException):
        secrets.forget(host, SecretKind.KEY_PASSPHRASE)
        raise AuthenticationFailed(
            f"the passphrase does not open the key {identity.path}",
            host=host,
            tried="the given passphrase, once",
            meaning="nothing was sent to the host",
            remedy="give the right passphrase, or load the key into an agent",
        ) from None


def _read(path: Path, passphrase: bytes | None) -> paramiko.PKey:
    # paramiko wants bytes here, whatever its annotation says.
    return paramiko.PKey.from_path(path, passphrase)  # type: ignore[arg-type]


def _unusable(identity: Identity, host: str, why: str) -> None:
    if identity.explicit:
        raise AuthenticationFailed(
            f"the key {identity.path} cannot be used: {why}",
            host=host,
            tried=f"to read {identity.path}",
            remedy="correct `identity` in the cluster file",
        )
