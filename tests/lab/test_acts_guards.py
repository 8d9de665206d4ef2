"""What a restart and a drill do when something goes wrong at the worst moment, on one lab of three instances."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.held_run import Held, errors_of, killed_act
from tests.lab.jump_box import JumpBox, Tree, finished, jump_box, question_of, step_of, tree_of, until
from tui.connector.host_state import LOCK_FILE
from tui.errors import OperatorError
from tui.headless_acts import promotion_lines
from tui.lab.lab import Lab
from tui.runbook.model import RunState, StepState
from tui.runbook.order import Wanted

NAMES = ("fir", "oak", "elm")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JumpBox]:
    """A cluster of three that is in service, shared by these tests: each leaves it as it was."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Lab(tmp_path_factory.mktemp("lab"), configured=NAMES, speed=20) as lab,
        jump_box(lab, patch) as made,
    ):
        yield made


@pytest.fixture(autouse=True)
def all_serve(box: JumpBox) -> None:
    """Each test begins with three accepted instances."""
    assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 20)


def lock_file(box: JumpBox, host: str) -> Path:
    return Path(box.lab.hosts[host].install_dir) / LOCK_FILE


def runs(box: JumpBox, host: str) -> bool:
    found = box.lab.hosts[host]
    return bool(found.services.unit(found.connector_unit).pid)


def without_config(tree: Tree) -> Tree:
    """The connector rewrites config.json at every start."""
    return {path: entry for path, entry in tree.items() if path != "config.json"}


def test_undoing_a_restart_that_has_ended_leaves_the_instance_in_service(box: JumpBox) -> None:
    with box.operations() as operations:
        run = operations.acts.start("restart", ["oak"])
        assert finished(operations, run).state is RunState.DONE
        operations.resume_run(run, undo=True)
        view = finished(operations, run)
    assert view.state is RunState.ROLLED_BACK, [step.error for step in view.steps if step.error]
    assert runs(box, "oak")
    assert not lock_file(box, "oak").exists()


