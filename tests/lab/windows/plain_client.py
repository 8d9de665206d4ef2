"""An unmodified pypsrp, pointed at a WSMan server of the lab."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pypsrp.complex_objects import ObjectMeta
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from tui.lab.windows.wsman import Call, PsError, WsmanServer

USER, PASSWORD = "ops", "canary:Pä$$ 7f3a"


def handler(call: Call) -> str:
    """The lab's host for these tests: it repeats, fails, or waits until it is stopped."""
    call.name = call.script.split()[0]
    if call.name == "fail":
        raise PsError("System.IO.IOException", "The file is in use.", 0x80070020)
    if call.name == "wait":
        call.stopped.wait(30)
    if call.name == "mistake":
        raise LookupError("a bug of the lab")
    return str(dict(call.parameters)) if call.parameters else call.script


def connect(server: WsmanServer, user: str = USER, password: str = PASSWORD, **options: Any) -> WSMan:
    """pypsrp's connection to `server`, with time-outs that suit a test."""
    chosen: dict[str, Any] = {"auth": "ntlm", "ssl": server.tls is not None, "read_timeout": 10, "operation_timeout": 5}
    chosen |= options
    return WSMan(
        server.address,
        port=server.port,
        username=user,
        password=password,
        no_proxy=True,
        connection_timeout=5,
        **chosen,
    )


@contextmanager
def pool_of(server: WsmanServer, **options: Any) -> Iterator[RunspacePool]:
    """An open runspace pool."""
    with connect(server, **options) as wsman, RunspacePool(wsman) as pool:
        yield pool


def run(pool: RunspacePool, script: str, parameters: Mapping[str, Any] | None = None) -> str:
    """Run a script and give its one output, as this project's client does."""
    with PowerShell(pool) as shell:
        shell.add_script(script, use_local_scope=True)
        shell.add_parameters(dict(parameters or {}))
        output = shell.invoke()
        assert not shell.had_errors, shell.streams.error
        assert len(output) == 1
        return str(output[0])


def secure(pool: RunspacePool, text: str) -> Any:
    """`text` as a SecureString."""
    pool.exchange_keys()
    return pool.serialize(text, ObjectMeta("SS"))


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
