"""The environment that a connector's unit gives to its process, for running the connector's node in the same way."""

from __future__ import annotations

import re
import shlex

from tui.connector.model import Install
from tui.connector.scripts import load
from tui.connector.services import environment_pairs, first, parse_show
from tui.remote.session import ROOT, Session

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OWN = frozenset(
    ("INVOCATION_ID", "JOURNAL_STREAM", "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "MAINPID", "PWD", "OLDPWD", "SHLVL", "_")
)
"""Variables that belong to the running process alone."""


class UnitEnvironment:
    """The variables of the connector's unit, asked for once. They may hold secrets: they travel on standard input only."""

    def __init__(self, session: Session, install: Install) -> None:
        self._session = session
        self._unit = install.connector_unit
        self._values: dict[str, str] | None = None

    def forget(self) -> None:
        """Ask again the next time."""
        self._values = None

    def values(self) -> dict[str, str]:
        """Name → value; of the running process, or else as the unit and its environment files say."""
        if self._values is None:
            answer = b""
            if self._unit:
                script = load("environment.sh")
                answer = self._session.run(script, [self._unit], user=ROOT, expect=None).stdout
            self._values = parse_environment(answer)
        return self._values


def parse_environment(output: bytes) -> dict[str, str]:
    """The output of environment.sh."""
    how, _, rest = output.partition(b"\n")
    if how.strip() == b"process":
        pairs = [pair.decode("utf-8", "surrogateescape") for pair in rest.split(b"\0")]
    else:
        pairs = _unit_pairs(rest.decode("utf-8", "surrogateescape"))
    found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {name: value for name, value in found.items() if _NAME.fullmatch(name) and name not in _OWN}


def _unit_pairs(text: str) -> list[str]:
    files = [line.removeprefix("File=") for line in text.splitlines() if line.startswith("File=")]
    shown = parse_show("\n".join(line for line in text.splitlines() if not line.startswith("File=")))
    pairs = environment_pairs(first(shown[0], "Environment")) if shown else []
    for line in files:
        assignment = line.strip().removeprefix("export ").strip()
        name, equals, value = assignment.partition("=")
        if not equals or not _NAME.fullmatch(name):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            words = [value]
        pairs.append(f"{name}={' '.join(words)}")
    return pairs


def as_input(values: dict[str, str]) -> bytes:
    """Variables as with_environment.sh reads them; one with a line end in its value cannot be told and is left out."""
    lines = [f"{name}={value}\n" for name, value in values.items() if "\n" not in value and "\r" not in value]
    return "".join(lines).encode("utf-8", "surrogateescape") + b"\n"
