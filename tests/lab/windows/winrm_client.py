"""This program's WinRM client, pointed at a WSMan server of the lab that answers a few scripts of the tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tui.cluster import Host
from tui.lab.windows.wsman import Call, PsError, WsmanServer
from tui.remote.access import Access
from tui.remote.connect import open_session
from tui.remote.secrets import HostSecrets, Secrets
from tui.remote.windows.own_scripts import own_script
from tui.remote.windows.winrm_session import WinrmSession
from tui.remote.windows_session import Script

USER, PASSWORD = "ops", "canary:Pä$$ 7f3a"
ECHO = Script("Echo.ps1", "param() # gives back what it was given")
FAIL = Script("Fail.ps1", "param() # finds a file in use")
WAIT = Script("Wait.ps1", "param() # until it is stopped")
NOISE = Script("Noise.ps1", "param() # puts out what is no JSON")

ABLE = {
    "language_mode": "FullLanguage",
    "version": "5.1.17763.1",
    "user": "ELM\\ops",
    "elevated": True,
    "administrator": True,
    "computer": "ELM",
    "build": "17763",
}


def answer(call: Call, **ability: Any) -> str:
    """What the host of these tests does. `ability` overrides what Get-Ability puts out."""
    known = {script.text: script for script in (ECHO, FAIL, WAIT, NOISE, own_script("Get-Ability.ps1"))}
    call.name = known[call.script].name if call.script in known else "?"
    if call.name == "Get-Ability.ps1":
        return json.dumps(ABLE | ability)
    if call.name == FAIL.name:
        raise PsError("System.IO.IOException", "The file is in use.", 0x80070020)
    if call.name == WAIT.name:
        call.stopped.wait(30)
    if call.name == NOISE.name:
        return "Welcome!"
    return json.dumps({"given": dict(call.parameters), "secrets": sorted(call.secrets)})


def host_of(server: WsmanServer, **values: Any) -> Host:
    """The host as a cluster file has it. Without `tls` as the server has it."""
    values = {"name": "elm", "address": server.address, "port": server.port, "user": USER} | values
    return Host.model_validate({"transport": "winrm", "tls": server.tls is not None} | values)


def access_with(directory: Path, password: str | None = PASSWORD, **secrets: str) -> Access:
    """Access whose files lie in `directory`, with the host's password."""
    held = HostSecrets.model_validate({"password": password, **secrets})
    return Access(
        secrets=Secrets(hosts={"elm": held}),
        known_hosts=directory / "known_hosts",
        known_certificates=directory / "state" / "known_certificates",
    )


@contextmanager
def session_with(host: Host, access: Access) -> Iterator[WinrmSession]:
    """An open session."""
    session = open_session(host, access)
    assert isinstance(session, WinrmSession)
    try:
        yield session
    finally:
        session.close()


def works(host: Host, access: Access) -> WinrmSession:
    """Open a session, run a script and close it."""
    with session_with(host, access) as session:
        assert session.invoke(ECHO, {"Word": "canary"}) == {"given": {"Word": "canary"}, "secrets": []}
        assert session.acting_account() == "ELM\\ops"
        return session


Serve = Callable[..., WsmanServer]
