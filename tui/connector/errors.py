"""What can be wrong with a connector, its configuration set, its services or its ticket."""

from __future__ import annotations

from tui.errors import OperatorError


class ConnectorError(OperatorError):
    """Any failure that concerns a connector rather than the way to its host."""


class ConfigError(ConnectorError):
    """A config.json that cannot be read. `line` and `column` count from 1; None when the place is not known."""

    def __init__(
        self, summary: str, *, line: int | None = None, column: int | None = None, **parts: str | None
    ) -> None:
        super().__init__(summary, **parts)
        self.line = line
        self.column = column


class CertificateError(ConnectorError):
    """A certificate or a key that cannot be read."""


class NoInstall(ConnectorError):
    """No connector was found on the host, or it is one that this program cannot work with."""


class SeveralInstalls(ConnectorError):
    """More than one connector was found and nothing says which is meant. `directories` lists them."""

    def __init__(self, summary: str, *, directories: tuple[str, ...], **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.directories = directories


class ServiceError(ConnectorError):
    """The service manager refused, or a service did not stop or start in time."""


class LogError(ConnectorError):
    """The connector's log cannot be read."""


class HostLocked(ConnectorError):
    """Another run holds the host's lock. `holder_run` is its run id, None when the lock file says nothing."""

    def __init__(self, summary: str, *, holder_run: str | None, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.holder_run = holder_run


class ConsoleError(ConnectorError):
    """The admin console did not answer as it should. `status` is the HTTP status, None when there was none."""

    def __init__(self, summary: str, *, status: int | None = None, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.status = status


class TicketError(ConnectorError):
    """The ticket could not be asked. `reason` is one word: `not_found`, `tls`, `dns`, `refused`, `timeout`, `proxy`,
    `answer`, `malformed`, `no_node`, `other`."""

    def __init__(self, summary: str, *, reason: str, **parts: str | None) -> None:
        super().__init__(summary, **parts)
        self.reason = reason


class ExplainError(ConnectorError):
    """A text that is neither a troubleshooter output nor a connector log."""
