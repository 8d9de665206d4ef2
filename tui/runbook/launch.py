"""Starting the runner: a process of its own that outlives this one, with the order handed over through a pipe."""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import SecretBytes, SecretStr

import tui
from tui.cluster_file import load_cluster
from tui.errors import OperatorError
from tui.logs import RUNNER_ERRORS, log_dir
from tui.runbook.control import error_from_parts
from tui.runbook.order import RunOrder

PROCEDURE = "tui.runbook.procedure:build_procedure"
"""What builds the procedure: `module:function`, called with the order and the journal."""

_BEGIN_SECONDS = 60.0


class RunnerNotStarted(OperatorError):
    """The runner ended, or said nothing, before it had recorded itself in the journal."""


def new_run_id(now: datetime | None = None) -> str:
    """A fresh run id that sorts by time: `20261123-045027-1f3a` (UTC)."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def start_run(order: RunOrder, *, procedure: str = PROCEDURE) -> None:
    """Start a detached runner for `order` and return when the journal shows it.

    The order is written to the runner's standard input and nowhere else. Raises RunnerNotStarted, or what the runner told:
    RunBusy, JournalDamaged (see `set_aside`), JournalUnavailable, or a plain OperatorError.
    """
    resolved = order.model_copy(
        update={"cluster_file": order.cluster_file.resolve(), "identity_file": order.identity_file.absolute()}
    )
    errors = log_dir(load_cluster(resolved.cluster_file).name) / RUNNER_ERRORS
    process = _spawn(procedure, errors)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout as told:
        try:
            with process.stdin as pipe:
                pipe.write(order_document(resolved))
        except BrokenPipeError:
            pass
        line = _first_line(told, _BEGIN_SECONDS)
    if line is None:
        process.kill()
    threading.Thread(target=process.wait, name="reap-runner", daemon=True).start()
    if not line:
        raise RunnerNotStarted(
            "the run could not be started",
            tried="start the runner process" if line is None else f"start the runner process; see {errors}",
            meaning="no host was touched",
            remedy="try again; if it happens again, send the support bundle",
        )
    reply = json.loads(line)
    if not reply.get("ok"):
        raise error_from_parts(reply.get("error"))


def order_document(order: RunOrder) -> bytes:
    """The order as JSON with its secrets in clear: for the runner's pipe only."""
    return json.dumps(_plain(order.model_dump(mode="python"))).encode()


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, SecretBytes):
        return value.get_secret_value().decode()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _spawn(procedure: str, errors: Path) -> subprocess.Popen[bytes]:
    root = str(Path(tui.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, inherited] if inherited else [root])}
    descriptor = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.runbook.runner", "--procedure", procedure],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=descriptor,
            cwd="/",
            env=environment,
            start_new_session=True,
            close_fds=True,
            umask=0o077,
        )
    finally:
        os.close(descriptor)


def _first_line(told: IO[bytes], seconds: float) -> bytes | None:
    """What the runner says first; b"" when it ended without a word, None when it said nothing in time."""
    until = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([told], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return None
        piece = os.read(told.fileno(), 65536)
        if not piece:
            return b""
        line += piece
    return line
