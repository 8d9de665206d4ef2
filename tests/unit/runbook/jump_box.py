"""What the tests of the engine do on a jump box: start runs in real runner processes and wait for what comes of them."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from tests.unit.runbook.scripted import PROCEDURE, Ground, StageSpec, write_script
from tui.remote.access import Access
from tui.remote.secrets import HostSecrets, Secrets
from tui.runbook.attach import OVER, RunClient
from tui.runbook.journal import INTENT
from tui.runbook.journal_sqlite import open_journal
from tui.runbook.launch import start_run
from tui.runbook.model import RunView
from tui.runbook.order import RunOrder
from tui.runbook.run_view import RunHistory

CLUSTER = "lab"
CANARY = "c4nary-Of-the-Host"
_PATIENCE = 60.0

_CLUSTER_FILE = """\
[cluster]
name = "lab"
first = "oak"

[[hosts]]
name = "oak"
address = "127.0.0.2"

[[hosts]]
name = "elm"
address = "127.0.0.3"
"""


class JumpBox:
    """A jump box with the cluster `lab`, whose runs are performed by real processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ground = Ground(root)
        self.cluster_file = root / "lab.toml"
        self.cluster_file.write_text(_CLUSTER_FILE)
        self.client = RunClient(CLUSTER)

    def script(self, *stages: StageSpec, fail_to_build: str = "") -> None:
        """What the runs of this test perform."""
        write_script(self.root, stages, fail_to_build=fail_to_build)

    def order(self, run: str = "r1", **fields: Any) -> RunOrder:
        """An order for an unattended run, with a canary for a secret."""
        secrets = Secrets(hosts={"oak": HostSecrets(sudo_password=SecretStr(CANARY))})
        values: dict[str, Any] = {
            "cluster_file": self.cluster_file,
            "run": run,
            "access": Access(secrets=secrets, known_hosts=self.root / "known_hosts"),
            "identity_file": self.root / "identity.age",
            "operator": "mara",
            "unattended": True,
            **fields,
        }
        return RunOrder(**values)

    def start(self, run: str = "r1", **fields: Any) -> None:
        """Start a runner and return when it has begun."""
        start_run(self.order(run, **fields), procedure=PROCEDURE)

    def until(self, wanted: Callable[[RunView], bool], run: str = "r1") -> RunView:
        """Follow the run until its view is as wanted."""
        view: RunView | None = None
        for view in self.client.follow(run, timeout=_PATIENCE):
            if wanted(view):
                return view
        raise AssertionError(f"it never came to that; the run is now {view}")

    def until_over(self, run: str = "r1") -> RunView:
        """Follow the run until nobody performs it any more, and its process is gone."""
        self.until(lambda seen: seen.state in OVER, run)
        self.wait_for_runner(run)
        return self.client.view(run)

    def runner_pid(self, run: str = "r1") -> int:
        """The process that performs the run, or did."""
        journal = open_journal(CLUSTER, read_only=True)
        try:
            runner = RunHistory.read(journal, run).runner
        finally:
            journal.close()
        assert runner is not None
        return runner.pid

    def wait_for_runner(self, run: str = "r1") -> None:
        """Wait until the runner's process has ended."""
        try:
            descriptor = os.pidfd_open(self.runner_pid(run))
        except ProcessLookupError:
            return
        try:
            ready, _, _ = select.select([descriptor], [], [], _PATIENCE)
            assert ready, "the runner never ended"
        finally:
            os.close(descriptor)

    def chain(self, run: str = "r1", *, step: str | None = None) -> list[str]:
        """The operations on record: `STEP OPERATION ...` for an intent, `STEP OPERATION STATE` for an outcome."""
        journal = open_journal(CLUSTER, read_only=True)
        try:
            entries = [record.entry for record in journal.records(run) if record.entry.operation]
        finally:
            journal.close()
        return [
            f"{e.step} {e.operation} {'...' if e.phase == INTENT else e.state}"
            for e in entries
            if step in (None, e.step)
        ]

    def states(self, run: str = "r1") -> dict[str, str]:
        """Step id → state."""
        return {step.planned.id: step.state.value for step in self.client.view(run).steps}

    def close(self) -> None:
        """Let go of the journal."""
        self.client.close()
