"""The client of a lab that runs in a process of its own (`python -m tui.lab.serve`)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, Field

from tui.remote.secrets import Secrets

READY_SECONDS = 45.0
_ANSWER_SECONDS = 20.0


class LabControlError(Exception):
    """The lab did not start, refused an order, or has gone."""


class ReadyLab(BaseModel):
    """What a served lab says of itself once, over a pipe to its parent: the line holds secrets and is never written down."""

    cluster_file: Path
    known_hosts: Path
    known_certificates: Path
    control: Path
    ca_file: Path
    pid: int
    addresses: dict[str, tuple[str, int]]
    systems: dict[str, tuple[str, str]]
    """Each host's operating system and transport."""
    user: str
    secrets: Secrets
    canaries: list[str] = Field(repr=False)


class LabControl:
    """Orders to a served lab. `start` begins one; another process may attach to a `control` path."""

    def __init__(
        self,
        control: Path,
        ready: ReadyLab | None = None,
        owner: int | None = None,
        process: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.control = control
        self._ready = ready
        self._owner = owner
        self._process = process

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        names: Sequence[str] = ("fir", "oak", "elm"),
        configured: Sequence[str] = ("fir",),
        kinds: Mapping[str, str] | None = None,
        speed: float = 1.0,
        settle_seconds: float | None = None,
        linger: float = 600.0,
    ) -> LabControl:
        """Start a lab below `directory` in a session of its own and wait until it is ready.

        `kinds`: the hosts that are no Linux hosts, and what they are (tui.lab.windows.furnishing.KINDS). When this process has gone, the lab ends once nobody was connected for `linger` seconds. Raises LabControlError.
        """
        reading, writing = os.pipe()
        arguments = [
            "--json",
            "--names",
            ",".join(names),
            "--configured",
            ",".join(configured),
            "--speed",
            f"{speed:g}",
        ]
        arguments += ["--linger", f"{linger:g}"]
        if kinds:
            arguments += ["--kinds", ",".join(f"{name}={kind}" for name, kind in kinds.items())]
        if settle_seconds is not None:
            arguments += ["--settle", f"{settle_seconds:g}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "tui.lab.serve", str(directory), *arguments],
            stdin=reading,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reading)
        try:
            ready = ReadyLab.model_validate(_first_line(process))
        except BaseException:
            os.close(writing)
            process.terminate()
            process.wait()
            raise
        return cls(ready.control, ready, writing, process)

    @property
    def ready(self) -> ReadyLab:
        """What the lab said when it was ready. Raises LabControlError when it was started by somebody else."""
        if self._ready is None:
            raise LabControlError("only the process that started the lab knows its secrets")
        return self._ready

    def faults(self) -> list[tuple[str, str]]:
        """Every fault's name and one sentence of what it does."""
        return [(str(name), str(sentence)) for name, sentence in self._ask({"do": "faults"})["faults"]]

    def set(self, fault: str, host: str | None = None, on: bool = True, **options: int) -> None:
        """Switch a fault on or off, on one host or (None) everywhere it applies. Raises LabControlError."""
        self._ask({"do": "fault", "name": fault, "host": host, "on": on, **options})

    def active_faults(self) -> list[tuple[str, str | None]]:
        """The faults that are on."""
        return [(str(name), host) for name, host in self._ask({"do": "status"})["active"]]

    def accepted(self) -> dict[str, int]:
        """How many agents of each host the tenant's hub has accepted."""
        return {str(name): int(count) for name, count in self._ask({"do": "status"})["accepted"].items()}

    def least_connected(self, since: float = 0.0) -> int:
        """The fewest accepted agents at any moment since then (seconds since the epoch)."""
        return int(self._ask({"do": "status", "since": since})["least_connected"])

    def stop(self) -> None:
        """End the lab; no error when it has gone already."""
        with contextlib.suppress(LabControlError):
            self._ask({"do": "stop"})
        self.release()
        if self._process is not None:
            try:
                self._process.wait(_ANSWER_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def wait(self) -> None:
        """Return when the lab has ended, for whatever reason. Raises LabControlError when another process started it."""
        if self._process is None:
            raise LabControlError("only the process that started the lab can wait for its end")
        self._process.wait()

    def release(self) -> None:
        """Give the lab up without ending it: it ends by itself when nobody uses it any more."""
        owner, self._owner = self._owner, None
        if owner is not None:
            os.close(owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask(self, order: Mapping[str, object]) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(_ANSWER_SECONDS)
                connection.connect(str(self.control))
                connection.sendall(json.dumps(order).encode() + b"\n")
                with connection.makefile("rb") as file:
                    answer: dict[str, Any] = json.loads(file.readline())
        except (OSError, ValueError) as error:
            raise LabControlError(f"the lab does not answer: {error}") from None
        if "error" in answer:
            raise LabControlError(str(answer["error"]))
        return answer


def _first_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    with process.stdout as output:
        ready, _, _ = select.select([output], [], [], READY_SECONDS)
        line = output.readline() if ready else b""
    try:
        answer: dict[str, Any] = json.loads(line)
    except ValueError:
        raise LabControlError("the lab did not start") from None
    if "error" in answer:
        raise LabControlError(str(answer["error"]))
    return answer
