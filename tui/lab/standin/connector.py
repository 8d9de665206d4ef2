"""server.js of the stand-in: start-up in the connector's order, then the agent until something fails."""

from __future__ import annotations

import os
import sys
import time

from .environment import follow_lifeline, log
from .settings import Settings


def main(arguments: list[str]) -> int:
    """Run the connector of the install directory in `arguments`; returns its exit status."""
    follow_lifeline()
    log("STARTING AD-LDAP CONNECTOR", "cyan")
    settings = Settings(os.path.realpath(arguments[0] if arguments else "."))
    if not settings.text("PROVISIONING_TICKET"):
        log("No provisioning ticket: this connector is not configured.", "yellow")
        return 0
    return _run(settings)


def _run(settings: Settings) -> int:
    # Imported here because an unconfigured connector must fail fast: its unit starts it again and again.
    from .agent import Agent
    from .startup import bind_password, encrypt_plain_password, ensure_certificate, publish, take_ticket

    ticket = settings.text("PROVISIONING_TICKET")
    status = take_ticket(settings, ticket)
    if status is not None:
        return status
    ensure_certificate(settings)
    encrypt_plain_password(settings)
    status = publish(settings, ticket)
    if status is not None:
        return status
    try:
        password = bind_password(settings)
    except ValueError:
        sys.stderr.write(
            "Error: error:1C800064:Provider routines::bad decrypt\n    at Decipheriv.final (node:crypto)\n"
        )
        sys.stderr.flush()
        while True:
            time.sleep(3600)
    return Agent(settings, password).run()
