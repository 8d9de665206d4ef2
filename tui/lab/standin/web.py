"""Requests to the tenant, trusting what Node would trust: the system's roots and NODE_EXTRA_CA_CERTS."""

from __future__ import annotations

import functools
import http.client
import json
import os
import ssl
from typing import Any
from urllib.parse import urlsplit

from .environment import source_address


class WebError(Exception):
    """No answer: the connection, TLS or the protocol failed. `code` is the word that Node has for it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Answer:
    """A status and a body."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    def document(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            loaded = json.loads(self.body)
        except ValueError:
            return {}
        return loaded if isinstance(loaded, dict) else {}


@functools.lru_cache(maxsize=4)
def tls_context(trusted: tuple[str, ...] = ()) -> ssl.SSLContext:
    """The context for every connection to the tenant: it trusts NODE_EXTRA_CA_CERTS and the CA files `trusted`.

    Left out: the roots that node brings, which no server of the lab has a certificate from and which take long to load.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for extra in (os.environ.get("NODE_EXTRA_CA_CERTS"), *trusted):
        if extra and os.path.isfile(extra):
            context.load_verify_locations(extra)
    return context


def request(
    url: str, *, body: dict[str, Any] | None = None, timeout: float = 10.0, trusted: tuple[str, ...] = ()
) -> Answer:
    """GET `url`, or POST `body` to it as JSON. Raises WebError when there is no answer."""
    parts = urlsplit(url)
    host, source = parts.hostname or "", source_address()
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(
            host, parts.port, timeout=timeout, source_address=source, context=tls_context(trusted)
        )
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout, source_address=source)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    except ssl.SSLError as error:
        raise WebError("UNABLE_TO_VERIFY_LEAF_SIGNATURE", str(error)) from None
    except ConnectionRefusedError:
        raise WebError("ECONNREFUSED", f"connect ECONNREFUSED {parts.hostname}:{parts.port}") from None
    except TimeoutError:
        raise WebError("ETIMEDOUT", f"connect ETIMEDOUT {parts.hostname}:{parts.port}") from None
    except (OSError, http.client.HTTPException) as error:
        raise WebError("ECONNRESET", str(error) or type(error).__name__) from None
    finally:
        connection.close()
