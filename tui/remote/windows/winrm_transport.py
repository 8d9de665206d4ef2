"""pypsrp's HTTP transport with this program's rules: every time-out set, TLS verified on each connection, no redirects, no
answer in clear where messages are encrypted, nothing sent twice, and a fresh start after an idle time."""

from __future__ import annotations

import time
from typing import Any

import requests
from pypsrp.wsman import _TransportHTTP
from requests.adapters import HTTPAdapter
from urllib3.util.connection import is_connection_dropped

from tui.remote.windows.certificate_trust import TlsTrust

CONNECT_SECONDS = 8.0
ANSWER_SECONDS = 15.0
"""How long any answer may take. A Receive is answered within its own operation time-out, which is much shorter."""
IDLE_SECONDS = 60.0
"""After this long without a request a connection is not used again: a firewall may have forgotten it."""


class AnswerInClear(requests.RequestException):
    """Somebody answered unencrypted where both sides had agreed on keys."""


class Wire(HTTPAdapter):
    """Connections to one listener. `offered` is what its last 401 said it accepts."""

    def __init__(self, trust: TlsTrust | None, *, sealed: bool) -> None:
        self._trust = trust
        self._sealed = sealed
        self.offered: str | None = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        """See HTTPAdapter: every connection is verified as was decided."""
        if self._trust is not None:
            pool_kwargs["ssl_context"] = self._trust.context
            if self._trust.pin is not None:
                pool_kwargs["assert_fingerprint"] = self._trust.pin
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """See HTTPAdapter: the context says how to verify, so that nothing from the environment does."""
        place, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return place, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """See HTTPAdapter: nothing to add to the context."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """See HTTPAdapter. Raises AnswerInClear."""
        response = super().send(request, *args, **options)
        if response.status_code == 401:
            self.offered = response.headers.get("WWW-Authenticate", "")
        elif (
            self._sealed
            and response.content
            and not _sealed(response)
            and (response.ok or _is_fault(request, response))
        ):
            raise AnswerInClear("an answer was not encrypted", request=request, response=response)
        return response

    def dropped(self) -> bool:
        """Whether the listener has closed a connection that is kept for the next request."""
        pools = self.poolmanager.pools
        waiting = [pool.pool for key in pools.keys() if (pool := pools.get(key)) is not None]  # noqa: SIM118
        connections = [connection for queue in waiting if queue is not None for connection in queue.queue]
        return any(is_connection_dropped(connection) for connection in connections if connection is not None)


class WinrmTransport(_TransportHTTP):
    """Carries SOAP messages to one listener. `calls` counts them, `patience` is how long each answer may take."""

    def __init__(self, *args: Any, trust: TlsTrust | None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._trust = trust
        self.calls = 0
        self.patience = ANSWER_SECONDS
        self.wire: Wire | None = None
        self._used = time.monotonic()

    @property
    def pin(self) -> str | None:
        """The SHA-256 of the one certificate that is accepted; None where an authority vouches for it."""
        return self._trust.pin if self._trust is not None else None

    def send(self, message: bytes, *, retries_on_read_timeout: int = 0, timeout: Any = None) -> bytes:
        """The answer to `message`. Raises what pypsrp and requests raise; nothing is sent a second time."""
        if self.wire is not None and (self.wire.dropped() or time.monotonic() - self._used > IDLE_SECONDS):
            self.start_afresh()
        self.calls += 1
        try:
            return bytes(super().send(message, timeout=(CONNECT_SECONDS, self.patience)))
        finally:
            self._used = time.monotonic()

    def start_afresh(self) -> None:
        """Drop the connection with its login and keys; the next message makes others, for the same shell."""
        self.encryption = None
        self.close()
        self.session = None
        self.wire = None

    def _build_session(self) -> requests.Session:
        session: requests.Session = super()._build_session()
        self.wire = Wire(self._trust, sealed=bool(self.wrap_required))
        session.mount("http://", self.wire)
        session.mount("https://", self.wire)
        session.trust_env = False
        # The context has the client's certificate. A redirect would take the login to somebody else.
        session.cert = None
        session.max_redirects = 0
        return session


def _sealed(message: requests.Response | requests.PreparedRequest) -> bool:
    return message.headers.get("Content-Type", "").lower().startswith(("multipart/encrypted", "multipart/x-multi"))


def _is_fault(request: requests.PreparedRequest, response: requests.Response) -> bool:
    """Whether a sealed message was answered by a fault. One that anybody can forge must not say that a script did not run."""
    return _sealed(request) and "xml" in response.headers.get("Content-Type", "").lower()
