"""How the tests are spread over workers: booted hosts cost much, so their tests share one worker, and begin first."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Ctrl-C reaches what the tests start, also where they were themselves begun in a shell's background, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the tests on booted hosts (`--dist loadgroup`) and put them first, so that nobody waits for them at the end."""
    for item in items:
        if "booted_hosts" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("booted hosts"))
    items.sort(key=lambda item: "booted_hosts" not in getattr(item, "fixturenames", ()))
