"""What the tests of connector knowledge share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.connector.local_session import LocalSession


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    """A session on this machine with no units."""
    return LocalSession(tmp_path / "session")
