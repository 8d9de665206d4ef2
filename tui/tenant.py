"""The tenant's Management API: is the connection online? One live instance is enough for yes.

Only the API's own "online" and "offline" are answers. Whatever stands in the way (credentials, permission, rate limit,
network) means that it could not tell, never that the connection is offline.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from tui.errors import OperatorError

if TYPE_CHECKING:
    import ssl

    import httpx

_PAGE = 100
_MOST_PAGES = 50
_LARGEST_ANSWER = 4 << 20
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 15.0
_WHOLE_ANSWER_SECONDS = 30.0
_TOKEN_MARGIN_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 600.0
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")


class Online(StrEnum):
    """What the tenant says of a connection."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why the tenant could not tell, for code to branch on."""

    CREDENTIALS = "credentials"
    """Client ID or secret refused; the client does not try them again."""
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    NO_CONNECTION = "no_connection"
    TLS = "tls"
    UNREACHABLE = "unreachable"
    UNEXPECTED = "unexpected"


class ConnectionStatus(BaseModel):
    """The answer. `why` and `remedy` are sentences for the operator; `doubt` is set exactly when `state` is unknown."""

    model_config = ConfigDict(frozen=True)

    state: Online
    why: str
    doubt: Doubt | None = None
    remedy: str | None = None

    @property
    def online(self) -> bool | None:
        """True, False, or None when it could not tell."""
        return None if self.state is Online.UNKNOWN else self.state is Online.ONLINE


class _CouldNotTell(Exception):
    def __init__(self, doubt: Doubt, why: str, remedy: str) -> None:
        super().__init__(why)
        self.status = ConnectionStatus(state=Online.UNKNOWN, why=why, doubt=doubt, remedy=remedy)


