"""Secrets from outside: the TOML document of `--secrets -`, and the keyring of the desktop or server."""

from __future__ import annotations

import importlib.util
import logging
import threading
import tomllib
from typing import BinaryIO

from pydantic import SecretStr, ValidationError

from tui.errors import OperatorError
from tui.remote.secrets import Secrets

_FORM = "[hosts.NAME] password, sudo_password, key_passphrase; [vault] passphrase; [tenant] client_secret"
_LARGEST = 1 << 20
_LOG = logging.getLogger(__name__)


class SecretsInputError(OperatorError):
    """A secrets document that cannot be used."""


def read_secrets(stream: BinaryIO) -> Secrets:
    """The secrets of a TOML document of at most 1 MiB. Raises SecretsInputError, which names keys and never a value."""
    return parse_secrets(stream.read(_LARGEST + 1))


def parse_secrets(document: bytes) -> Secrets:
    """The secrets of a TOML document. Raises SecretsInputError, which names keys and never a value."""
    if len(document) > _LARGEST:
        raise _refused("it is larger than 1 MiB")
    try:
        return Secrets.model_validate(tomllib.loads(document.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise _refused("it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's sentence may quote the text around the mistake; only the place is safe to show.
        place = str(error).rpartition("(")[2].rstrip(")")
        raise _refused(f"it is not TOML ({place or 'unknown place'})") from None
    except ValidationError as error:
        problems = "; ".join(_problem(details["loc"], details["type"]) for details in error.errors())
        raise _refused(problems) from None


def _problem(location: tuple[int | str, ...], kind: str) -> str:
    name = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"{name} is not a known key"
    if kind == "string_type":
        return f"{name} must be a text in quotes"
    return f"{name} must be a table"


def _refused(why: str) -> SecretsInputError:
    return SecretsInputError(
        f"the secrets document cannot be used: {why}",
        tried="to read it from standard input",
        remedy=f"write TOML with {_FORM}",
    )


def dump_secrets(secrets: Secrets) -> bytes:
    """The same document again, in clear, to be handed to another process over a pipe and nowhere else."""
    import tomlkit

    def plain(value: object) -> object:
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if item is not None}
        return value

    return tomlkit.dumps({key: plain(table) for key, table in secrets.model_dump().items()}).encode()


def keyring_service(cluster: str) -> str:
    """The service name under which a cluster's secrets lie in the keyring.

    The user name is `HOST/KIND`, `vault/passphrase` or `tenant/client_secret`.
    """
    return f"adldap-ha/{cluster}"


class KeyringLookup:
    """A cluster's secrets in the keyring, each looked up once. An offer, not a condition: never raises.

    After a failure (no keyring installed, none usable, locked) it is not asked again. Safe for several threads.
    """

    def __init__(self, cluster: str) -> None:
        self._service = keyring_service(cluster)
        self._found: dict[str, str | None] = {}
        self._usable = importlib.util.find_spec("keyring") is not None
        self._lock = threading.Lock()

    def __call__(self, name: str) -> str | None:
        """The secret of this user name, None when there is none."""
        with self._lock:
            if name not in self._found and self._usable:
                self._found[name] = self._ask(name)
            return self._found.get(name)

    def forget(self, name: str) -> None:
        """Offer this one no more: it turned out to be wrong."""
        with self._lock:
            self._found[name] = None

    def _ask(self, name: str) -> str | None:
        try:
            import keyring

            found: str | None = keyring.get_password(self._service, name)
        except Exception as error:
            # Backends are third-party code and raise what they like; the message may hold anything.
            _LOG.info("the keyring cannot be asked: %s", type(error).__name__)
            self._usable = False
            return None
        return found or None
