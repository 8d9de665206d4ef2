"""A path of the first host that is another one on a Windows host: proposed, decided, put in place, and held to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.held_run import errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box
from tui.connector.config_keys import with_values
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_UNSIGNED
from tui.runbook.model import RunState

OF_FIRST = "/etc/ssl/certs"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with (
        Lab(tmp_path / "lab", speed=20, furnishings={"elm": WINDOWS_UNSIGNED}) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        config = Path(lab.hosts["fir"].install_dir) / "config.json"
        config.write_bytes(with_values(config.read_bytes(), {"SSL_CA_PATH": OF_FIRST}))
        yield made


def on_elm(box: JumpBox) -> dict[str, Any]:
    elm = box.lab.windows["elm"]
    read: dict[str, Any] = json.loads(elm.tree.read(f"{elm.install_dir}\\config.json"))
    return read


def test_a_decision_is_asked_for_carried_out_and_counts_as_drift_from_then_on(box: JumpBox) -> None:
    with box.operations() as operations:
        operations.survey_first()
        survey = operations.survey_additional("elm")
        assert [(each.key, each.first, each.chosen) for each in survey.proposals] == [("SSL_CA_PATH", OF_FIRST, None)]
        assert [finding.id for finding in survey.findings].count("site-path") == 1
        assert operations.survey_additional("oak").proposals == ()
        told = [finding.summary for finding in operations.preview(["elm"]).findings if finding.id == "site-path"]
        assert [summary.split(" names ")[0] for summary in told] == ["elm: SSL_CA_PATH"]

        operations.set_site_keys("elm", {"SSL_CA_PATH": survey.proposals[0].proposal})
        decided = operations.survey_additional("elm")
        assert "site-path" not in [finding.id for finding in decided.findings]
        assert next(key.there for key in decided.keys if key.key == "SSL_CA_PATH") == ""
        view = finished(operations, operations.start_run(["elm"]))
        assert view.state is RunState.DONE, errors_of(view)
        assert on_elm(box)["SSL_CA_PATH"] == ""

        operations.set_site_keys("elm", {"SSL_CA_PATH": "D:\\ca"})
        elm = operations.host_status("elm")
        assert elm.verdict is Verdict.DEGRADED
        assert [difference.key for difference in elm.drift] == ["SSL_CA_PATH"]
        view = finished(operations, operations.start_run(["elm"]))
        assert view.state is RunState.DONE, errors_of(view)
        assert on_elm(box)["SSL_CA_PATH"] == "D:\\ca"
        assert operations.host_status("elm").drift == ()
