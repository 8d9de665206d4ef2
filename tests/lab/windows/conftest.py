"""WSMan servers of the lab for the tests of this directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.lab.windows.winrm_client import PASSWORD, USER, answer
from tui.lab.authority import Authority
from tui.lab.windows import certificates
from tui.lab.windows.wsman import WsmanServer

LISTENER = "127.0.92.1"


@pytest.fixture(scope="module")
def lab_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that a cluster file names by `ca_file`."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def listener_certificate(lab_authority: Authority) -> certificates.ServerCertificate:
    """A good certificate for LISTENER."""
    return certificates.signed(lab_authority, LISTENER)


@pytest.fixture
def listen() -> Iterator[Callable[..., WsmanServer]]:
    """Start WSMan servers that answer the scripts of winrm_client, on any port of LISTENER."""
    with ExitStack() as stack:

        def start(**options: Any) -> WsmanServer:
            chosen: dict[str, Any] = {"accounts": {USER: PASSWORD}, "handler": answer, "host_name": "ELM"} | options
            return stack.enter_context(WsmanServer(LISTENER, 0, **chosen))

        yield start
