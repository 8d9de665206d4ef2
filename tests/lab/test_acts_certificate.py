"""A new certificate for the whole cluster: the tenant learns it once, every instance follows, and undo gives the old one back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import leaks
from tests.lab.held_run import killed_act
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of, until
from tui.connector.bind_password import decrypts
from tui.connector.config_keys import CREDENTIALS, read_config
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.lab.standin.certificates import decrypt_password, thumbprint
from tui.runbook.model import RunState, RunView, StepState

NAMES = ("fir", "oak", "elm")
SET = ("certs/cert.pem", "certs/cert.key", "lib/profileMapper.js")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three that is in service."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


def read(host: LabHost, path: str) -> bytes:
    return (Path(host.install_dir) / path).read_bytes()


def errors(view: RunView) -> list[tuple[str, ...]]:
    return [step.error for step in view.steps if step.error]


def files(box: JumpBox) -> dict[str, list[bytes]]:
    return {name: [read(box.lab.hosts[name], path) for path in SET] for name in NAMES}


def learned(box: JumpBox, since: float) -> list[str]:
    """The certificates that the tenant was taught since then, repetitions left out."""
    found = [posting.thumbprint for posting in box.lab.tenant.postings if posting.at >= since]
    return list(dict.fromkeys(found))


def test_every_instance_is_accepted_with_a_certificate_that_the_tenant_learns_once(box: JumpBox) -> None:
    old, since = box.lab.tenant.published, time.time()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        plan = operations.acts.preview("renew")
        assert [finding.id for finding in plan.findings] == ["interrupts-logins"]
        view = finished(operations, operations.acts.start("renew"))
    assert view.state is RunState.DONE, errors(view)
    assert (view.act, view.verdict) == ("renew", "healthy")
    new = thumbprint(read(box.lab.hosts["fir"], "certs/cert.pem"))
    assert new != old
    assert learned(box, since) == [new]
    assert box.lab.tenant.published == new
    assert box.lab.tenant.accepted() == dict.fromkeys(NAMES, 1)
    for host in box.lab.hosts.values():
        key = read(host, "certs/cert.key")
        assert key.count(b"\n") == key.count(b"\r\n") > 10
        credentials = str(read_config(read(host, "config.json")).values[CREDENTIALS])
        assert decrypts(credentials, key)
        assert decrypt_password(credentials, key) == box.lab.bind_password
    assert len({thumbprint(read(host, "certs/cert.pem")) for host in box.lab.hosts.values()}) == 1
    line_of_key = read(box.lab.hosts["fir"], "certs/cert.key").split(b"\r\n")[12].decode()
    assert leaks([*box.lab.canaries(), line_of_key], box.home) == []


def test_undoing_it_gives_every_host_its_files_back_and_publishes_the_old_certificate(box: JumpBox) -> None:
    old, before = box.lab.tenant.published, files(box)
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        run = operations.acts.start("renew")
        assert finished(operations, run).state is RunState.DONE
        assert files(box) != before
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, errors(view)
    assert files(box) == before
    assert box.lab.tenant.published == old
    assert not [line for step in view.steps for line in step.evidence if "blocker" in line]
    assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 60)


@pytest.mark.parametrize("step", ["oak/park-config", "oak/published", "elm/commit-config"])
def test_a_killed_runner_is_resumed_with_the_very_same_pair(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    since = time.time()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        run = killed_act(operations, monkeypatch, "renew", step)
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.DONE, errors(view)
    assert len(learned(box, since)) == 1
    assert box.lab.tenant.accepted() == dict.fromkeys(NAMES, 1)


def test_a_publisher_that_dies_gives_the_cluster_its_old_certificate_back(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before = box.lab.tenant.published, files(box)
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        run = killed_act(operations, monkeypatch, "renew", "oak/start-connector")
        until(lambda: box.lab.tenant.published != old)
        box.lab.fault("clock", "oak")
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state in (RunState.ROLLED_BACK, RunState.INCONSISTENT), errors(view)
    assert step_of(view, "fir/way-back").state is StepState.UNDONE
    assert files(box) == before
    assert box.lab.tenant.published == old
    assert box.lab.tenant.hub.wait_for(lambda accepted: set(accepted) >= {"fir", "elm"}, 60)


def test_a_publisher_that_cannot_start_costs_the_others_a_restart_and_no_more(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before, since = box.lab.tenant.published, files(box), time.time()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        run = killed_act(operations, monkeypatch, "renew", "elm/stop-services")
        box.lab.fault("service_masked", "oak")
        operations.resume_run(run)
        view = finished(operations, run)
    assert view.state is RunState.INCONSISTENT, errors(view)
    assert files(box) == before
    assert box.lab.tenant.published == old
    assert set(learned(box, since)) <= {old}
    assert box.lab.tenant.hub.wait_for(lambda accepted: set(accepted) == {"fir", "elm"}, 60)


def test_an_instance_that_cannot_come_back_is_told_before_anything_is_stopped(box: JumpBox) -> None:
    box.lab.fault("service_masked", "elm")
    since = time.time()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        view = finished(operations, operations.acts.start("renew"))
    assert view.state is not RunState.DONE
    assert step_of(view, "elm/inspect").error
    assert step_of(view, "oak/stop-services").state is StepState.PENDING
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES)
