"""Known secrets never reach a log, a report or a screen: they are replaced in every spelling they may take."""

from __future__ import annotations

import base64
import json
import logging
import re
import threading
import traceback
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from tui.remote.secrets import Secrets

MASK = "•••"
_SHORT = 4
_LIBRARIES = ("paramiko", "httpx", "httpcore", "pypsrp", "spnego", "requests_credssp", "urllib3", "requests")


def secret_values(secrets: Secrets) -> list[str]:
    """Every secret in clear, for redaction only."""
    tables: list[object] = [*secrets.hosts.values(), secrets.vault, secrets.tenant]
    values = (value for table in tables for value in vars(table).values())
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def _spellings(value: str) -> set[str]:
    data = value.encode("utf-8", "surrogateescape")
    percent = {quote(data, safe=""), quote(data), quote_plus(data)}
    encoded = {
        base64.b64encode(data).decode(),
        base64.b64encode(data).decode().rstrip("="),
        base64.urlsafe_b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode().rstrip("="),
    }
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    shell = {value.replace("'", "'\\''"), value.replace("'", "'\"'\"'")}
    lower = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text) for text in percent}
    return {value, data.hex(), *percent, *lower, *encoded, *escaped, *shell}


def _pattern(values: Iterable[str]) -> re.Pattern[str] | None:
    long: set[str] = set()
    short: set[str] = set()
    for value in values:
        if len(value) >= _SHORT:
            long |= _spellings(value)
        elif value:
            short.add(value)
    # The longest first, so that a secret inside another does not leave the rest of it standing.
    parts = [re.escape(text) for text in sorted(long, key=len, reverse=True)]
    parts += [rf"(?<!\w){re.escape(text)}(?!\w)" for text in sorted(short, key=len, reverse=True)]
    return re.compile("|".join(parts)) if parts else None


def mask(text: str, secrets: Secrets) -> str:
    """`text` with every known secret replaced, also where it is percent-, base64-, JSON- or shell-escaped.

    Secrets under four characters are replaced only where they stand as a word.
    """
    pattern = _pattern(secret_values(secrets))
    return pattern.sub(MASK, text) if pattern else text


class Redactor:
    """Masks the session's secrets and every further value it is told of (a configuration's secrets)."""

    def __init__(self, secrets: Secrets | None = None) -> None:
        self._secrets = secrets
        self._more: set[str] = set()
        self._lock = threading.Lock()
        self._cached: tuple[frozenset[str], re.Pattern[str] | None] = (frozenset(), None)

    def add(self, *values: str) -> None:
        """Mask these from now on, for good: a secret that was replaced is still in older text."""
        with self._lock:
            self._more.update(value for value in values if value)

    def mask(self, text: str) -> str:
        """`text` with everything secret replaced."""
        with self._lock:
            if self._secrets is not None:
                self._more.update(secret_values(self._secrets))
            values = frozenset(self._more)
            if values != self._cached[0]:
                self._cached = (values, _pattern(values))
            pattern = self._cached[1]
        return pattern.sub(MASK, text) if pattern else text


class RedactingFilter(logging.Filter):
    """Put on a handler: masks message, arguments and traceback of each record, so that nothing secret is written."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True; the record is changed in place."""
        record.msg = self._redactor.mask(record.getMessage())
        record.args = ()
        if record.exc_info and record.exc_info[0]:
            record.exc_text = self._redactor.mask("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = self._redactor.mask(record.exc_text)
        return True


def quiet_libraries() -> None:
    """Pin the loggers of the libraries that talk to hosts to WARNING, and never let them write to the terminal."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.WARNING)
        if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            logger.addHandler(logging.NullHandler())