def test_a_drained_instance_is_back_before_anybody_has_answered_that_the_others_dropped(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with box.operations(unattended=False) as operations:
        held = Held(
            operations, monkeypatch, tmp_path, "oak/others-stay", start=lambda: operations.acts.start("drill", ["oak"])
        )
        assert not runs(box, "oak")
        box.lab.fault("hub_down")
        held.go_on()
        question = question_of(operations, held.run)
        assert runs(box, "oak")
        assert "started again" in " ".join(question.text)
        box.lab.fault("hub_down", on=False)
        assert box.lab.tenant.hub.wait_for(lambda accepted: accepted == dict.fromkeys(NAMES, 1), 60)
        operations.answer(held.run, question.id, "retry")
        view = finished(operations, held.run)
    assert view.state is RunState.DONE, [step.error for step in view.steps if step.error]
    assert step_of(view, "oak/others-stay").state is StepState.DONE
    assert not box.lab.tenant.hub.always_connected("oak", view.started.timestamp())


def test_no_instance_leaves_service_in_a_rolling_restart_while_somebody_else_has_taken_another(box: JumpBox) -> None:
    text = json.dumps({"run": "20260101T000000Z-aaaa", "holder": "bob@elsewhere", "since": "2026-01-01T00:00:00+00:00"})
    lock_file(box, "elm").write_text(text)
    try:
        with box.operations() as operations:
            view = finished(operations, operations.acts.start("restart"))
    finally:
        lock_file(box, "elm").unlink()
    assert view.state is not RunState.DONE
    error = " ".join(step_of(view, "oak/others-serve").error)
    assert "elm" in error
    assert "20260101T000000Z-aaaa" in error
    assert step_of(view, "oak/drain").state is StepState.PENDING
    assert not lock_file(box, "oak").exists()


def test_a_change_takes_no_second_instance_out_of_service(box: JumpBox) -> None:
    elm = box.lab.hosts["elm"]
    elm.services.stop(elm.connector_unit)
    try:
        with box.operations() as operations:
            operations.unlock_identity(box.lab.vault_passphrase)
            view = finished(operations, operations.acts.start("change", wanted=Wanted(values={"SITE_NAME": "North"})))
    finally:
        elm.services.start(elm.connector_unit)
    assert "another one is out of service" in step_of(view, "oak/others-serve").error[0]
    assert step_of(view, "oak/stop-services").state is StepState.PENDING
    assert not lock_file(box, "oak").exists()


def test_a_certificate_is_not_renewed_by_an_instance_that_is_not_connected(box: JumpBox) -> None:
    oak, since = box.lab.hosts["oak"], time.time()
    oak.services.stop(oak.connector_unit)
    try:
        with box.operations() as operations:
            operations.unlock_identity(box.lab.vault_passphrase)
            view = finished(operations, operations.acts.start("renew"))
    finally:
        oak.services.start(oak.connector_unit)
    assert "is not connected now" in step_of(view, "oak/inspect").error[0]
    assert step_of(view, "fir/stop-services").state is StepState.PENDING
    assert box.lab.tenant.hub.always_connected("fir", since)


def test_a_run_that_has_put_the_set_in_place_is_finished_although_another_instance_has_gone_since(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapper = Path(box.lab.hosts["oak"].install_dir) / "lib/profileMapper.js"
    good = mapper.read_bytes()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        wanted = Wanted(backup=operations.back_up_first().id)
        mapper.write_bytes(b"module.exports = function () { return {}; };\n")
        run = killed_act(operations, monkeypatch, "restore", "oak/connected", hosts=["oak"], wanted=wanted)
        for name in ("fir", "elm"):
            box.lab.hosts[name].services.stop(box.lab.hosts[name].connector_unit)
        try:
            operations.resume_run(run)
            view = finished(operations, run)
        finally:
            for name in ("fir", "elm"):
                box.lab.hosts[name].services.start(box.lab.hosts[name].connector_unit)
    assert view.state is RunState.DONE, errors_of(view)
    assert mapper.read_bytes() == good


def test_what_failed_on_the_second_host_is_undone_to_the_byte_on_the_first(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first one has files of its own beside the pair, with rights of their own."""
    oak = box.lab.hosts["oak"]
    extra = Path(oak.install_dir) / "certs" / "of-this-host-only.pem"
    extra.write_bytes(b"kept\r\n")
    extra.chmod(0o604)
    before = {name: without_config(tree_of(box.lab.hosts[name])) for name in NAMES}
    wanted = Wanted(profile_mapper="// other\nmodule.exports = function () { return {}; };\n")
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        held = Held(
            operations,
            monkeypatch,
            tmp_path,
            "elm/start-connector",
            start=lambda: operations.acts.start("change", wanted=wanted),
        )
        box.lab.fault("service_masked", "elm")
        held.go_on()
        view = finished(operations, held.run)
        assert view.state in (RunState.FAILED, RunState.INCONSISTENT), errors_of(view)
        assert step_of(view, "fir/stop-services").state is StepState.PENDING
        assert not extra.exists()
        box.lab.fault("service_masked", "elm", on=False)
        operations.resume_run(held.run, undo=True)
        view = finished(operations, held.run)
    assert view.state is RunState.ROLLED_BACK, errors_of(view)
    assert {name: without_config(tree_of(box.lab.hosts[name])) for name in NAMES} == before
    extra.unlink()


def test_a_preview_tells_what_becomes_of_each_sites_own_keys_and_what_is_odd(box: JumpBox) -> None:
    elm = Path(box.lab.hosts["elm"].install_dir)
    config, mapper = (elm / "config.json").read_bytes(), (elm / "lib/profileMapper.js").read_bytes()
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        backup = operations.back_up_first()
        own = f"{box.lab.directory.url}/"
        (elm / "config.json").write_text(json.dumps({**json.loads(config), "LDAP_URL": own}, indent=2))
        (elm / "lib/profileMapper.js").write_bytes(mapper + b"// spoiled\n")
        try:
            plan = operations.acts.preview("restore", ["elm"], wanted=Wanted(backup=backup.id))
            changes = next(step for step in plan.steps if step.id == "elm/inspect").changes
            assert [(each.subject, each.before, each.after) for each in changes] == [
                ("LDAP_URL, which may differ by site", f'"{own}"', f'"{box.lab.directory.url}"')
            ]
            odd = operations.acts.wanted_change(None, {"LDAP_URL": "ldap://dc:636", "GROUP_X": "x"})
            plan = operations.acts.preview("change", wanted=odd)
        finally:
            (elm / "config.json").write_bytes(config)
            (elm / "lib/profileMapper.js").write_bytes(mapper)
    assert [finding.id for finding in plan.findings] == ["ldap-url-port"]
    told = [(each.action, each.subject, each.before, each.after) for each in plan.steps[0].changes]
    assert ("replace", "LDAP_URL in config.json", f'"{box.lab.directory.url}"', '"ldap://dc:636"') in told
    assert ("create", "GROUP_X in config.json", None, '"x"') in told


def test_a_backup_of_another_connection_reaches_no_host_not_even_a_broken_one(box: JumpBox) -> None:
    files = {name: Path(box.lab.hosts[name].install_dir) / "config.json" for name in NAMES}
    kept = {name: file.read_bytes() for name, file in files.items()}
    with box.operations() as operations:
        operations.unlock_identity(box.lab.vault_passphrase)
        backup = operations.back_up_first()
        try:
            for name in ("fir", "elm"):
                files[name].write_text(
                    json.dumps({**json.loads(kept[name]), "PROVISIONING_TICKET": f"{box.lab.tenant.ticket}x"})
                )
            files["oak"].write_bytes(b"{")
            view = finished(operations, operations.acts.start("restore", ["oak"], wanted=Wanted(backup=backup.id)))
        finally:
            for name, file in files.items():
                file.write_bytes(kept[name])
    assert "another connection than the one that fir serves" in step_of(view, "oak/inspect").error[0]
    assert step_of(view, "oak/lock").state is StepState.PENDING


def test_a_promotion_tells_what_it_cannot_write_down(box: JumpBox) -> None:
    config = Path(box.lab.hosts["fir"].install_dir) / "config.json"
    kept = config.read_bytes()
    proxy = {"HTTP_PROXY": "http://proxy:hush-hush@proxy:3128", "SSL_CA_FILE": "a\nb", "SSL_CA_PATH": "/ca"}
    config.write_text(json.dumps({**json.loads(kept), **proxy}))
    try:
        with box.operations() as operations:
            planned = operations.acts.promotion("oak")
    finally:
        config.write_bytes(kept)
    assert planned.site_keys == ("fir: SSL_CA_PATH",)
    assert [line.split(" ", 2)[:2] for line in planned.not_kept] == [["fir:", "HTTP_PROXY"], ["fir:", "SSL_CA_FILE"]]
    assert "hush-hush" not in " ".join(promotion_lines(planned))


def test_a_backup_that_is_published_goes_to_every_host(box: JumpBox) -> None:
    with box.operations() as operations, pytest.raises(OperatorError, match="fir, elm would be locked out"):
        operations.acts.start("republish", ["oak"], wanted=Wanted(backup="20260101T000000Z-fir-set-abcdef"))


def test_an_instance_that_lost_its_configuration_while_it_was_stopped_is_told_so(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = Path(box.lab.hosts["oak"].install_dir) / "config.json"
    kept, owner = config.read_bytes(), config.stat()
    with box.operations() as operations:
        held = Held(
            operations, monkeypatch, tmp_path, "oak/return", start=lambda: operations.acts.start("restart", ["oak"])
        )
        config.write_bytes(b"{}")
        held.go_on()
        view = finished(operations, held.run)
        assert view.state is RunState.INCONSISTENT
        assert "has no configuration" in step_of(view, "oak/drain").error[0]
        assert not runs(box, "oak")
        config.write_bytes(kept)
        assert (config.stat().st_uid, config.stat().st_mode) == (owner.st_uid, owner.st_mode)
        operations.resume_run(held.run, undo=True)
        assert finished(operations, held.run).state is RunState.ROLLED_BACK
    until(lambda: runs(box, "oak"))