class TenantClient:
    """Asks one tenant with one application's credentials. Threads may share it; they take turns."""

    def __init__(
        self,
        domain: str,
        client_id: str,
        client_secret: str,
        ca_file: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`domain` is a host name with an optional port; `ca_file` holds certificates (PEM) trusted besides the
        system's. Proxy variables of the environment are honoured. Raises OperatorError when one of them is unusable."""
        if not _DOMAIN.fullmatch(domain):
            raise OperatorError("the tenant's domain is no host name", remedy="write it as example.eu.auth0.com")
        self._base = f"https://{domain}"
        self._client_id = client_id
        self._client_secret = client_secret
        self._http = _http_client(_trust(ca_file))
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._token_until = 0.0
        self._silent_until = 0.0
        self._refused: ConnectionStatus | None = None
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<TenantClient of {self._base}>"

    def connection_status(self, connection_name: str) -> ConnectionStatus:
        """Whether at least one instance of the connection is connected. Blocks up to a minute; never raises.

        Refused credentials are not tried again, and after a rate limit nothing is asked until it has passed.
        """
        with self._lock:
            try:
                return self._status(connection_name)
            except _CouldNotTell as doubt:
                return doubt.status

    def close(self) -> None:
        """Drop connections and the token; never raises."""
        self._token = ""
        with contextlib.suppress(Exception):
            self._http.close()

    def _status(self, name: str) -> ConnectionStatus:
        known = self._ids.get(name)
        if known and self._is_online(known):
            return _online(name)
        # A 404 also means a connection that is gone, so an identifier from earlier is looked up again.
        found = self._ids[name] = self._find(name)
        if found != known and self._is_online(found):
            return _online(name)
        return ConnectionStatus(state=Online.OFFLINE, why=f"the tenant says that no instance of {name} is connected")

    def _is_online(self, connection_id: str) -> bool:
        status, _ = self._get(f"/api/v2/connections/{quote(connection_id, safe='')}/status")
        return status == 200

    def _find(self, name: str) -> str:
        self._ids.pop(name, None)
        for page in range(_MOST_PAGES):
            query = f"strategy=ad&fields=id,name&page={page}&per_page={_PAGE}"
            status, answer = self._get(f"/api/v2/connections?{query}")
            connections = _records(answer) if status == 200 else None
            if connections is None:
                raise _unexpected(f"the list of connections came back as HTTP {status}")
            for connection in connections:
                if connection.get("name") == name and isinstance(connection.get("id"), str):
                    return str(connection["id"])
            if len(connections) < _PAGE:
                break
        raise _CouldNotTell(
            Doubt.NO_CONNECTION,
            f"the tenant has no Active Directory/LDAP connection called {name}",
            "check that [tenant] domain is the tenant that the first host's ticket belongs to",
        )

    def _get(self, path: str) -> tuple[int, Any]:
        """Status (200 or 404) and parsed body. A token that was revoked before its time is renewed once."""
        status, answer, headers = self._ask("GET", path, token=self._bearer())
        if status == 401:
            self._token = ""
            status, answer, headers = self._ask("GET", path, token=self._bearer())
        if status in (200, 404):
            return status, answer
        if status == 403:
            raise _CouldNotTell(
                Doubt.FORBIDDEN,
                "the application may not read connections (HTTP 403)",
                "grant it the scope read:connections of the Management API",
            )
        raise self._obstacle(status, headers, "the Management API")

    def _bearer(self) -> str:
        if self._refused:
            raise _CouldNotTell(Doubt.CREDENTIALS, self._refused.why, self._refused.remedy or "")
        if self._token and self._clock() < self._token_until:
            return self._token
        body = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "audience": f"{self._base}/api/v2/",
        }
        status, answer, headers = self._ask("POST", "/oauth/token", body=body)
        if status in (400, 401, 403, 404):
            doubt = _CouldNotTell(
                Doubt.CREDENTIALS,
                f"the tenant refused the client ID or the client secret (HTTP {status})",
                "check [tenant] client_id, type the secret again, and see that the application is a machine-to-machine"
                " one that is authorised for the Management API",
            )
            self._refused = doubt.status
            raise doubt
        if status != 200:
            raise self._obstacle(status, headers, "the token endpoint")
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise _unexpected("the token endpoint answered without a token")
        lifetime = answer.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else _TOKEN_MARGIN_SECONDS
        self._token = token
        self._token_until = self._clock() + max(seconds - _TOKEN_MARGIN_SECONDS, seconds / 2)
        return token

    def _obstacle(self, status: int, headers: Mapping[str, str], who: str) -> _CouldNotTell:
        if status == 429:
            seconds = _pause(headers)
            self._silent_until = self._clock() + seconds
            return _CouldNotTell(
                Doubt.RATE_LIMITED,
                f"{who} has been asked too often (HTTP 429)",
                f"wait {seconds:.0f} s; nothing is asked until then",
            )
        if status == 401:
            return _CouldNotTell(
                Doubt.FORBIDDEN,
                f"{who} did not accept a fresh token (HTTP 401)",
                "check the clock of this machine and that [tenant] domain is the tenant's own domain, not a custom one",
            )
        return _unexpected(f"{who} answered with HTTP {status}")

    def _ask(
        self, method: str, path: str, *, token: str | None = None, body: object = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, parsed body (None when it is no JSON) and headers. Redirects are answers, never followed: what is
        sent is secret."""
        import httpx

        remaining = self._silent_until - self._clock()
        if remaining > 0:
            raise _CouldNotTell(
                Doubt.RATE_LIMITED,
                "the Management API has been asked too often (HTTP 429)",
                f"wait {remaining:.0f} s more; nothing is asked until then",
            )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with self._http.stream(method, f"{self._base}{path}", headers=headers, json=body) as response:
                return response.status_code, _json(_body(response)), response.headers
        except httpx.TimeoutException:
            raise _unreachable(self._base, "it did not answer in time") from None
        except httpx.HTTPError as error:
            raise _network_doubt(self._base, error) from None


def _online(name: str) -> ConnectionStatus:
    return ConnectionStatus(state=Online.ONLINE, why=f"the tenant says that an instance of {name} is connected")


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file:
        try:
            context.load_verify_locations(ca_file.expanduser())
        except OSError as error:
            raise OperatorError(
                f"the CA file {ca_file} cannot be used: {error.strerror or 'it holds no PEM certificate'}",
                remedy="give [tenant] ca_file a readable PEM file",
            ) from None
    return context


def _http_client(trust: ssl.SSLContext) -> httpx.Client:
    import httpx

    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(
        verify=trust,
        timeout=httpx.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        headers={"User-Agent": "adldap-ha", "Accept": "application/json"},
    )


def _body(response: httpx.Response) -> bytes:
    deadline = time.monotonic() + _WHOLE_ANSWER_SECONDS
    received = b""
    for part in response.iter_bytes():
        received += part
        if len(received) > _LARGEST_ANSWER or time.monotonic() > deadline:
            raise _unexpected("the answer is too long")
    return received


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _records(answer: Any) -> list[dict[str, Any]] | None:
    if isinstance(answer, list) and all(isinstance(record, dict) for record in answer):
        return answer
    return None


def _pause(headers: Mapping[str, str]) -> float:
    """How long a rate limit lasts, in seconds: as the answer says, within reason."""
    with contextlib.suppress(ValueError):
        if "retry-after" in headers:
            return min(max(float(headers["retry-after"]), 1.0), _LONGEST_PAUSE_SECONDS)
        if "x-ratelimit-reset" in headers:
            return min(max(float(headers["x-ratelimit-reset"]) - time.time(), 1.0), _LONGEST_PAUSE_SECONDS)
    return 30.0


def _network_doubt(base: str, error: Exception) -> _CouldNotTell:
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CouldNotTell(
                Doubt.TLS,
                f"the certificate of {base} is not trusted here: {cause.verify_message}",
                "if a proxy inspects TLS on this machine, name its CA as [tenant] ca_file",
            )
        if isinstance(cause, ssl.SSLError):
            return _CouldNotTell(
                Doubt.TLS, f"TLS to {base} failed: {cause.reason}", "check what intercepts connections to the tenant"
            )
        cause = cause.__cause__ or cause.__context__
    return _unreachable(base, "there is no connection to it, or it ended in the middle")


def _unreachable(base: str, problem: str) -> _CouldNotTell:
    return _CouldNotTell(
        Doubt.UNREACHABLE,
        f"{base} could not be asked: {problem}",
        "check DNS, outbound 443 and the proxy variables of this machine",
    )


def _unexpected(problem: str) -> _CouldNotTell:
    return _CouldNotTell(
        Doubt.UNEXPECTED, problem, "check that [tenant] domain is the tenant's own domain, and try again later"
    )
