"""systemctl, journalctl and sudo of the lab, as a login on a host meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.conftest import OpenSsh
from tui.lab.host import LabHost
from tui.lab.lab import Lab

_SECONDS = 15.0


@pytest.fixture
def oak(lab: Lab) -> Iterator[LabHost]:
    """The unconfigured host, put back into its waiting state afterwards."""
    host = lab.hosts["oak"]
    yield host
    host.sudo_rule = 1
    host.services.set_masked(host.connector_unit, False)
    host.services.set_enabled(host.connector_unit, True)
    host.services.stop(host.connector_unit)


def as_root(host: LabHost, *arguments: str) -> tuple[int, str, str]:
    """What systemctl says to root."""
    status, out, err = host.desk.answer("systemctl", "root", arguments)
    return status, out.decode(), err.decode()


def shown(host: LabHost, *names: str) -> dict[str, str]:
    """Properties of the connector's unit."""
    _, out, _ = as_root(host, "show", "-p", ",".join(names), host.connector_unit)
    return dict(line.split("=", 1) for line in out.splitlines())


def test_an_unconfigured_connector_ends_at_its_start_limit(oak: LabHost) -> None:
    as_root(oak, "reset-failed", oak.connector_unit)
    assert shown(oak, "ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    assert as_root(oak, "start", oak.connector_unit)[0] == 0
    assert oak.services.wait(oak.connector_unit, lambda unit: unit.active == "failed", timeout=_SECONDS)
    found = shown(oak, "ActiveState", "SubState", "Result", "NRestarts", "MainPID")
    assert found == {
        "ActiveState": "failed",
        "SubState": "failed",
        "Result": "start-limit-hit",
        "NRestarts": "5",
        "MainPID": "0",
    }


def test_a_start_limit_refuses_until_it_is_reset(oak: LabHost) -> None:
    as_root(oak, "reset-failed", oak.connector_unit)
    as_root(oak, "start", oak.connector_unit)
    assert oak.services.wait(oak.connector_unit, lambda unit: unit.active == "failed", timeout=_SECONDS)
    status, _, error = as_root(oak, "start", oak.connector_unit)
    assert status == 1
    assert "failed" in error
    as_root(oak, "reset-failed", oak.connector_unit)
    assert as_root(oak, "start", oak.connector_unit)[0] == 0


def test_a_masked_unit_cannot_be_started_by_anybody(oak: LabHost) -> None:
    assert as_root(oak, "mask", oak.connector_unit)[0] == 0
    status, _, error = as_root(oak, "start", oak.connector_unit)
    assert (status, "is masked" in error) == (1, True)
    assert shown(oak, "LoadState", "UnitFileState") == {"LoadState": "masked", "UnitFileState": "masked"}


def test_a_service_that_dies_is_restarted_and_counted(lab: Lab) -> None:
    fir = lab.hosts["fir"]
    before = int(shown(fir, "NRestarts")["NRestarts"])
    old = int(shown(fir, "MainPID")["MainPID"])
    fir.services.kill(fir.connector_unit)
    assert fir.services.wait(fir.connector_unit, lambda unit: unit.pid not in (0, old), timeout=_SECONDS)
    assert int(shown(fir, "NRestarts")["NRestarts"]) == before + 1
    assert lab.tenant.hub.wait_for(lambda accepted: accepted.get("fir") == 1, _SECONDS)


def test_stopping_and_restarting_wait_for_the_process(lab: Lab) -> None:
    elm = lab.hosts["elm"]
    unit = elm.admin_unit or ""
    assert as_root(elm, "is-active", unit)[:2] == (0, "active\n")
    assert as_root(elm, "stop", unit)[0] == 0
    assert as_root(elm, "is-active", unit)[:2] == (3, "inactive\n")
    assert as_root(elm, "restart", unit)[0] == 0
    assert as_root(elm, "is-active", unit)[:2] == (0, "active\n")


def test_units_are_found_by_what_they_run(ssh: OpenSsh) -> None:
    for name, host in ssh.lab.hosts.items():
        out = ssh.run(name, "systemctl show --no-pager -p Id,ExecStart,WorkingDirectory '*'").stdout.decode()
        blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in out.split("\n\n")]
        by_directory = [block for block in blocks if block["WorkingDirectory"] == host.install_dir]
        assert {block["Id"] for block in by_directory} == {host.connector_unit, host.admin_unit}
        assert all("argv[]=" in block["ExecStart"] and "server.js" in block["ExecStart"] for block in by_directory)
    assert len({host.connector_unit for host in ssh.lab.hosts.values()}) == 3


