"""What the WinRM connection does to a run: lost answers, lost sessions, quotas. The host is looked at again, nothing is replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.lab.jump_box import JumpBox, finished, jump_box
from tui.lab.lab import Lab
from tui.lab.windows.furnishing import WINDOWS_WINRM
from tui.lab.windows.host import WindowsLabHost
from tui.runbook.model import RunState, RunView

HOST = "elm"
ANSWERED = ("Lock-Host.ps1", "Stop-One.ps1", "Write-File.ps1", "Start-One.ps1", "Invoke-Program.ps1", "Read-Files.ps1")
"""Scripts of a run whose first answer is lost in the middle: the host has done its work, and nobody knows."""


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with (
        Lab(tmp_path / "lab", names=("fir", HOST), speed=20, furnishings={HOST: WINDOWS_WINRM}) as lab,
        jump_box(lab, monkeypatch) as made,
    ):
        yield made


@pytest.fixture
def host(box: JumpBox) -> WindowsLabHost:
    return box.lab.windows[HOST]


def kept(host: WindowsLabHost) -> dict[str, tuple[str, str]]:
    """The install directory: content and ACL of everything in it but the log, which the connector goes on writing."""
    found = {}
    for path in sorted(host.real_install.rglob("*")):
        if not path.name.startswith("logs"):
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "directory"
            found[str(path.relative_to(host.real_install))] = (content, str(host.tree.descriptor(path)))
    return found


def performed(box: JumpBox) -> RunView:
    with box.operations() as operations:
        return finished(operations, operations.start_run())


def times_run(host: WindowsLabHost, script: str) -> int:
    return sum(call.name == script for call in host.wsman.record.calls)


def half_written(host: WindowsLabHost) -> list[str]:
    return [path.name for path in host.real_install.rglob("*") if ".adldap-ha-" in path.name]


def test_lost_answers_and_sessions_do_not_stop_a_run_and_nothing_is_replayed(
    box: JumpBox, host: WindowsLabHost
) -> None:
    lost = []

    def cut(script: str) -> None:
        lost.append(script)
        host.wsman.cut_receive_after(0)

    def restart_the_service() -> None:
        lost.append("session")
        host.wsman.shells.close()
        host.wsman.drop()

    for script in ANSWERED:
        host.at_script(script, partial(cut, script))
    host.at_script("Get-Log.ps1", restart_the_service)

    view = performed(box)

    assert view.state is RunState.DONE, [step.error for step in view.steps if step.error]
    assert sorted(lost) == sorted((*ANSWERED, "session"))
    assert not host.wsman.cut_armed
    assert view.verdict == "healthy"
    assert box.lab.tenant.accepted() == {"fir": 1, HOST: 1}
    assert half_written(host) == []
    assert times_run(host, "Start-One.ps1") == 2, "each service is started once, though the first answer was lost"
    assert host.wsman.record.wrong_passwords.total() == 0


def test_connection_closed_while_idle_costs_a_new_login_and_no_new_shell(box: JumpBox, host: WindowsLabHost) -> None:
    with box.operations() as operations:
        operations.preview()
        opened, logins = host.wsman.record.soap["Create"], host.wsman.record.logins.total()
        host.wsman.close_idle()
        operations.preview()

        assert host.wsman.record.soap["Create"] == opened
        assert host.wsman.record.logins.total() == logins + 1


def test_used_up_quota_is_told_with_its_remedy_before_anything_is_touched(box: JumpBox, host: WindowsLabHost) -> None:
    before = kept(host)
    box.lab.fault("quota", HOST)

    view = performed(box)

    told = [line for step in view.steps for line in step.error] + list(view.error)
    assert view.state is not RunState.DONE
    assert any("too many remote sessions" in line for line in told), told
    assert any("MaxShellsPerUser" in line for line in told), told
    assert kept(host) == before
    assert host.scripts == []


def test_host_that_lets_nobody_in_any_more_is_put_back_to_the_byte_once_it_does(
    box: JumpBox, host: WindowsLabHost
) -> None:
    before = kept(host)

    def lose_the_session_for_good() -> None:
        host.wsman.shells.close()
        host.wsman.drop()
        host.wsman.shells.max_shells = 0

    host.at_script("Move-Aside.ps1", lose_the_session_for_good)
    view = performed(box)
    assert view.state in {RunState.FAILED, RunState.INCONSISTENT}, view.state
    assert view.changed == (HOST,)
    assert half_written(host) == []

    host.wsman.shells.max_shells = 30
    with box.operations() as operations:
        operations.resume_run(view.id, undo=True)
        view = finished(operations, view.id)
    assert view.state is RunState.ROLLED_BACK, [step.error for step in view.steps if step.error]
    assert kept(host) == before
