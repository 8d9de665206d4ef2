"""A jump box for the lab: private XDG directories, a cluster file, an identity, and the operations on it."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.cheap_identity import write_cheap_identity
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.remote.access import Access
from tui.runbook.attach import OVER
from tui.runbook.cluster_operations import ClusterOperations
from tui.runbook.journal import RecordKind, RunnerIdentity
from tui.runbook.journal_sqlite import SqliteJournal, journal_path, open_journal
from tui.runbook.locks import is_alive
from tui.runbook.model import Question, RunState, RunView, StepView

Tree = dict[str, tuple[str, int, int, int, str]]
"""Relative path → kind, mode, owner, group, SHA-256 or link target."""


class JumpBox:
    """One operator's machine. Runs are unattended unless said otherwise."""

    def __init__(self, home: Path, lab: Lab, patch: pytest.MonkeyPatch, *, settle: float = 1.0) -> None:
        self.home, self.lab = home, lab
        home.mkdir(exist_ok=True)
        for variable in ("CONFIG", "STATE", "DATA", "CACHE", "RUNTIME"):
            name = f"XDG_{variable}_{'DIR' if variable == 'RUNTIME' else 'HOME'}"
            directory = home / variable.lower()
            directory.mkdir(mode=0o700, exist_ok=True)
            patch.setenv(name, str(directory))
        patch.setenv("HOME", str(home))
        self.known_hosts = home / "known_hosts"
        self.known_hosts.write_text(lab.known_hosts_text())
        self.known_certificates = home / "known_certificates"
        self.known_certificates.touch(mode=0o600)
        self.known_certificates.write_text(lab.known_certificates_text())
        self.identity_file = home / "identity.age"
        self.recipient = write_cheap_identity(self.identity_file, lab.vault_passphrase)
        self.cluster_file = home / "lab.toml"
        self.write_cluster(settle=settle)

    def write_cluster(self, *, settle: float = 1.0, tenant: bool = True) -> None:
        """Write the lab's cluster file; without `tenant` nobody but an operator can say that the light is green."""
        text = self.lab.cluster_document(settle_seconds=settle)
        if not tenant:
            head, _, rest = text.partition("[tenant]")
            text = head + rest[rest.index("[run]") :]
        self.cluster_file.write_text(f'{text}\n[vault]\nrecipients = ["{self.recipient}"]\n')

    def access(self) -> Access:
        """What the operator types, and the hosts' keys and certificates."""
        return Access(
            secrets=self.lab.secrets(),
            known_hosts=self.known_hosts,
            known_certificates=self.known_certificates,
            system_known_hosts=self.home / "no_system_known_hosts",
            ssh_config=Path("/dev/null"),
        )

    @contextmanager
    def operations(
        self, *, unattended: bool = True, answers: dict[str, str] | None = None
    ) -> Iterator[ClusterOperations]:
        """The operations of one front, with the lab's cluster open."""
        made = ClusterOperations(
            access=self.access(),
            identity_file=self.identity_file,
            operator="alice@jump",
            unattended=unattended,
            answers=answers,
        )
        try:
            made.load(str(self.cluster_file))
            yield made
        finally:
            made.close()

    def runner_pid(self, run: str) -> int:
        """The process that performs a run."""
        journal = open_journal("lab", read_only=True)
        try:
            return int(str(journal.records(run, kind=RecordKind.RUNNER)[-1].entry.data["pid"]))
        finally:
            journal.close()

    def runners(self) -> list[int]:
        """The runner processes of this jump box that still live: one writes its report after its run is over."""
        if not journal_path("lab").exists():
            return []
        journal = SqliteJournal(journal_path("lab"), read_only=True)
        try:
            seen = [record.entry.data for record in journal.records(kind=RecordKind.RUNNER)]
        finally:
            journal.close()
        known = [RunnerIdentity(int(str(d["pid"])), str(d["started"]), str(d["boot"]), str(d["socket"])) for d in seen]
        return [runner.pid for runner in known if is_alive(runner)]

    def kill_runner(self, run: str) -> None:
        """As the kernel does when memory is short: no chance to tidy up."""
        os.kill(self.runner_pid(run), signal.SIGKILL)


@contextmanager
def jump_box(lab: Lab, patch: pytest.MonkeyPatch) -> Iterator[JumpBox]:
    """A jump box whose paths are short enough for a Unix socket; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="jump-") as home:
        made = JumpBox(Path(home), lab, patch)
        yield made
        until(lambda: not made.runners())


def until(condition: Callable[[], bool], *, seconds: float = 120.0, every: float = 0.05) -> None:
    """Wait for something that nothing can be awaited for; fails the test when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)


def finished(operations: ClusterOperations, run: str, *, seconds: float = 120.0) -> RunView:
    """The run when it is over."""
    until(lambda: operations.run_view(run).state in OVER, seconds=seconds, every=0.1)
    return operations.run_view(run)


def question_of(operations: ClusterOperations, run: str) -> Question:
    """What the run asks, once it waits for an answer."""
    until(lambda: operations.run_view(run).state is RunState.WAITING, every=0.1)
    question = operations.run_view(run).question
    assert question is not None
    return question


def step_of(view: RunView, step: str) -> StepView:
    """One step of a run by its id (`oak/connected`)."""
    return next(each for each in view.steps if each.planned.id == step)


def tree_of(host: LabHost) -> Tree:
    """The install directory of a host to the byte: everything in it with kind, mode, owner and content."""
    root = Path(host.install_dir).resolve()
    return {str(path.relative_to(root)): _entry(path) for path in sorted(root.rglob("*"))}


def _entry(path: Path) -> tuple[str, int, int, int, str]:
    seen = path.lstat()
    mode = stat.S_IMODE(seen.st_mode)
    if path.is_symlink():
        return "link", 0, seen.st_uid, seen.st_gid, os.readlink(path)
    if path.is_dir():
        return "directory", mode, seen.st_uid, seen.st_gid, ""
    return "file", mode, seen.st_uid, seen.st_gid, hashlib.sha256(path.read_bytes()).hexdigest()
