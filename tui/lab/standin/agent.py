"""A configured instance: its hub connection, and the watches on directory and clock that may end it."""

from __future__ import annotations

import contextlib
import statistics
import threading
import time

from .certificates import sign
from .environment import leave, log, now, wait
from .hub import HubConnection, HubError
from .ldap import Directory, LdapError
from .settings import Settings
from .web import WebError, request

CLOCK_LIMIT = 5.0
RECONNECT = 10.0
HEARTBEAT = 30.0


class Agent:
    """A configured instance: its hub connection and the threads that may end it."""

    def __init__(self, settings: Settings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._ticket = settings.text("PROVISIONING_TICKET")
        self._watched = False

    def run(self) -> int:
        """Stay connected until rejected or until a watch ends the process."""
        while True:
            try:
                connection = HubConnection(self._settings.text("AD_HUB"))
            except HubError:
                log("websocket deconnected. reconnecting", "yellow")
                wait(RECONNECT)
                continue
            with contextlib.closing(connection):
                log("Connected to websocket", "green")
                if self._serve(connection) == "rejected":
                    log("auth0: Agent rejected.", "red")
                    return 0
            log("Connection closed, reconnecting", "yellow")
            wait(1)

    def _serve(self, connection: HubConnection) -> str:
        with contextlib.suppress(OSError, HubError):
            challenge = connection.receive()
            if challenge is None:
                return "closed"
            connection.send(self._proof(str(challenge.get("challenge", ""))))
            answer = connection.receive()
            if answer is None:
                return "closed"
            if answer.get("type") != "accepted":
                return "rejected"
            log("auth0: Agent accepted.", "green")
            self._watch()
            self._test_latency(connection)
            connection.settimeout(3600)
            while connection.receive() is not None:
                pass
        return "closed"

    def _proof(self, challenge: str) -> dict[str, str]:
        certificate = self._settings.certificate_file("cert.pem") or b""
        try:
            signature = sign(self._settings.certificate_file("cert.key") or b"", challenge.encode("ascii"))
        except ValueError:
            signature = ""
        return {"type": "agent", "certificate": certificate.decode("ascii", "replace"), "signature": signature}

    def _test_latency(self, connection: HubConnection) -> None:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            connection.send({"type": "ping"})
            if connection.receive() is None:
                raise HubError("closed")
            times.append((time.perf_counter() - started) * 1000)
        log(
            f"latency test took avg: {statistics.mean(times):.2f} ms, max: {max(times):.2f} ms, min: {min(times):.2f} ms",
            "grey",
        )

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            for target in (self._watch_directory, self._watch_clock):
                threading.Thread(target=target, daemon=True).start()

    def _watch_directory(self) -> None:
        wait(1)
        settings = self._settings
        try:
            directory = Directory(settings.text("LDAP_URL"))
            directory.bind(settings.text("LDAP_BIND_USER"), self._password)
        except LdapError as error:
            log(f"Error binding to LDAP dn: {settings.text('LDAP_BIND_USER')} code: {error.code}", "red")
            leave(1)
        except (OSError, ValueError) as error:
            log(f"Error binding to LDAP: {error}", "red")
            leave(1)
        threading.Thread(target=self._beat, daemon=True).start()
        directory.wait_closed()
        log("Connection to ldap was closed", "red")
        leave(1)

    def _beat(self) -> None:
        settings = self._settings
        while True:
            wait(HEARTBEAT)
            try:
                directory = Directory(settings.text("LDAP_URL"))
                with contextlib.closing(directory):
                    directory.bind(settings.text("LDAP_BIND_USER"), self._password)
                    directory.search(settings.text("LDAP_BASE"), "(objectClass=*)", limit=1)
            except (OSError, LdapError) as error:
                log(f"Error on heartbeat response from LDAP: {error}", "red")
                leave(1)

    def _watch_clock(self) -> None:
        site = "/".join(self._ticket.split("/")[:3])
        while True:
            wait(5)
            with contextlib.suppress(WebError, KeyError, ValueError, TypeError):
                theirs = float(request(f"{site}/test").document()["clock"]) / 1000
                if abs(now() - theirs) > CLOCK_LIMIT:
                    log("Clock skew detected.", "red")
                    wait(1)
                    leave(1)
