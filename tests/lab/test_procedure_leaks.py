"""Nothing secret is left anywhere: a canary in every secret, looked for wherever a run writes or speaks."""

from __future__ import annotations

import contextlib
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.jump_box import JumpBox, finished, jump_box
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.runbook.model import RunState


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab, jump_box(lab, monkeypatch) as made:
        yield made


@contextlib.contextmanager
def watching_processes() -> Iterator[dict[int, bytes]]:
    """Collect argv and environment of every process of this machine that lives for more than a moment."""
    seen: dict[int, bytes] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.01):
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit() and (pid := int(entry.name)) not in seen:
                    with contextlib.suppress(OSError):
                        seen[pid] = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def recorded_commands(host: LabHost, patch: pytest.MonkeyPatch) -> list[str]:
    """Every command line that arrives at a host from now on."""
    commands: list[str] = []
    original = host.command

    def command(text: str | None) -> object:
        commands.append(text or "")
        return original(text)

    patch.setattr(host, "command", command)
    return commands


def test_no_secret_is_written_said_or_shown_and_what_is_written_is_private(
    box: JumpBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [recorded_commands(host, monkeypatch) for host in box.lab.hosts.values()]
    shown: list[str] = []
    with watching_processes() as processes, box.operations() as operations:
        shown.append(operations.survey_first().model_dump_json())
        shown.append(operations.survey_additional("oak").model_dump_json())
        shown.append(operations.preview().model_dump_json())
        run = operations.start_run()
        view = finished(operations, run)
        assert view.state is RunState.DONE, [step.error for step in view.steps if step.error]
        shown += [view.model_dump_json(), operations.status().model_dump_json()]
        shown += [operations.host_log("oak"), operations.troubleshoot("oak")[1]]
        shown.append(operations.report(run).read_text())
        bundle = operations.support_bundle(run)
    with zipfile.ZipFile(bundle) as archive:
        shown += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    written = {path: path.read_bytes() for path in sorted(box.home.rglob("*")) if path.is_file()}
    assert any(path.name == "journal.sqlite3" for path in written)
    assert any(path.suffix == ".md" for path in written)
    for canary in box.lab.canaries():
        secret = canary.encode()
        assert not [path for path, data in written.items() if secret in data]
        assert not [text for text in shown if canary in text]
        assert not [command for each in commands for command in each if canary in command]
        assert not [pid for pid, text in processes.items() if secret in text]
    ours = [path for path in box.home.rglob("*") if "adldap-ha" in str(path.relative_to(box.home))]
    assert not [path for path in ours if path.lstat().st_mode & 0o077 and not path.is_symlink()]
