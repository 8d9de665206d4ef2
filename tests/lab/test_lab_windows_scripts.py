"""The lab's answers to the project's own scripts: each has one, each takes what its param block says, nothing else runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_SSH, WINDOWS_WINRM
from tui.lab.windows.host import WindowsLabHost
from tui.lab.windows.openssh import is_bootstrap
from tui.lab.windows.parameters import bind, declared
from tui.lab.windows.scripts import ANSWERS, BOOTSTRAP, PACKAGES, known_scripts, run_script
from tui.lab.windows.wsman_calls import Call, PsError

SPEED = 20.0


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsLabHost]:
    with Lab(
        tmp_path_factory.mktemp("lab") / "l",
        names=("elm",),
        configured=("elm",),
        speed=SPEED,
        furnishings={"elm": WINDOWS_WINRM},
    ) as lab:
        yield lab.windows["elm"]


def text_of(name: str) -> str:
    return next(text for text, known in known_scripts().items() if known == name)


def ask(host: WindowsLabHost, name: str, secrets: tuple[str, ...] = (), **parameters: Any) -> dict[str, Any]:
    call = Call(text_of(name), parameters, host.user, frozenset(secrets))
    answer: dict[str, Any] = json.loads(run_script(host, call))
    return answer


def test_every_script_of_the_project_has_an_answer_and_every_answer_a_script() -> None:
    assert set(known_scripts().values()) == set(ANSWERS)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_param_block_of_every_script_is_understood(name: str) -> None:
    assert all(parameter.kind != "object" for parameter in declared(text_of(name)).values())


def test_a_script_that_is_not_the_projects_own_is_refused(host: WindowsLabHost) -> None:
    changed = text_of("Read-Files.ps1") + "\nRemove-Item C:\\ -Recurse\n"
    with pytest.raises(PsError, match="interprets no PowerShell"):
        run_script(host, Call(changed, {"Paths": []}, host.user))


SCRIPT = """# says nothing
param(
    [Parameter(Mandatory = $true)][string]$Path,   # a path, or two
    [string[]]$Names = @(),
    [int]$Seconds = 60,
    [bool]$Tree = $false,
    [Security.SecureString]$Payload
)
"""


def test_parameters_are_bound_as_the_param_block_declares_them() -> None:
    bound = bind(SCRIPT, {"path": "C:\\", "NAMES": ["a"], "Payload": "hidden"}, {"Payload"})
    assert bound == {"Path": "C:\\", "Names": ["a"], "Seconds": 60, "Tree": False, "Payload": "hidden"}


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ({"Path": "x", "Nmaes": []}, ()),
        ({}, ()),
        ({"Path": "x", "Seconds": "soon"}, ()),
        ({"Path": "x", "Seconds": 1 << 40}, ()),
        ({"Path": "x", "Names": [1]}, ()),
        ({"Path": "x", "Payload": "in clear"}, ()),
        ({"Path": "x"}, ("Path",)),
    ],
)
def test_a_parameter_that_does_not_fit_is_an_error(given: dict[str, Any], secret: tuple[str, ...]) -> None:
    with pytest.raises(PsError) as caught:
        bind(SCRIPT, given, secret)
    assert caught.value.type.startswith("System.Management.Automation.ParameterBinding")


def test_under_a_constrained_language_mode_only_the_ability_is_told(host: WindowsLabHost) -> None:
    host.constrained = True
    try:
        assert ask(host, "Get-Ability.ps1")["language_mode"] == "ConstrainedLanguage"
        with pytest.raises(PsError, match="language mode"):
            ask(host, "Get-Facts.ps1", Directory="C:\\")
    finally:
        host.constrained = False


def test_the_log_is_read_on_over_a_rotation(host: WindowsLabHost, tmp_path: Path) -> None:
    log = f"{host.install_dir}\\other.log"
    path = host.tree.real(log)
    path.write_bytes(b"one\r\ntwo\r\nhalf")
    first = ask(host, "Get-Log.ps1", Path=log, Lines=1)
    assert base64.b64decode(first["data"]) == b"two\r\n"
    with path.open("ab") as file:
        file.write(b" a line\r\n")
    path.rename(path.with_name("other1.log"))
    path.write_bytes(b"anew\r\n")
    second = ask(host, "Get-Log.ps1", Path=log, Token=first["token"])
    assert base64.b64decode(second["data"]) == b"half a line\r\nanew\r\n"
    assert ask(host, "Get-Log.ps1", Path=log, Token=second["token"])["data"] == ""
    assert ask(host, "Get-Log.ps1", Path=f"{host.install_dir}\\none.log")["missing"] is True


def test_the_console_fails_on_the_path_with_spaces_and_the_installs_own_node_does_not(host: WindowsLabHost) -> None:
    answer = ask(host, "Invoke-Console.ps1", Path="/troubleshooter/run", Seconds=30)
    assert "Cannot find module 'C:\\Program'" in base64.b64decode(answer["data"]).decode()
    direct = ask(
        host,
        "Invoke-Program.ps1",
        FileName=f"{host.install_dir}\\node.exe",
        Arguments=["troubleshoot.js"],
        Directory=host.install_dir,
        Service=host.connector_unit,
        Seconds=60,
    )
    said = base64.b64decode(direct["stdout"]).decode()
    assert "√ Everything OK. No clock skew detected." in said.replace("\x1b[32m", "")
    assert "Dom Name: lab.example" in said
    assert "Done!" in said


def test_node_runs_no_code_but_the_projects(host: WindowsLabHost) -> None:
    node = f"{host.install_dir}\\node.exe"
    with pytest.raises(PsError, match="no code but"):
        ask(host, "Invoke-Program.ps1", FileName=node, Arguments=["-e", "1"], Directory=host.install_dir)
    missing = f"{host.install_dir}\\nothing.exe"
    assert ask(host, "Invoke-Program.ps1", FileName=missing, Directory=host.install_dir)["missing"] is True


def test_the_connector_on_windows_writes_crlf_and_keeps_a_log(host: WindowsLabHost) -> None:
    assert host.wait_log("Agent accepted")
    config = host.tree.read(f"{host.install_dir}\\config.json")
    assert config.count(b"\r\n") == config.count(b"\n") > 10
    assert json.loads(config)["FIREWALL_RULE_CREATED"] is True
    log = host.tree.read(f"{host.install_dir}\\logs.log")
    assert b"Agent accepted.\r\n" in log
    assert b"\x1b" not in log


def test_only_the_bootstrap_is_run_by_the_ssh_server() -> None:
    text = files(PACKAGES[0]).joinpath(BOOTSTRAP).read_text(encoding="utf-8")

    def command(script: str) -> str:
        encoded = base64.b64encode(script.encode("utf-16-le")).decode()
        return f"powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -EncodedCommand {encoded}"

    assert is_bootstrap(command(text))
    assert not is_bootstrap(command(f"{text}\nwhoami"))
    assert not is_bootstrap("powershell.exe -Command whoami")


def test_a_host_behind_openssh_has_a_host_key_and_no_wsman(tmp_path: Path) -> None:
    with Lab(tmp_path / "l", names=("elm",), speed=SPEED, furnishings={"elm": WINDOWS_SSH}, configured=()) as lab:
        assert lab.known_hosts_text().startswith(f"[{lab.windows['elm'].address}]:2222 ssh-ed25519 ")
        assert lab.known_certificates_text() == ""
        assert 'transport = "ssh"\nos = "windows"' in lab.cluster_document()


INSTALL = WINDOWS_WINRM.install
SCRATCH = "C:\\Windows\\Temp\\lab"
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Get-Ability.ps1", {}),
    ("Get-AccountSids.ps1", {"Account": "LocalSystem"}),
    ("Find-Install.ps1", {"Places": [INSTALL], "Markers": ["lib/initConf.js"]}),
    ("Get-Facts.ps1", {"Directory": INSTALL}),
    ("Get-Services.ps1", {"Names": ["Auth0 ADLDAP"]}),
    ("Start-One.ps1", {"Name": "W32Time"}),
    ("Stop-One.ps1", {"Name": "W32Time"}),
    ("Get-Log.ps1", {"Path": f"{INSTALL}\\logs.log"}),
    ("Invoke-Console.ps1", {"Path": "/version"}),
    ("Invoke-Program.ps1", {"FileName": f"{INSTALL}\\none.exe", "Directory": INSTALL}),
    ("Lock-Host.ps1", {"Path": f"{SCRATCH}.lock", "Action": "holder"}),
    ("Move-Aside.ps1", {"Directory": INSTALL, "Action": "list", "Run": "r"}),
    ("New-Folder.ps1", {"Path": SCRATCH}),
    ("Write-File.ps1", {"Path": f"{SCRATCH}\\a", "Data": "", "Sha256": hashlib.sha256().hexdigest()}),
    ("Read-Files.ps1", {"Paths": [f"{SCRATCH}\\a"]}),
    ("Get-Entries.ps1", {"Paths": [f"{SCRATCH}\\a"]}),
    ("Get-Tree.ps1", {"Directory": SCRATCH}),
    ("Move-Entry.ps1", {"Source": f"{SCRATCH}\\a", "Target": f"{SCRATCH}\\b"}),
    ("Remove-Entry.ps1", {"Path": SCRATCH, "Tree": True}),
)
INNER = {"Get-Services.ps1": {"id"}, "Invoke-Program.ps1": {"name", "value"}}
"""Keys of tables that a script only passes on within itself."""


def keys_of(answer: object) -> set[str]:
    """Every key of an answer, also of what is in it."""
    if isinstance(answer, dict):
        return set(answer).union(*map(keys_of, answer.values()))
    return set().union(*map(keys_of, answer)) if isinstance(answer, list) else set()


def keys_in(script: str) -> set[str]:
    """The keys that a script's hash tables have, or the JSON that it writes itself."""
    code = re.sub(r"(?m)#.*$", "", script)
    ways = (r"(?<![\w$.:-])([a-z][a-z_]*) = ", r"\['(\w+)'\] = ", r'"(\w+)":')
    return {key for way in ways for key in re.findall(way, code)}


def test_each_answer_has_the_keys_that_the_script_puts_out_and_no_others(host: WindowsLabHost) -> None:
    assert {name for name, _ in CALLS} == set(ANSWERS)
    for name, parameters in CALLS:
        assert keys_of(ask(host, name, **parameters)) == keys_in(text_of(name)) - INNER.get(name, set()), name
    host.services.start("W32Time")
