"""Invoke-Program and Invoke-Console: the host's own node, and the admin console on the host's loopback."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tui.connector.scripts import load
from tui.lab.standin.console import PORT
from tui.lab.windows import dotnet

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

_LOADER = ("tui.connector.windows.scripts", "node_stdin.js")
_TICKET = "ticket_info.js"


def invoke_program(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """Run a program of the host; the lab has none but node.exe."""
    program, directory = given["FileName"], given["Directory"]
    if not host.programs.is_there(program):
        return {"exit_code": None, "stdout": "", "stderr": "", "timed_out": False, "missing": True}
    if not host.programs.is_node(program):
        raise dotnet.error("System.ComponentModel.Win32Exception", "the lab runs no program but node.exe", 0x80004005)
    if not host.tree.real(directory).is_dir():
        raise dotnet.error("System.ComponentModel.Win32Exception", "The directory name is invalid", 0x80004005)
    service = host.services.find(given["Service"]) if given["Service"] else None
    arguments, payload = _loaded(given["Arguments"], given["Payload"] or "")
    ended = host.programs.run(
        arguments, directory, service.environment if service else {}, payload.encode(), given["Seconds"]
    )
    return {
        "exit_code": ended.status,
        "stdout": base64.b64encode(ended.stdout).decode("ascii"),
        "stderr": base64.b64encode(ended.stderr).decode("ascii"),
        "timed_out": ended.status is None,
        "missing": False,
    }


def _loaded(arguments: list[str], payload: str) -> tuple[list[str], str]:
    """What a real node would do with the project's loader: run the code that came on standard input."""
    if arguments[:1] != ["-e"]:
        return arguments, payload
    loader = files(_LOADER[0]).joinpath(_LOADER[1]).read_text(encoding="utf-8").strip()
    if len(arguments) != 2 or arguments[1].strip() != loader:
        raise dotnet.refused("the lab's node.exe knows no code but the loader of this project's ticket script")
    order = json.loads(payload.splitlines()[0])
    if order["code"] != load(_TICKET):
        raise dotnet.refused("the lab's node.exe knows no code but this project's ticket script")
    return ["-e", order["code"]], order["input"]


def invoke_console(host: WindowsLabHost, given: Mapping[str, Any]) -> dict[str, Any]:
    """One GET of the admin console; status 0 when nobody listens or no answer comes in time."""
    connection = http.client.HTTPConnection(host.address, PORT, timeout=given["Seconds"])
    try:
        connection.request("GET", given["Path"], headers={"Host": f"127.0.0.1:{PORT}"})
        answer = connection.getresponse()
        data = base64.b64encode(answer.read()).decode("ascii")
        return {"status": answer.status, "data": data, "location": answer.headers.get("Location", "")}
    except (OSError, http.client.HTTPException):
        return {"status": 0, "data": "", "location": ""}
    finally:
        connection.close()


ANSWERS = {"Invoke-Program.ps1": invoke_program, "Invoke-Console.ps1": invoke_console}
