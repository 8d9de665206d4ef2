"""The lab's WSMan server fails as hosts fail: quotas, dropped and cut connections, hangs, reboots, slowness."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool

from tests.lab.windows.plain_client import PASSWORD, USER, connect, handler, pool_of, run, until
from tui.lab.windows import certificates
from tui.lab.windows.wsman import WsmanServer


@pytest.fixture
def server() -> Iterator[WsmanServer]:
    made = WsmanServer("127.0.91.3", 0, accounts={USER: PASSWORD}, handler=handler, host_name="ELM")
    with made:
        yield made


def drop_in_receive(server: WsmanServer) -> None:
    """Drop all connections once a script's output is waited for."""
    until(lambda: server.record.soap["Receive"] > 1)
    server.drop()


def revive(pool: RunspacePool) -> None:
    """What an encrypted connection needs after the server closed it."""
    transport = pool.connection.transport
    transport.close()
    transport.encryption = transport.session = None


def test_more_shells_than_the_quota_are_refused_with_the_real_code(server: WsmanServer) -> None:
    server.shells.max_shells = 1
    with pool_of(server), pytest.raises(WSManFaultError) as refused, pool_of(server):
        pass

    assert refused.value.code == 2150859173
    assert "maximum number of 1 concurrent shells" in str(refused.value)


def test_abandoned_shell_counts_until_its_idle_time_is_over(server: WsmanServer) -> None:
    server.shells.max_shells = 1
    with connect(server) as abandoned, connect(server) as wsman:
        RunspacePool(abandoned, idle_timeout=1).open()
        with pytest.raises(WSManFaultError):
            RunspacePool(wsman).open()

        def freed() -> bool:
            pool = RunspacePool(wsman)
            with contextlib.suppress(WSManFaultError):
                pool.open()
                pool.close()
                return True
            return False

        until(freed)


def test_pipelines_that_nobody_closes_count_against_a_quota(server: WsmanServer) -> None:
    server.shells.max_operations = 2
    with pool_of(server) as pool:
        for _ in range(2):
            PowerShell(pool).add_script("leaked").invoke()
        with pytest.raises(WSManFaultError) as refused:
            PowerShell(pool).add_script("one too many").invoke()

    assert refused.value.code == 2150859174


def test_envelope_beyond_the_limit_is_refused_and_not_run(server: WsmanServer) -> None:
    server.max_envelope_size = 100 * 1024
    with connect(server, max_envelope_size=500_000) as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        with pytest.raises(WinRMTransportError) as refused:
            run(pool, "large " + "x" * 400_000)

    assert refused.value.code == 413
    assert server.record.calls == []


def test_dropped_connections_leave_the_shell_and_its_script(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        shell = PowerShell(pool)
        shell.add_script("wait").begin_invoke()
        dropping = threading.Thread(target=drop_in_receive, args=(server,))
        dropping.start()
        with pytest.raises(requests.ConnectionError):
            shell.poll_invoke()
        dropping.join()

        assert (server.shells.open_shells(), server.shells.open_pipelines()) == (1, 1)
        revive(pool)
        shell.stop()


def test_receive_is_cut_in_the_middle_once(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        run(pool, "before")
        server.cut_receive_after(1)
        run(pool, "whole")
        shell = PowerShell(pool)
        shell.add_script("cut")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            shell.invoke()

        assert server.record.calls[-1].ended == "output"
        revive(pool)
        assert run(pool, "after") == "after"


def test_idle_connection_is_closed_and_the_pool_can_be_revived(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        run(pool, "before")
        server.close_idle()
        with pytest.raises(WinRMTransportError):
            run(pool, "keys of the old connection")
        revive(pool)

        assert run(pool, "after") == "after"
    assert server.record.soap["Create"] == 1


def test_busy_connection_is_not_idle(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        shell = PowerShell(pool)
        shell.add_script("wait").begin_invoke()
        polling = threading.Thread(target=shell.poll_invoke, kwargs={"timeout": 1})
        polling.start()
        until(lambda: server.record.soap["Receive"] > 1)
        server.close_idle()
        polling.join(10)

        assert server.record.connections == 1
        shell.stop()


def test_hanging_host_accepts_and_answers_nothing_until_it_wakes(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        server.stop_answering()
        pool.connection.transport.read_timeout = 1
        with pytest.raises(requests.ReadTimeout):
            run(pool, "into the void")
        with socket.create_connection((server.address, server.port), timeout=1):
            pass
        server.answer_again()
        revive(pool)
        pool.connection.transport.read_timeout = 10

        assert run(pool, "awake") == "awake"


def test_host_that_is_off_refuses_and_comes_back_on_its_port_without_its_shells(server: WsmanServer) -> None:
    with connect(server) as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        port = server.port
        server.close()
        with pytest.raises(requests.ConnectionError):
            run(pool, "nobody there")
        server.open()
        revive(pool)
        with pytest.raises(WSManFaultError) as gone:
            run(pool, "after the reboot")

    assert server.port == port
    assert gone.value.code == 2150858843


def test_closing_leaves_no_thread_and_no_port(server: WsmanServer) -> None:
    with connect(server) as wsman:
        pool = RunspacePool(wsman)
        pool.open()
        PowerShell(pool).add_script("wait").begin_invoke()
        socket.create_connection((server.address, server.port)).close()
        began = time.monotonic()
        server.close()
        took = time.monotonic() - began

    assert took < 1.0
    until(lambda: not any(thread.name.startswith("wsman") for thread in threading.enumerate()))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.address, server.port))


def test_closing_does_not_wait_for_a_client_that_says_nothing() -> None:
    tls = certificates.self_signed("127.0.91.3").context
    with (
        WsmanServer("127.0.91.3", 0, accounts={}, handler=handler, host_name="ELM", tls=tls) as server,
        socket.create_connection((server.address, server.port)),
    ):
        until(lambda: server.record.connections == 1)
        began = time.monotonic()
        server.close()

        assert time.monotonic() - began < 1.0
        until(lambda: not any(thread.name.startswith("wsman") for thread in threading.enumerate()))


def test_slow_host_delays_each_answer(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        server.delay = 0.1
        began = time.monotonic()
        run(pool, "slowly")
        took = time.monotonic() - began
        server.delay = 0.0

    assert took > 0.3


def test_starting_takes_no_time() -> None:
    def start() -> float:
        began = time.monotonic()
        with WsmanServer("127.0.91.3", 0, accounts={}, handler=handler, host_name="ELM"):
            return time.monotonic() - began

    assert min(start() for _ in range(5)) < 0.05