def test_lists_name_every_unit(ssh: OpenSsh) -> None:
    listed = ssh.run("oak", "systemctl list-unit-files --type=service --no-legend --no-pager").stdout.decode()
    assert "ad-ldap-connector.service enabled" in listed
    running = ssh.run("oak", "systemctl list-units --type=service --all --no-legend").stdout.decode()
    assert "ssh.service loaded active running" in running
    unknown = ssh.run("oak", "systemctl show -p LoadState,ActiveState nothing.service").stdout.decode()
    assert unknown == "LoadState=not-found\nActiveState=inactive\n"


def test_only_root_may_control_services_and_read_the_journal(ssh: OpenSsh, oak: LabHost) -> None:
    refused = ssh.run("oak", f"systemctl start {oak.connector_unit}")
    assert (refused.returncode, b"authentication required" in refused.stderr) == (1, True)
    journal = ssh.run("oak", f"journalctl -u {oak.connector_unit}")
    assert journal.stdout == b"-- No entries --\n"


def test_the_journal_is_read_on_from_a_cursor(lab: Lab) -> None:
    fir = lab.hosts["fir"]
    unit = fir.connector_unit

    def read(*arguments: str) -> str:
        return fir.desk.answer("journalctl", "root", ["--no-pager", *arguments])[1].decode()

    cursor = read("-u", unit, "-n", "0", "--show-cursor").removeprefix("-- cursor: ").strip()
    fir.journal.append(unit, "node", 1, b"\x1b[32mfresh\x1b[39m")
    assert read("-u", unit, "-o", "cat", "--after-cursor", cursor) == "\x1b[32mfresh\x1b[39m\n"
    assert read("-u", unit, "-n1").endswith("fir node[1]: fresh\n")
    assert bytes(json.loads(read("-u", unit, "-n1", "-o", "json"))["MESSAGE"]) == b"\x1b[32mfresh\x1b[39m"
    both = read("-q", "-u", unit, f"--after-cursor={cursor}", "--show-cursor", "-o", "cat").splitlines()
    assert both[0] == "\x1b[32mfresh\x1b[39m"
    assert read("-q", "-u", unit, "--after-cursor", both[1].removeprefix("-- cursor: ")) == ""


def sudo(ssh: OpenSsh, host: LabHost, password: str, command: str, payload: str = "") -> tuple[int, str, str]:
    """Run a command by sudo with a password on standard input."""
    stdin = f"{password}\n{payload}".encode()
    done = ssh.run(host.name, f"sudo -S -p ask: -u root -- sh -c '{command}'", stdin)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_sudo_takes_its_password_and_leaves_the_rest_of_the_input(ssh: OpenSsh, oak: LabHost) -> None:
    status, out, err = sudo(ssh, oak, oak.sudo_password, "id -un; cat; exit 3", "payload")
    assert (status, out, err) == (3, "root\npayload", "ask:")
    assert oak.sudo_attempts[-1] is True


def test_sudo_asks_three_times_and_every_try_is_counted(ssh: OpenSsh, oak: LabHost) -> None:
    before = len(oak.sudo_attempts)
    status, out, err = sudo(ssh, oak, "a\nb\nc", "id")
    assert (status, out) == (1, "")
    assert err == "ask:Sorry, try again.\nask:Sorry, try again.\nask:sudo: 3 incorrect password attempts\n"
    assert oak.sudo_attempts[before:] == [False, False, False]


def test_sudo_without_a_password_at_hand_says_so(ssh: OpenSsh) -> None:
    never = ssh.run("oak", "sudo -n id")
    assert (never.returncode, never.stderr) == (1, b"sudo: a password is required\n")
    nowhere = ssh.run("oak", "sudo id")
    assert b"a terminal is required" in nowhere.stderr


def test_sudo_knows_who_needs_no_password_and_who_may_not_at_all(ssh: OpenSsh, oak: LabHost) -> None:
    oak.sudo_rule = 0
    assert ssh.run("oak", "sudo -n id -un").stdout == b"root\n"
    oak.sudo_rule = 2
    status, _, err = sudo(ssh, oak, oak.sudo_password, "id")
    assert status == 1
    assert "ops is not in the sudoers file" in err
