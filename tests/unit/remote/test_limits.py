"""A server gets eight handshakes at a time, and a busy one is asked again for a while."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from tui.remote.limits import HANDSHAKES, Busy, handshake_slot, retried


def test_no_more_than_eight_handshakes_at_a_time() -> None:
    inside, lock, most = 0, threading.Lock(), 0
    full = threading.Barrier(HANDSHAKES)

    def shake() -> None:
        nonlocal inside, most
        with handshake_slot("limits.test", 22):
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(10)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=shake) for _ in range(HANDSHAKES * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == HANDSHAKES


def test_a_busy_server_is_asked_again_until_it_answers_or_time_is_up() -> None:
    attempts = []

    def attempt() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise Busy
        return len(attempts)

    assert retried(attempt, seconds=20) == 3

    def never() -> None:
        raise Busy

    with pytest.raises(Busy):
        retried(never, seconds=0.1)


def test_naming_the_way_to_a_host_loads_no_ssh_library() -> None:
    code = (
        "import sys, tui.remote.connect, tui.remote.access, tui.remote.redaction, tui.remote.secrets_input\n"
        "assert not {'paramiko', 'keyring', 'cryptography', 'textual', 'tomlkit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
