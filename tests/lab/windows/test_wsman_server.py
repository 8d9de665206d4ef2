"""The lab's WSMan server does for an unmodified pypsrp what a Windows host does: shells, scripts, parameters, errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import WinRS

from tests.lab.windows.plain_client import PASSWORD, USER, connect, handler, pool_of, run, secure, until
from tui.lab.windows.wsman import Call, WsmanServer


@pytest.fixture
def server() -> Iterator[WsmanServer]:
    made = WsmanServer("127.0.91.1", 0, accounts={USER: PASSWORD}, handler=handler, host_name="ELM")
    with made:
        yield made


def test_parameters_arrive_with_their_types(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        output = run(
            pool, "repeat", {"Text": "a 'b' \"ü\"", "Paths": ["C:\\x", "C:\\y"], "Number": 7, "Yes": True, "No": None}
        )

    assert output == str({"Text": "a 'b' \"ü\"", "Paths": ["C:\\x", "C:\\y"], "Number": 7, "Yes": True, "No": None})


def test_secure_string_arrives_in_the_clear_for_the_handler_alone(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        output = run(pool, "repeat", {"Secret": secure(pool, "geheim")})

    assert output == str({"Secret": "geheim"})
    assert "geheim" not in repr(server.record)
    assert server.record.calls[0].parameters == ("Secret",)


def test_terminating_error_tells_type_message_and_code(server: WsmanServer) -> None:
    with pool_of(server) as pool, PowerShell(pool) as shell:
        shell.add_script("fail")

        assert shell.invoke() == []

    error: Any = shell.streams.error[0]
    assert shell.had_errors
    assert str(error) == "The file is in use."
    assert error.exception.types[:2] == ["System.IO.IOException", "System.Exception"]
    assert error.exception.adapted_properties["HResult"] == 0x80070020 - (1 << 32)


def test_pool_goes_on_after_an_error(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        with PowerShell(pool) as shell:
            shell.add_script("fail").invoke()

        assert run(pool, "still here") == "still here"


def test_mistake_in_the_lab_looks_like_a_failed_script(server: WsmanServer) -> None:
    with pool_of(server) as pool, PowerShell(pool) as shell:
        shell.add_script("mistake").invoke()

    assert "a bug of the lab" in str(shell.streams.error[0])


def test_large_scripts_and_outputs_travel_in_pieces(server: WsmanServer) -> None:
    script = "large " + "x" * 2_000_000
    with pool_of(server) as pool:
        assert run(pool, script) == script


def test_piped_input_reaches_the_handler() -> None:
    got: list[object] = []

    def keep(call: Call) -> str:
        got.append(call.input)
        return "done"

    with (
        WsmanServer("127.0.91.1", 0, accounts={USER: PASSWORD}, handler=keep, host_name="ELM") as own,
        pool_of(own) as pool,
        PowerShell(pool) as shell,
    ):
        shell.add_script("$input").invoke(item for item in (b"one", "two"))

    assert got == [(b"one", "two")]


def test_a_warm_script_costs_three_calls(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        run(pool, "warm up")
        before = server.record.requests
        run(pool, "repeat")

        assert server.record.requests - before == 3


def test_receive_waits_as_long_as_the_script_runs_or_the_operation_may_last(server: WsmanServer) -> None:
    with pool_of(server, operation_timeout=1) as pool:
        shell = PowerShell(pool)
        shell.add_script("wait").begin_invoke()
        began = time.monotonic()
        shell.poll_invoke()
        took = time.monotonic() - began
        shell.stop()

    assert 0.9 < took < 3.0
    assert server.record.soap["Receive"] >= 2


def test_stop_reaches_the_handler(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        shell = PowerShell(pool)
        shell.add_script("wait").begin_invoke()
        shell.stop()
        until(lambda: bool(server.record.calls))

        assert server.record.calls[0].ended == "stopped"
        assert run(pool, "next one") == "next one"


def test_closed_shells_and_pipelines_are_gone(server: WsmanServer) -> None:
    with pool_of(server) as pool:
        run(pool, "repeat")

        assert (server.shells.open_shells(USER), server.shells.open_pipelines()) == (1, 0)

    assert server.shells.open_shells() == 0


def test_two_clients_have_shells_of_their_own(server: WsmanServer) -> None:
    outputs: list[str] = []

    def work(number: int) -> None:
        with pool_of(server) as pool:
            outputs.extend(run(pool, f"client {number} script {script}") for script in range(5))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outputs) == sorted(f"client {n} script {s}" for n in range(4) for s in range(5))


def test_shell_of_another_account_is_denied() -> None:
    accounts = {"ops": "one", "CORP\\eve": "two"}
    with (
        WsmanServer("127.0.91.1", 0, accounts=accounts, handler=handler, host_name="ELM") as server,
        pool_of(server, user="ops", password="one") as pool,
        connect(server, "corp\\EVE", "two") as wsman,
    ):
        stolen = RunspacePool(wsman)
        stolen.shell.id, stolen.shell._selector_set = pool.shell.id, pool.shell._selector_set
        with pytest.raises(WSManFaultError) as refused:
            stolen.shell.receive("stdout")

    assert refused.value.code == 5


def test_cmd_shell_is_refused(server: WsmanServer) -> None:
    with connect(server) as wsman, pytest.raises(WSManFaultError) as refused:
        WinRS(wsman).open()

    assert refused.value.code == 2150858811


def test_client_can_read_the_largest_envelope(server: WsmanServer) -> None:
    server.max_envelope_size = 8192 * 1024
    with connect(server) as wsman:
        wsman.update_max_payload_size()

        assert wsman.max_envelope_size == 8192 * 1024


def test_record_tells_what_was_run_and_for_whom(server: WsmanServer) -> None:
    with pool_of(server, user=".\\OPS") as pool:
        run(pool, "repeat", {"A": 1, "B": 2})

    (call,) = server.record.calls
    assert (call.name, call.user, call.parameters, call.ended) == ("repeat", USER, ("A", "B"), "output")
    assert server.record.soap["Create"] == server.record.soap["Delete"] == 1
    assert server.record.connections == 1
