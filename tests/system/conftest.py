"""Booted hosts for system tests, or one line that says why there are none."""

from __future__ import annotations

import pytest

from tests.system.hosts import why_unavailable


@pytest.fixture(scope="session")
def booted_hosts() -> None:
    """Ask for this in every test that boots hosts: it skips the test where that is impossible."""
    reason = why_unavailable()
    if reason is not None:
        pytest.skip(f"no booted hosts: {reason}")
