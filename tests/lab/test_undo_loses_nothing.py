"""An undo that cannot give back what was there leaves the host as good as it found it, and destroys nothing that came later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import errors_of, killed_at
from tests.lab.jump_box import JumpBox, finished, jump_box, tree_of
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.lab.standin.certificates import generate_pair
from tui.runbook.model import RunState, RunView


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def spoil_backup(box: JumpBox) -> None:
    """Flip one byte of what the vault keeps of oak."""
    for path in (box.home / "data").rglob("*oak-before*.age"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)


def old_pair(oak: LabHost) -> Path:
    """A certs folder with a pair that the tenant does not know."""
    certs = Path(oak.install_dir) / "certs"
    certs.mkdir(exist_ok=True)
    certificate, key = generate_pair("oak")
    (certs / "cert.pem").write_bytes(certificate)
    (certs / "cert.key").write_bytes(key)
    return certs


def said(view: RunView) -> str:
    return "\n".join(line for _, lines in errors_of(view) for line in lines)


@pytest.mark.parametrize("pair", [True, False], ids=["an old pair", "an empty certs folder"])
def test_without_its_backup_no_configuration_stays_above_certificates_of_another_set(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, pair: bool
) -> None:
    oak = box.lab.hosts["oak"]
    certs = old_pair(oak) if pair else Path(oak.install_dir) / "certs"
    certs.mkdir(exist_ok=True)
    had = {path.name: path.read_bytes() for path in certs.iterdir()}
    with box.operations() as operations:
        run = killed_at(operations, monkeypatch, "oak/commit-config")
        spoil_backup(box)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT
    assert not (Path(oak.install_dir) / "config.json").exists()
    assert {path.name: path.read_bytes() for path in certs.iterdir()} == had
    oak.services.reset_failed(oak.connector_unit)
    oak.services.start(oak.connector_unit)
    oak.services.wait(oak.connector_unit, lambda unit: unit.active == "failed", timeout=30)
    assert box.lab.tenant.published == box.lab.set.thumbprint
    assert box.lab.tenant.accepted() == {"fir": 1}


def test_an_instance_in_service_stays_so_when_its_backup_cannot_be_read(box: JumpBox) -> None:
    oak = box.lab.hosts["oak"]
    with box.operations() as operations:
        run = operations.start_run()
        assert finished(operations, run).state is RunState.DONE
        serving, pid = tree_of(oak), oak.services.unit(oak.connector_unit).pid
        spoil_backup(box)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT
    assert "left in service" in said(view)
    assert (tree_of(oak), oak.services.unit(oak.connector_unit).pid) == (serving, pid)
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1}


def test_what_somebody_has_made_of_a_host_since_is_not_destroyed(box: JumpBox) -> None:
    oak = box.lab.hosts["oak"]
    root = Path(oak.install_dir)
    with box.operations() as operations:
        run = operations.start_run()
        assert finished(operations, run).state is RunState.DONE
        oak.services.stop(oak.connector_unit)
        config = json.loads((root / "config.json").read_text())
        config["PROVISIONING_TICKET"] = "https://other.example/p/ad/zzz"
        (root / "config.json").write_text(json.dumps(config))
        old_pair(oak)
        (root / "certs" / "mine.pem").write_text("the only copy\n")
        theirs = tree_of(oak)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT
    assert "somebody has changed this host" in said(view)
    assert "mine.pem" in said(view)
    assert tree_of(oak) == theirs
