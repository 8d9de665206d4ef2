"""The whole procedure on clusters that mix Linux and Windows hosts, with the real detached runner and real WinRM."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import leaks
from tests.lab.held_run import errors_of
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, tree_of
from tests.lab.windows.installs import windows_tree_of
from tui.health.model import Verdict
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_UNSIGNED, WINDOWS_WINRM
from tui.runbook.model import RunState, StepState

SPEED = 20


@contextmanager
def cluster(tmp_path: Path, patch: pytest.MonkeyPatch, **arguments: Any) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", speed=SPEED, **arguments) as lab, jump_box(lab, patch) as box:
        yield box


@pytest.fixture
def linux_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with cluster(tmp_path, monkeypatch, furnishings={"elm": WINDOWS_UNSIGNED}) as box:
        yield box


@pytest.fixture
def windows_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    kinds = {"fir": WINDOWS_UNSIGNED, "oak": WINDOWS_WINRM}
    with cluster(tmp_path, monkeypatch, furnishings=kinds) as box:
        yield box


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with cluster(tmp_path, monkeypatch, names=("fir", "elm"), furnishings={"elm": WINDOWS_WINRM}) as box:
        yield box


def healthy(box: JumpBox, begun: float) -> None:
    """The tenant's own view of a cluster that is whole."""
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}
    assert box.lab.tenant.published == box.lab.set.thumbprint


def test_a_linux_connector_becomes_a_cluster_with_a_windows_host(linux_first: JumpBox) -> None:
    box, begun = linux_first, time.time()
    first_before = tree_of(box.lab.hosts["fir"])
    elm = box.lab.windows["elm"]
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
        assert view.state is RunState.DONE, errors_of(view)
        status = operations.status()
    assert {host.name: host.verdict for host in view.hosts} == dict.fromkeys(("fir", "oak", "elm"), "healthy")
    assert status.verdict is Verdict.HEALTHY
    assert [host.drift for host in status.hosts] == [(), (), ()]
    healthy(box, begun)
    assert tree_of(box.lab.hosts["fir"]) == first_before
    for path in ("certs/cert.key", "certs/cert.pem", "lib/profileMapper.js"):
        assert elm.tree.read(f"{elm.install_dir}\\{path}") == box.lab.set.files[path]
    assert not [path for path in windows_tree_of(elm) if "adldap-ha" in path]
    assert leaks(box.lab.canaries(), box.home) == []


def test_a_windows_connector_becomes_a_cluster_with_windows_and_linux_hosts(windows_first: JumpBox) -> None:
    box, begun = windows_first, time.time()
    fir = box.lab.windows["fir"]
    first_before = windows_tree_of(fir)
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
        assert view.state is RunState.DONE, errors_of(view)
        status = operations.status()
    assert status.verdict is Verdict.HEALTHY
    assert [host.drift for host in status.hosts] == [(), (), ()]
    healthy(box, begun)
    assert windows_tree_of(fir) == first_before
    elm = Path(box.lab.hosts["elm"].install_dir)
    assert (elm / "certs/cert.key").read_bytes() == box.lab.set.files["certs/cert.key"]
    assert (elm / "certs/cert.key").stat().st_mode & 0o777 == 0o600
    assert "FIREWALL_RULE_CREATED" not in json.loads((elm / "config.json").read_bytes())
    assert leaks(box.lab.canaries(), box.home) == []


def test_a_second_run_changes_nothing_on_a_windows_host(small: JumpBox) -> None:
    elm = small.lab.windows["elm"]
    with small.operations() as operations:
        view = finished(operations, operations.start_run())
        assert view.state is RunState.DONE, errors_of(view)
        before, pid = windows_tree_of(elm), elm.services.service(elm.connector_unit).pid
        again = finished(operations, operations.start_run())
    assert again.verdict == "healthy", errors_of(again)
    for step in ("stop-services", "place-certificates", "place-profile-mapper", "commit-config", "start-connector"):
        assert step_of(again, f"elm/{step}").state is StepState.ALREADY, step
    assert windows_tree_of(elm) == before
    assert elm.services.service(elm.connector_unit).pid == pid


def test_undoing_a_finished_run_gives_a_windows_host_back_to_the_byte_and_acl(small: JumpBox) -> None:
    elm = small.lab.windows["elm"]
    elm.tree.set_acl(f"{elm.install_dir}\\lib\\profileMapper.js", "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)")
    before = windows_tree_of(elm)
    with small.operations() as operations:
        run = operations.start_run()
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors_of(view)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert windows_tree_of(elm) == before
    assert small.lab.tenant.accepted() == {"fir": 1}
