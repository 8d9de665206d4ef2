"""The whole procedure by command: applied, watched, left, returned to, reported and undone."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tests.lab.conftest import leaks
from tests.lab.jump_box import tree_of, until
from tui.lab.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One additional host: what a command does with several, the demo shows."""
    with Lab(tmp_path_factory.mktemp("lab"), names=("fir", "oak"), speed=20) as made:
        yield made


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


def trees(lab: Lab) -> dict[str, object]:
    """The additional host's install directory, to the byte."""
    return {"oak": tree_of(lab.hosts["oak"])}


def test_a_cluster_is_made_reported_and_unmade_without_a_terminal(operator: Operator) -> None:
    before, begun = trees(operator.lab), time.time()
    applied = operator.ask("apply", "lab", "--yes", "--json")
    assert applied.code == 0, applied.err
    document = applied.document
    assert (document["state"], document["verdict"]) == ("done", "healthy")
    assert {host["name"]: host["verdict"] for host in document["hosts"]} == dict.fromkeys(("fir", "oak"), "healthy")
    assert f"run {document['id']} has started" in applied.err
    assert "oak: Give the host back: done" in applied.err
    assert stat.S_IMODE(Path(document["report"]).stat().st_mode) == 0o600

    status = operator.ask("status", "lab", "--json")
    assert (status.code, status.document["verdict"]) == (0, "healthy")

    report = operator.run("report", "lab")
    assert report.code == 0
    assert report.out.startswith(f"# lab: run {document['id']}\n")
    told = operator.run("report", "lab", document["id"], "--json").document
    assert (told["id"], told["verdict"], len(told["backups"])) == (document["id"], "healthy", 2)
    assert told["chronicle"][-1]["what"] == "the run ended: done"
    unknown = operator.run("report", "lab", "nix", "--json")
    assert (unknown.code, document["id"] in unknown.document["error"]["remedy"]) == (1, True)

    ended = operator.ask("resume", "lab", "--json", "--run", document["id"])
    assert (ended.code, ended.document["error"]["summary"]) == (1, f"run {document['id']} has ended: done")
    unsure = operator.ask("resume", "lab", "--undo", "--json")
    assert (unsure.code, unsure.document["error"]["summary"]) == (1, "the undoing was not confirmed")
    undone = operator.ask("resume", "lab", "--undo", "--yes", "--json")
    assert (undone.code, undone.document["state"]) == (0, "rolled_back")
    assert trees(operator.lab) == before
    assert operator.lab.tenant.hub.always_connected("fir", begun)
    again = operator.ask("resume", "lab", "--undo", "--yes", "--json")
    assert (again.code, "has ended: rolled back" in again.document["error"]["summary"]) == (1, True)
    assert leaks(operator.lab.canaries(), operator.home) == []


def test_a_run_that_is_rolled_back_because_a_step_failed_is_exit_1(operator: Operator, fault: object) -> None:
    assert callable(fault)
    before = trees(operator.lab)
    fault("service_masked", "oak")
    result = operator.ask("apply", "lab", "--yes", "--json")
    assert result.code == 1
    assert "masked" in result.err
    assert trees(operator.lab) == before


def test_a_run_goes_on_without_its_terminal_and_is_returned_to(operator: Operator) -> None:
    lab = operator.lab
    operator.known_hosts.write_text("")
    before = trees(lab)
    with operator.terminal("apply", "lab") as terminal:
        _answer_everything(terminal, operator)
        terminal.expect("Type the cluster's name (lab) to begin:")
        terminal.enter("Lab")
        terminal.expect("the plan was not confirmed")
        assert terminal.ended() == 1
    assert trees(lab) == before
    assert len(operator.known_hosts.read_text().splitlines()) == 2

    with operator.terminal("apply", "lab", "--secrets", "-") as terminal:
        assert terminal.ended() == 1
    with operator.terminal("apply", "lab") as terminal:
        _answer_everything(terminal, operator, keys=False)
        terminal.expect("Type the cluster's name (lab) to begin:")
        terminal.enter("lab")
        terminal.expect("oak: Take the host: done")
        terminal.press(b"\x03")
        terminal.expect("adldap-ha resume lab")
        assert terminal.ended() == 130
    with operator.terminal() as wizard:
        wizard.expect("lab")
        os.kill(wizard.process.pid, signal.SIGHUP)
        wizard.ended(seconds=5)
    resumed = operator.run("resume", "lab", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.document["state"] == "done"
    assert "attached to run" in resumed.err
    assert not [canary for canary in lab.canaries() if canary in terminal.shown + wizard.shown]

    with operator.terminal("resume", "lab", "--undo") as terminal:
        terminal.expect("oak put back as before the run")
        terminal.expect("Type the cluster's name (lab) to undo the run:")
        terminal.enter("lab")
        _answer_everything(terminal, operator, keys=False, tenant=False, hosts=("oak",))
        terminal.expect("rolled back")
        assert terminal.ended() == 0
    assert trees(lab) == before


def test_a_run_whose_terminal_is_closed_goes_on(operator: Operator) -> None:
    with operator.terminal("apply", "lab", "--yes") as terminal:
        _answer_everything(terminal, operator, keys=False)
        terminal.expect("has started")
        terminal.hang_up()
        until(lambda: terminal.process.poll() is not None, seconds=20)
    resumed = operator.run("resume", "lab", "--json")
    if resumed.code == 1:
        resumed = operator.run("report", "lab", "--json")
    assert resumed.document["state"] == "done"
    assert operator.ask("resume", "lab", "--undo", "--yes").code == 0


def _answer_everything(
    terminal: object,
    operator: Operator,
    *,
    keys: bool = True,
    tenant: bool = True,
    hosts: tuple[str, ...] = ("fir", "oak"),
) -> None:
    """Type the client secret, the passphrase, `yes` for each host key, and each host's passwords."""
    from tests.lab.command_line import Terminal

    assert isinstance(terminal, Terminal)
    client_secret = operator.lab.tenant.settings.client_secret
    if tenant:
        terminal.expect("Client secret for")
        terminal.enter(client_secret)
    terminal.expect("Passphrase of the backup vault:")
    terminal.enter(operator.lab.vault_passphrase)
    for name in hosts:
        if keys:
            terminal.expect("Type yes to remember the key:")
            terminal.enter("yes")
        terminal.expect(f"Password for {name}:")
        terminal.enter(operator.lab.hosts[name].password)
        terminal.expect(f"sudo password for {name}:")
        terminal.enter(operator.lab.hosts[name].sudo_password)
