"""A changed set, tried on one instance and then rolled over the others, on three embedded hosts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import killed_act
from tests.lab.jump_box import JumpBox, finished, jump_box, step_of
from tui.connector.errors import ConfigError
from tui.lab.lab import Lab
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.model import RunState, RunView, StepState
from tui.runbook.order import Wanted

NAMES = ("fir", "oak", "elm")
NEW_MAPPER = "// changed everywhere\r\nmodule.exports = function (raw) { return { id: raw.objectGUID }; };\r\n"


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A cluster of three that is in service."""
    with Lab(tmp_path / "lab", configured=NAMES, speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@pytest.fixture
def operations(box: JumpBox) -> Iterator[ClusterOperations]:
    """With the vault open."""
    with box.operations() as made:
        made.unlock_identity(box.lab.vault_passphrase)
        yield made


def errors(view: RunView) -> list[tuple[str, ...]]:
    return [step.error for step in view.steps if step.error]


def read(box: JumpBox, host: str, relative: str) -> bytes:
    return (Path(box.lab.hosts[host].install_dir) / relative).read_bytes()


def values_of(box: JumpBox, host: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(read(box, host, "config.json"))
    return loaded


def test_a_change_is_rolled_over_every_instance_one_at_a_time_and_undone_to_the_byte(
    box: JumpBox, operations: ClusterOperations
) -> None:
    mappers, since = {name: read(box, name, "lib/profileMapper.js") for name in NAMES}, time.time()
    wanted = operations.acts.wanted_change(NEW_MAPPER, {"PORT": "4100", "SITE_NAME": "Ålesund"})
    assert wanted.values == {"PORT": 4100, "SITE_NAME": "Ålesund"}
    shown = [
        change.subject for step in operations.acts.preview("change", wanted=wanted).steps for change in step.changes
    ]
    assert {"PORT in config.json", "SITE_NAME in config.json", "lib/profileMapper.js"} <= set(shown)
    run = operations.acts.start("change", wanted=wanted)
    view = finished(operations, run)
    assert view.state is RunState.DONE, errors(view)
    assert (view.act, view.verdict) == ("change", "healthy")
    for name in NAMES:
        assert read(box, name, "lib/profileMapper.js") == NEW_MAPPER.encode()
        assert (values_of(box, name)["PORT"], values_of(box, name)["SITE_NAME"]) == (4100, "Ålesund")
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1
    begun = [step.planned.host for step in sorted(view.steps, key=lambda step: step.started or view.started)]
    assert list(dict.fromkeys(host for host in begun if host))[-1] in NAMES
    stops = [step.planned.host for step in view.steps if step.planned.name == "stop-services"]
    assert stops == ["oak", "elm", "fir"]
    operations.resume_run(run, undo=True)
    assert finished(operations, run).state is RunState.ROLLED_BACK
    assert {name: read(box, name, "lib/profileMapper.js") for name in NAMES} == mappers
    assert all(values_of(box, name)["PORT"] == 4000 for name in NAMES)
    assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 60)


def test_what_does_not_work_on_the_first_that_tries_it_reaches_no_other(
    box: JumpBox, operations: ClusterOperations
) -> None:
    since, url = time.time(), values_of(box, "oak")["LDAP_URL"]
    wanted = operations.acts.wanted_change(None, {"LDAP_URL": f"ldap://{box.lab.hosts['oak'].address}:1"})
    view = finished(operations, operations.acts.start("change", wanted=wanted))
    assert view.state is RunState.ROLLED_BACK, errors(view)
    assert step_of(view, "elm/stop-services").state is StepState.PENDING
    assert {str(values_of(box, name)["LDAP_URL"]) for name in NAMES} == {url}
    assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 60)
    assert box.lab.tenant.hub.least_connected(since) == len(NAMES) - 1


def test_what_a_site_has_chosen_for_itself_stays(box: JumpBox, operations: ClusterOperations) -> None:
    """elm names the directory by another URL than the others do, and nobody has written that into the cluster file."""
    own = f"{box.lab.directory.url}/"
    path = Path(box.lab.hosts["elm"].install_dir) / "config.json"
    path.write_text(json.dumps({**values_of(box, "elm"), "LDAP_URL": own}, indent=2))
    view = finished(operations, operations.acts.start("change", wanted=Wanted(values={"SITE_NAME": "North"})))
    assert view.state is RunState.DONE, errors(view)
    assert values_of(box, "elm")["LDAP_URL"] == own
    assert values_of(box, "fir")["LDAP_URL"] == values_of(box, "oak")["LDAP_URL"] != own
    assert {values_of(box, name)["SITE_NAME"] for name in NAMES} == {"North"}


@pytest.mark.parametrize("key", ["LDAP_BIND_CREDENTIALS", "CONNECTION", "LAST_SENT_THUMBPRINT", "PROVISIONING_TICKET"])
def test_secrets_and_what_the_tenant_says_are_not_changed(operations: ClusterOperations, key: str) -> None:
    with pytest.raises(ConfigError, match="cannot be changed everywhere"):
        operations.acts.wanted_change(None, {key: "other"})


def test_a_killed_runner_goes_on_with_the_same_change(
    box: JumpBox, operations: ClusterOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies while one instance has no configuration; the resumed run is told nothing of what was to be changed."""
    wanted = Wanted(profile_mapper=NEW_MAPPER, values={"PORT": 4100})
    run = killed_act(operations, monkeypatch, "change", "elm/park-config", wanted=wanted)
    operations.resume_run(run)
    view = finished(operations, run)
    assert view.state is RunState.DONE, errors(view)
    assert {values_of(box, name)["PORT"] for name in NAMES} == {4100}
    assert {read(box, name, "lib/profileMapper.js") for name in NAMES} == {NEW_MAPPER.encode()}
