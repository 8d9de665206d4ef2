"""The gates hold at the very start of a connector, whatever has happened since they were first passed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of, until
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.lab.standin.certificates import generate_pair
from tui.runbook.model import RunState, StepState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def test_a_certificate_published_after_the_gate_is_not_overwritten(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    oak, newer = box.lab.hosts["oak"], "ab" * 20
    before = tree_of(oak)
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/commit-config")
        box.lab.tenant.know(newer)
        held.go_on()
        view = finished(operations, held.run)
    assert step_of(view, "oak/compare-thumbprint").state is StepState.UNDONE
    assert any("so it was not started" in line for line in step_of(view, "oak/start-connector").error), errors_of(view)
    assert box.lab.tenant.published == newer
    assert view.state is RunState.ROLLED_BACK
    assert tree_of(oak) == before


def test_a_pair_in_a_hosts_own_config_is_replaced_before_it_is_started(box: JumpBox) -> None:
    oak, fir = box.lab.hosts["oak"], box.lab.hosts["fir"]
    here, there = Path(oak.install_dir), Path(fir.install_dir)
    values = json.loads((there / "config.json").read_text())
    certificate, key = generate_pair("foreign")
    own = {"AUTH_CERT": certificate.decode(), "AUTH_CERT_KEY": key.decode(), "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
    (here / "config.json").write_text(json.dumps(values | own))
    shutil.copytree(there / "certs", here / "certs", dirs_exist_ok=True)
    shutil.copy(there / "lib/profileMapper.js", here / "lib/profileMapper.js")
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
    assert view.state is RunState.DONE, errors_of(view)
    assert step_of(view, "oak/commit-config").state is StepState.DONE
    assert not own.keys() & json.loads((here / "config.json").read_text()).keys()
    assert box.lab.tenant.published == box.lab.set.thumbprint
    until(lambda: box.lab.tenant.accepted() == {"fir": 1, "oak": 1})


def test_a_first_host_that_dropped_meanwhile_is_told(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/commit-config")
        box.lab.fault("hub_down")
        until(lambda: not box.lab.tenant.accepted().get("fir"))
        box.lab.fault("hub_down", on=False)
        until(lambda: box.lab.tenant.accepted().get("fir") == 1)
        held.go_on()
        view = finished(operations, held.run)
    seen = step_of(view, "oak/first-host-undisturbed")
    assert view.state is RunState.DONE, errors_of(view)
    assert "not all the time" in seen.detail
    assert any("connection was lost" in line for line in seen.evidence)


def test_a_connector_that_must_stay_stopped_and_would_start_at_the_next_boot_is_told(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    oak, fir = box.lab.hosts["oak"], box.lab.hosts["fir"]
    here, there = Path(oak.install_dir), Path(fir.install_dir)
    certificate, key = generate_pair("of old")
    (here / "certs").mkdir(exist_ok=True)
    (here / "certs/cert.pem").write_bytes(certificate)
    (here / "certs/cert.key").write_bytes(key)
    shutil.copy(there / "config.json", here / "config.json")
    let_it_run_and_do_nothing(oak)
    before = tree_of(oak)
    with box.operations() as operations:
        held = Held(operations, monkeypatch, tmp_path, "oak/commit-config")
        operations.control(held.run, "abort")
        held.go_on()
        view = finished(operations, held.run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert tree_of(oak) == before
    assert oak.services.unit(oak.connector_unit).active != "active"
    assert box.lab.tenant.published == box.lab.set.thumbprint
    told = next(host.detail for host in view.hosts if host.name == "oak")
    assert told == (
        f"blocker: {oak.connector_unit} starts at the next boot; run `systemctl disable {oak.connector_unit}` now"
    )


def let_it_run_and_do_nothing(host: LabHost) -> None:
    """Give a host a connector whose process lives, as one does that waits for a directory or a proxy for ever."""
    unit = host.root / "lib/systemd/system" / host.connector_unit
    text = unit.read_text()
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    command = start.removeprefix("ExecStart=")
    unit.write_text(text.replace(start, f'ExecStart=/bin/sh -c "[ -e idle ] && exec sleep 600; exec {command}"'))
    (Path(host.install_dir) / "idle").touch()
    host.services.reload()
    host.services.reset_failed(host.connector_unit)
    host.services.start(host.connector_unit)
    until(lambda: host.services.unit(host.connector_unit).active == "active")
