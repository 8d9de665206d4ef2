"""Log files: private, rotated, and masked, tracebacks included."""

from __future__ import annotations

import contextlib
import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui.paths import state_dir, state_home
from tui.remote.redaction import RedactingFilter, Redactor, quiet_libraries

RUNNER_LOG = "runner.log"
RUNNER_ERRORS = "runner.err"
FRONT_LOG = "adldap-ha.log"

_BYTES = 2 << 20
_KEPT = 5


def log_dir(cluster: str) -> Path:
    """Where the logs of a cluster's runs lie. Created 0700 when absent."""
    directory = state_dir(cluster) / "logs"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


class LogFile(RotatingFileHandler):
    """A rotating log whose every file is created 0600. A record that cannot be written is dropped."""

    dropped = False
    """Whether a record was dropped, as where the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging names it so
        """Instead of logging's traceback on standard error, which belongs to the command's own words."""
        self.dropped = True

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def log_to(path: Path, redactor: Redactor) -> LogFile:
    """Send this process's log records to `path`; returns the handler, to be closed by `stop_logging`. Raises OSError."""
    handler = LogFile(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter(redactor))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    quiet_libraries()
    return handler


def stop_logging(handler: logging.Handler) -> None:
    """Close a log file that `log_to` opened; what could not be written to it is lost."""
    logging.getLogger().removeHandler(handler)
    with contextlib.suppress(OSError):
        handler.close()


def front_log() -> Path:
    """The log of the wizard and the command line, beside the clusters' state directories."""
    return state_home() / FRONT_LOG
