"""Run a lab in a process of its own: `python -m tui.lab.serve DIRECTORY [--json]`.

Standard input is the owner: while it stays open the lab stays. The first line on standard output says where everything is;
with --json it also holds the lab's secrets, for the parent that reads the pipe. Orders come as JSON lines over a 0600 Unix
socket: `faults`, `fault`, `status`, `stop`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.lab.faults import CUT_AFTER, FaultError
from tui.lab.lab import Lab, LabError
from tui.lab.sockets import socket_folder
from tui.lab.windows.furnishing import KINDS
from tui.remote.secrets import HostSecrets

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Service:
    """A lab with its control socket."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.path = folder / "control"
        self.ended = threading.Event()
        self._used = time.monotonic()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self.path.chmod(0o600)
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def wait(self, linger: float) -> None:
        """Return when told to stop, or when the owner has gone and nobody was connected for `linger` seconds."""
        gone = threading.Event()
        threading.Thread(target=_watch_owner, args=(gone,), daemon=True).start()
        while not self.ended.wait(min(1.0, max(linger / 5, 0.05))):
            if not gone.is_set() or any(machine.connections for machine in self.lab.machines.values()):
                self._used = time.monotonic()
            elif time.monotonic() - self._used > linger:
                return

    def close(self) -> None:
        """Take no more orders."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as file:
            for line in file:
                self._used = time.monotonic()
                connection.sendall(json.dumps(self.obey(json.loads(line))).encode() + b"\n")

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do what an order says; the answer, or `{"error"}`."""
        orders: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "faults": lambda _: {"faults": list(self.lab.faults.items())},
            "fault": self._fault,
            "status": self._status,
            "stop": self._stop,
        }
        action = orders.get(str(order.get("do")))
        if action is None:
            return {"error": f"there is no such order; there are {', '.join(orders)}"}
        try:
            return action(order)
        except (FaultError, OSError, KeyError) as error:
            return {"error": str(error)}

    def _fault(self, order: dict[str, Any]) -> dict[str, Any]:
        after = int(order.get("after", CUT_AFTER))
        self.lab.fault(str(order["name"]), order.get("host"), bool(order.get("on", True)), after=after)
        return {"active": self.lab.active_faults()}

    def _status(self, order: dict[str, Any]) -> dict[str, Any]:
        return {
            "accepted": self.lab.tenant.accepted(),
            "active": self.lab.active_faults(),
            "least_connected": self.lab.tenant.least_connected(float(order.get("since", 0.0))),
        }

    def _stop(self, _: dict[str, Any]) -> dict[str, Any]:
        threading.Timer(0.05, self.ended.set).start()
        return {}


def _watch_owner(gone: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    gone.set()


def _description(lab: Lab, control: Path, settle: float | None) -> dict[str, Any]:
    cluster_file, known_hosts = lab.path / "lab.toml", lab.path / "known_hosts"
    known_certificates = lab.path / "known_certificates"
    for path, text in (
        (cluster_file, lab.cluster_document(settle_seconds=settle)),
        (known_hosts, lab.known_hosts_text()),
        (known_certificates, lab.known_certificates_text()),
    ):
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    secrets = lab.secrets()
    return {
        "cluster_file": str(cluster_file),
        "known_hosts": str(known_hosts),
        "known_certificates": str(known_certificates),
        "control": str(control),
        "ca_file": str(lab.authority.certificate_file),
        "pid": os.getpid(),
        "addresses": {name: (machine.address, machine.port) for name, machine in lab.machines.items()},
        "systems": {name: (machine.os, machine.transport) for name, machine in lab.machines.items()},
        "user": next(iter(lab.machines.values())).user,
        "secrets": {
            "hosts": {name: _in_clear(machine.host_secrets()) for name, machine in lab.machines.items()},
            "vault": {"passphrase": lab.vault_passphrase},
            "tenant": {"client_secret": _clear(secrets.tenant.client_secret)},
        },
        "canaries": lab.canaries(),
    }


def _in_clear(secrets: HostSecrets) -> dict[str, str]:
    found = ((name, _clear(getattr(secrets, name))) for name in type(secrets).model_fields)
    return {name: text for name, text in found if text is not None}


def _clear(secret: Any) -> str | None:
    return str(secret.get_secret_value()) if secret else None


def _say(document: dict[str, Any], as_json: bool) -> None:
    if not as_json:
        shown = (
            "cluster_file",
            "known_hosts",
            "known_certificates",
            "control",
            "addresses",
            "systems",
            "user",
            "error",
        )
        document = {name: document[name] for name in shown if name in document}
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _leave(*_: object) -> None:
    """What a signal does while the lab is being made: it is taken down again as it stands."""
    raise SystemExit(0)


def main(arguments: list[str] | None = None) -> int:
    """Serve a lab until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tui.lab.serve", description="Run embedded hosts for demo and tests."
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--json", action="store_true", help="the first line also holds the lab's secrets")
    parser.add_argument("--names", default="fir,oak,elm")
    parser.add_argument("--configured", default="fir")
    parser.add_argument(
        "--kinds", default="", help=f"NAME=KIND,… with KIND one of {', '.join(KINDS)}; the others are Linux hosts"
    )
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--settle", type=float, default=None, help="settle_seconds of the cluster file")
    parser.add_argument("--linger", type=float, default=600.0, help="seconds without owner and clients until it ends")
    asked = parser.parse_args(arguments)
    for number in _SIGNALS:
        signal.signal(number, _leave)
    asked.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pairs = [pair.partition("=") for pair in asked.kinds.split(",") if pair]
    try:
        with (
            socket_folder(asked.directory / "serve", ("control",)) as folder,
            Lab(
                asked.directory,
                asked.names.split(","),
                asked.configured.split(","),
                speed=asked.speed,
                furnishings={name: KINDS[kind] for name, _, kind in pairs},
            ) as lab,
        ):
            service = Service(lab, folder)
            for number in _SIGNALS:
                signal.signal(number, lambda *_: service.ended.set())
            _say(_description(lab, service.path, asked.settle), asked.json)
            if asked.json:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            service.wait(asked.linger)
            service.close()
    except (LabError, OSError, KeyError) as error:
        _say({"error": str(error)}, asked.json)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
