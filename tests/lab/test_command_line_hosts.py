"""The command on hosts that it does not change: status, plan, backups, and every question that it may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.command_line import Operator
from tests.lab.conftest import leaks
from tests.lab.jump_box import tree_of
from tui.lab.lab import Lab

HOST_KEYS = {
    "name", "os", "transport", "verdict", "version", "layout", "install_dir", "services", "hub", "certificate", "clock_skew_s",
    "drift", "problems",
}  # fmt: skip


@pytest.fixture
def operator(tmp_path: Path, lab: Lab) -> Operator:
    return Operator(tmp_path / "home", lab)


@pytest.fixture
def stranger(tmp_path: Path, lab: Lab) -> Operator:
    """An operator who has never met the hosts."""
    return Operator(tmp_path / "home", lab, known=False)


def test_status_is_the_documented_document(operator: Operator) -> None:
    result = operator.ask("status", "lab", "--json")
    document = result.document
    assert set(document) == {"cluster", "verdict", "hosts"}
    assert [host["name"] for host in document["hosts"]] == ["fir", "oak", "elm"]
    assert all(set(host) == HOST_KEYS for host in document["hosts"])
    first = document["hosts"][0]
    assert (first["verdict"], first["hub"], first["layout"]) == ("healthy", "connected", "v6")
    assert set(first["certificate"]) == {"thumbprint", "expires", "matches_tenant"}
    assert first["certificate"]["matches_tenant"] is True
    assert first["services"] == {"connector": "running", "admin": "running"}
    assert (document["cluster"], document["verdict"], result.code) == ("lab", "degraded", 1)


def test_status_in_words_is_short_and_names_what_to_do(operator: Operator) -> None:
    result = operator.ask("status", "lab")
    lines = result.out.splitlines()
    assert result.code == 1
    assert lines[0].startswith("cluster lab: degraded (1 healthy, 2 ")
    assert lines[2].split()[:5] == ["host", "verdict", "connector", "admin", "hub"]
    assert len(lines) < 40
    assert any(line.strip().startswith("do: ") for line in lines)
    assert "CANARY" not in result.out + result.err


def test_status_fits_a_terminal_of_eighty_columns(operator: Operator) -> None:
    with operator.terminal("status", "lab") as terminal:
        for name, host in operator.lab.hosts.items():
            terminal.expect(f"Password for {name}:")
            terminal.enter(host.password)
            terminal.expect(f"sudo password for {name}:")
            terminal.enter(host.sudo_password)
        assert terminal.ended() == 1
    shown = terminal.shown[terminal.shown.index("cluster lab:") :]
    assert max(map(len, shown.splitlines())) <= 80
    assert leaks(operator.lab.canaries(), operator.home) == []
    assert not [canary for canary in operator.lab.canaries() if canary in terminal.shown]


def test_nothing_is_asked_and_nothing_hangs_where_nobody_is(stranger: Operator) -> None:
    result = stranger.run("status", "lab", "--json")
    assert result.code == 2
    document = result.document
    assert document["verdict"] == "unknown"
    assert all("not-observed" in {each["id"] for each in host["problems"]} for host in document["hosts"])
    result = stranger.ask("plan", "lab", "--json")
    assert (result.code, "host key" in result.document["error"]["summary"]) == (1, True)
    assert not stranger.known_hosts.exists()


def test_a_missing_secret_is_named(operator: Operator) -> None:
    result = operator.run("plan", "lab", "--json", "--secrets", "-", stdin=b"[vault]\npassphrase = 'x'\n")
    error = result.document["error"]
    assert (result.code, error["host"]) == (1, "fir")
    assert "password" in error["remedy"]


def test_a_wrong_password_is_told_and_tried_once(operator: Operator) -> None:
    document = b"[hosts.fir]\npassword = 'CANARY-wrong'\n"
    result = operator.run("backup", "create", "lab", "--json", "--secrets", "-", stdin=document + vault_of(operator))
    assert (result.code, result.document["error"]["host"]) == (1, "fir")
    assert "CANARY" not in result.out + result.err


def test_where_sudo_takes_another_password_than_the_login_it_is_asked_for(operator: Operator) -> None:
    first = operator.lab.hosts["fir"]
    with operator.terminal("backup", "create", "lab") as terminal:
        terminal.expect("Passphrase of the backup vault:")
        terminal.enter(operator.lab.vault_passphrase)
        terminal.expect("Password for fir:")
        terminal.enter(first.password)
        terminal.expect("sudo refuses the login password of ops")
        terminal.expect("sudo password for fir:")
        terminal.enter(first.sudo_password)
        terminal.expect("fir: connected")
        assert terminal.ended() == 0
    result = operator.run(
        "backup",
        "create",
        "lab",
        "--json",
        "--secrets",
        "-",
        stdin=f"[hosts.fir]\npassword = '{first.password}'\n".encode() + vault_of(operator),
    )
    error = result.document["error"]
    assert (error["summary"], "refuses the login password" in error["meaning"]) == (
        "the sudo password of ops is needed",
        True,
    )


def vault_of(operator: Operator) -> bytes:
    """The secrets document's table with the vault's passphrase."""
    return f"[vault]\npassphrase = '{operator.lab.vault_passphrase}'\n".encode()


def test_yes_and_only_yes_confirms_a_host_key(stranger: Operator) -> None:
    for answer in ("y", "", "YES!", "no"):
        with stranger.terminal("plan", "lab") as terminal:
            terminal.expect("SHA256:")
            terminal.expect("Type yes to remember the key:")
            terminal.enter(answer)
            terminal.ended()
        assert terminal.process.returncode == 1, answer
        assert not stranger.known_hosts.exists()
    with stranger.terminal("backup", "create", "lab") as terminal:
        terminal.expect("Passphrase of the backup vault:")
        terminal.enter(stranger.lab.vault_passphrase)
        terminal.expect("Type yes to remember the key:")
        terminal.enter("yes")
        terminal.expect("Password for fir:")
        terminal.enter(stranger.lab.hosts["fir"].password)
        terminal.expect("sudo password for fir:")
        terminal.enter(stranger.lab.hosts["fir"].sudo_password)
        terminal.expect("verified 20")
        assert terminal.ended() == 0
    assert stranger.known_hosts.read_text().count("\n") == 1


def test_yes_on_the_command_line_never_confirms_a_host_key(stranger: Operator) -> None:
    result = stranger.ask("apply", "lab", "--yes", "--json")
    assert (result.code, "host key" in result.document["error"]["summary"]) == (1, True)
    assert not stranger.known_hosts.exists()
    with stranger.terminal("apply", "lab", "--yes") as terminal:
        terminal.expect("Client secret for")
        terminal.enter("")
        terminal.expect("Passphrase of the backup vault:")
        terminal.enter(stranger.lab.vault_passphrase)
        terminal.expect("Type yes to remember the key:")
        terminal.enter("no")
        assert terminal.ended() == 1


def test_a_plan_lists_every_change_and_makes_none(operator: Operator) -> None:
    before = {name: tree_of(host) for name, host in operator.lab.hosts.items()}
    result = operator.ask("plan", "lab", "--json", "--host", "oak")
    assert result.code == 0
    steps = [step["id"] for stage in result.document["stages"] for step in stage]
    assert "oak/commit-config" in steps
    assert not any(step.startswith("elm/") for step in steps)
    assert {name: tree_of(host) for name, host in operator.lab.hosts.items()} == before
    words = operator.ask("plan", "lab")
    assert "create config.json" in words.out
    assert "CANARY" not in words.out + result.out
    refused = operator.ask("plan", "lab", "--host", "ash")
    assert (refused.code, "additional hosts are: oak, elm" in refused.err) == (1, True)


def test_a_plan_that_is_not_confirmed_by_the_clusters_name_changes_nothing(operator: Operator) -> None:
    before = {name: tree_of(host) for name, host in operator.lab.hosts.items()}
    result = operator.ask("apply", "lab", "--json")
    assert (result.code, result.document["error"]["summary"]) == (1, "the plan was not confirmed")
    assert {name: tree_of(host) for name, host in operator.lab.hosts.items()} == before
    assert operator.run("report", "lab").code == 1


def test_a_new_passphrase_is_asked_for_twice(operator: Operator) -> None:
    operator.identity.unlink()
    with operator.terminal("backup", "create", "lab") as terminal:
        for first, second, told in (
            ("short", None, "shorter than 8"),
            ("long enough", "long enuogh", "the two differ"),
            ("long enough", "long enough", "backups are encrypted to"),
        ):
            terminal.expect("A new passphrase")
            terminal.enter(first)
            if second is not None:
                terminal.expect("The same again:")
                terminal.enter(second)
            terminal.expect(told)
        terminal.expect("Password for fir:")
        terminal.press(b"\x03")
        assert terminal.ended() == 130
    assert "long en" not in terminal.shown
    assert operator.identity.stat().st_mode & 0o777 == 0o600


def test_backups_are_created_listed_shown_and_verified(operator: Operator) -> None:
    assert operator.run("backup", "list", "lab", "--json").document == {"cluster": "lab", "backups": []}
    assert operator.run("backup", "show", "lab").code == 1
    created = operator.ask("backup", "create", "lab", "--json").document
    assert created["verified"] is not None
    listed = operator.run("backup", "list", "lab", "--json").document["backups"]
    assert [backup["id"] for backup in listed] == [created["id"]]
    assert created["id"] in operator.run("backup", "list", "lab").out
    shown = operator.run("backup", "show", "lab", created["id"])
    assert "config.json" in shown.out
    assert created["ciphertext_sha256"] in shown.out
    verified = operator.ask("backup", "verify", "lab", "--json")
    assert (verified.code, verified.document["ok"], verified.document["backup"]) == (0, True, created["id"])
    wrong = operator.run(
        "backup", "verify", "lab", "--json", "--secrets", "-", stdin=b"[vault]\npassphrase = 'CANARY-wrong'\n"
    )
    assert (wrong.code, wrong.document["error"]["summary"]) == (1, "the passphrase is wrong")
    assert "CANARY" not in wrong.out + wrong.err
    unknown = operator.run("backup", "show", "lab", "nix", "--json")
    assert (unknown.code, unknown.document["error"]["summary"]) == (1, "there is no backup nix")
    assert leaks(operator.lab.canaries(), operator.home) == []


def test_a_flipped_byte_in_a_backup_is_exit_1(operator: Operator) -> None:
    path = Path(operator.ask("backup", "create", "lab", "--json").document["path"])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    result = operator.ask("backup", "verify", "lab", "--json")
    assert result.code == 1
    assert result.document.get("ok") is False or "error" in result.document


def test_verifying_never_makes_an_identity(operator: Operator) -> None:
    operator.ask("backup", "create", "lab", "--json")
    operator.identity.unlink()
    result = operator.ask("backup", "verify", "lab", "--json")
    assert (result.code, "no identity" in result.document["error"]["summary"]) == (1, True)
    assert not operator.identity.exists()


def test_one_host_that_is_switched_off_makes_the_rest_no_less_known(operator: Operator, fault: object) -> None:
    assert callable(fault)
    fault("host_down", "elm")
    result = operator.ask("status", "lab", "--json")
    verdicts = {host["name"]: host["verdict"] for host in result.document["hosts"]}
    assert (verdicts["fir"], verdicts["elm"]) == ("healthy", "unknown")
    words = operator.ask("status", "lab").out
    assert "elm:" in words
    assert "could not be looked at" in words
