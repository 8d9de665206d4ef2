"""OpenSSH for Windows in front of a lab host: it runs this project's bootstrap, told by its encoded command, and nothing else.

What stands in: PowerShell itself, and the default shell. SFTP is off, as where an administrator took it out.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import paramiko

from tui.lab.sftp import Tree
from tui.lab.ssh_server import LoginSettings, SshServer
from tui.lab.windows.wsman_calls import Call, PsError

SSH_PORT = 2222
_BOOTSTRAP = ("tui.remote.windows.scripts", "bootstrap.ps1")
_COMMAND = re.compile(
    r"powershell(?:\.exe)? -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand ([A-Za-z0-9+/=]+)"
)
_LONGEST_COMMAND = 8_191
_SECRET = "secret"
_CHUNK = 1 << 15


class OpenSsh:
    """The SSH server of one Windows host."""

    tree = Tree

    def __init__(self, address: str, user: str, password: str, run: Callable[[Call], str]) -> None:
        """Listen at once. `run` answers a script. Raises OSError."""
        self.address, self._user, self._run = address, user, run
        self.login = LoginSettings(user, password, sftp=False, forwarding=False)
        self.server = SshServer(self, self.login, SSH_PORT)

    def may_forward(self, address: str) -> bool:
        """Nothing is forwarded."""
        return False

    def command(self, text: str | None) -> Callable[[paramiko.Channel], None]:
        """What happens when a client runs `text`, or asks for a shell."""
        return functools.partial(self._serve, text or "")

    def _serve(self, text: str, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError):
            if is_bootstrap(text):
                channel.sendall(self._answer(_everything(channel)))
                channel.send_exit_status(0)
            else:
                channel.sendall_stderr(b"the lab interprets no PowerShell and does not know this command\r\n")
                channel.send_exit_status(1)
            channel.shutdown_write()
            channel.close()

    def _answer(self, line: bytes) -> bytes:
        request: dict[str, Any] = json.loads(base64.b64decode(line))
        parameters: dict[str, dict[str, Any]] = request["parameters"]
        call = Call(
            request["script"],
            {name: given["value"] for name, given in parameters.items()},
            self._user,
            frozenset(name for name, given in parameters.items() if given["type"] == _SECRET),
        )
        try:
            answer: dict[str, Any] = {"output": self._run(call)}
        except PsError as error:
            answer = {"error": {"type": error.type, "message": error.message, "hresult": error.hresult}}
        nonce = str(request["nonce"]).encode("ascii")
        return b"\r\n" + nonce + base64.b64encode(json.dumps(answer).encode()) + nonce + b"\r\n"


def is_bootstrap(text: str) -> bool:
    """Whether a command line runs this project's bootstrap; comments and indentation do not count."""
    found = _COMMAND.fullmatch(text.strip())
    if found is None or len(text) > _LONGEST_COMMAND:
        return False
    try:
        sent = base64.b64decode(found[1], validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError):
        return False
    package, name = _BOOTSTRAP
    return _bare(sent) == _bare(files(package).joinpath(name).read_text(encoding="utf-8"))


def _bare(script: str) -> list[str]:
    lines = (line.strip() for line in script.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _everything(channel: paramiko.Channel) -> bytes:
    data = b""
    while part := channel.recv(_CHUNK):
        data += part
    return data
