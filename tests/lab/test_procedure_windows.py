"""The whole procedure on clusters that mix Linux and Windows hosts, with the real detached runner, WinRM and SSH."""

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
from tui.health.model import ClusterStatus, Verdict
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_SSH, WINDOWS_UNSIGNED
from tui.lab.windows.host import WindowsLabHost
from tui.lab.windows.scripts import run_script
from tui.lab.windows.wsman_calls import Call
from tui.runbook.cluster_operations import ClusterOperations
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
    kinds = {"fir": WINDOWS_UNSIGNED, "oak": WINDOWS_SSH}
    with cluster(tmp_path, monkeypatch, furnishings=kinds) as box:
        yield box


def healthy(box: JumpBox, status: ClusterStatus, begun: float) -> None:
    """A cluster that is whole, also in the tenant's own view."""
    assert status.verdict is Verdict.HEALTHY
    assert [host.drift for host in status.hosts] == [(), (), ()]
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert box.lab.tenant.accepted() == {"fir": 1, "oak": 1, "elm": 1}
    assert box.lab.tenant.published == box.lab.set.thumbprint


def test_a_linux_connector_becomes_a_cluster_with_a_windows_host_which_is_given_back_to_the_byte_and_acl(
    linux_first: JumpBox,
) -> None:
    box, begun = linux_first, time.time()
    elm = box.lab.windows["elm"]
    elm.tree.set_acl(f"{elm.install_dir}\\lib\\profileMapper.js", "O:BAG:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)")
    before, first_before = windows_tree_of(elm), tree_of(box.lab.hosts["fir"])
    with box.operations() as operations:
        run = operations.start_run()
        view = finished(operations, run)
        assert view.state is RunState.DONE, errors_of(view)
        assert {host.name: host.verdict for host in view.hosts} == dict.fromkeys(("fir", "oak", "elm"), "healthy")
        healthy(box, operations.status(), begun)
        for path in ("certs/cert.key", "certs/cert.pem", "lib/profileMapper.js"):
            assert elm.tree.read(f"{elm.install_dir}\\{path}") == box.lab.set.files[path]
        assert not [path for path in windows_tree_of(elm) if "adldap-ha" in path]
        finds_everything_done(operations, elm)
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert windows_tree_of(elm) == before
    assert tree_of(box.lab.hosts["fir"]) == first_before
    assert box.lab.tenant.accepted() == {"fir": 1}
    assert box.lab.tenant.hub.always_connected("fir", begun)
    assert leaks(box.lab.canaries(), box.home) == []


def finds_everything_done(operations: ClusterOperations, elm: WindowsLabHost) -> None:
    """A second run neither writes nor restarts anything on a Windows host."""
    tree, pid = windows_tree_of(elm), elm.services.service(elm.connector_unit).pid
    again = finished(operations, operations.start_run(["elm"]))
    assert again.verdict == "healthy", errors_of(again)
    for step in ("stop-services", "place-certificates", "place-profile-mapper", "commit-config", "start-connector"):
        assert step_of(again, f"elm/{step}").state is StepState.ALREADY, step
    assert windows_tree_of(elm) == tree
    assert elm.services.service(elm.connector_unit).pid == pid


def heard(patch: pytest.MonkeyPatch) -> list[str]:
    """What every Windows host is sent from now on and could log: the scripts, and those arguments that are no secrets."""
    texts: list[str] = []

    def run(host: WindowsLabHost, call: Call) -> str:
        texts.append(call.script)
        texts.extend(str(value) for name, value in call.parameters.items() if name not in call.secrets)
        return run_script(host, call)

    patch.setattr("tui.lab.windows.host.run_script", run)
    return texts


def test_a_windows_connector_becomes_a_cluster_with_windows_and_linux_hosts(
    windows_first: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, begun = windows_first, time.time()
    sent = heard(monkeypatch)
    fir = box.lab.windows["fir"]
    first_before = windows_tree_of(fir)
    with box.operations() as operations:
        view = finished(operations, operations.start_run())
        assert view.state is RunState.DONE, errors_of(view)
        healthy(box, operations.status(), begun)
    assert windows_tree_of(fir) == first_before
    elm = Path(box.lab.hosts["elm"].install_dir)
    assert (elm / "certs/cert.key").read_bytes() == box.lab.set.files["certs/cert.key"]
    assert (elm / "certs/cert.key").stat().st_mode & 0o777 == 0o600
    assert "FIREWALL_RULE_CREATED" not in json.loads((elm / "config.json").read_bytes())
    assert leaks(box.lab.canaries(), box.home) == []
    assert any("Get-CimInstance" in text for text in sent)
    assert [canary for canary in box.lab.canaries() for text in sent if canary in text] == []
