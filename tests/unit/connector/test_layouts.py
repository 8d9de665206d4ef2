"""An install is recognised by its own files."""

from __future__ import annotations

import pytest

from tui.connector.layouts import layout_findings, recognise, set_paths
from tui.connector.model import Layout
from tui.findings import Severity


@pytest.mark.parametrize(
    ("paths", "layout"),
    [
        (["lib/initConf.js"], Layout.V6),
        (["connector-setup/index.js", "config.json", "certs"], Layout.V6),
        (["lib/secureStorage.js", "data/config.json"], Layout.V7),
        (["setup/migrateData.js"], Layout.V7),
        (["lib/secureStorage.js", "config.json"], Layout.HALF_MIGRATED),
        (["lib/secureStorage.js", "certs/cert.pem"], Layout.HALF_MIGRATED),
        (["lib/secureStorage.js", "lib/initConf.js"], Layout.HALF_MIGRATED),
        (["server.js", "config.json"], Layout.UNKNOWN),
        ([], Layout.UNKNOWN),
    ],
)
def test_layouts(paths: list[str], layout: Layout) -> None:
    assert recognise(paths) is layout


@pytest.mark.parametrize("layout", [Layout.V7, Layout.HALF_MIGRATED, Layout.UNKNOWN])
def test_everything_but_v6_is_refused_with_a_remedy(layout: Layout) -> None:
    (finding,) = layout_findings(layout)
    assert finding.severity is Severity.BLOCKER
    assert finding.remedy


def test_paths() -> None:
    assert layout_findings(Layout.V6) == []
    assert set_paths(Layout.V6).key == "certs/cert.key"
    assert set_paths(Layout.V7).certificate == "data/certs/cert.pem"
