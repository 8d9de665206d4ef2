"""How many handshakes a server gets at a time, and how a busy one is tried again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

HANDSHAKES = 8
"""Handshakes at a time per server: sshd's default starts to refuse at ten."""

_slots: dict[tuple[str, int], threading.BoundedSemaphore] = {}
_slots_lock = threading.Lock()

Result = TypeVar("Result")


class Busy(Exception):
    """The server ended the connection before the handshake, as a busy sshd does."""


@contextmanager
def handshake_slot(address: str, port: int) -> Iterator[None]:
    """Hold one of the places for handshakes with a server; waits for a free one."""
    with _slots_lock:
        slot = _slots.setdefault((address, port), threading.BoundedSemaphore(HANDSHAKES))
    with slot:
        yield


def retried(attempt: Callable[[], Result], *, seconds: float) -> Result:
    """What `attempt` returns, trying again while it raises Busy, with growing random pauses; the last Busy after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = 0.2
    while True:
        try:
            return attempt()
        except Busy:
            wait = random.uniform(pause / 2, pause * 1.5)
            if time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
            pause = min(pause * 2, 4.0)
