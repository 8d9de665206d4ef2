"""What the whole procedure costs over real OpenSSH on loopback: the lab's hosts, each behind an sshd of its own.

Every host has an address of its own in 127.0.0.0/8. sshd and the client's way to it are real; a forced command runs what
arrives with the lab host's tools in front, so systemd and node stand in (see `tui.lab.lab`).
The login is root's: what sudo costs, `procedure` shows. The console cannot be reached
through a forward, as all hosts share this machine's 127.0.0.1, so the troubleshooter is run directly. Everything shares this
machine's cores: wall time is an upper bound, CPU time the program's own, round trips are what a slow link multiplies.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote

from tests.bench.procedure import PARALLEL, SETTLE_SECONDS, SIZES, Cost, measured
from tests.bench.table import Table
from tests.lab.cheap_identity import write_cheap_identity
from tests.system.jump_box import JumpBox
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.remote.secrets_input import dump_secrets

_SSHD = Path("/usr/sbin/sshd")
_UP_SECONDS = 10.0


def _forced(host: LabHost, folder: Path) -> Path:
    """The command that sshd runs whatever is asked: the request, in the lab host's environment."""
    _, home, environment = host.command("true")
    assert isinstance(environment, dict)
    given = " ".join(f"{name}={quote(value)}" for name, value in {**environment, "LAB_AS": "root"}.items())
    script = folder / f"{host.name}.sh"
    script.write_text(
        f'#!/bin/sh\ncd {quote(home)} || exit 1\nexec env -i {given} /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    script.chmod(0o755)
    return script


@contextmanager
def _behind_openssh(host: LabHost, folder: Path, key: Path) -> Iterator[str]:
    """A real sshd where the lab's own server was; yields its known_hosts line."""
    host.server.close()
    host_key = folder / f"{host.name}_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host_key)], check=True)
    keys = folder / f"{host.name}_authorized"
    keys.write_text(
        subprocess.run(["ssh-keygen", "-y", "-f", str(key)], check=True, capture_output=True, text=True).stdout
    )
    settings = {
        "Port": host.port,
        "ListenAddress": host.address,
        "HostKey": host_key,
        "AuthorizedKeysFile": keys,
        "StrictModes": "no",
        "PermitRootLogin": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "UsePAM": "no",
        "PrintMotd": "no",
        "PidFile": "none",
        "ForceCommand": _forced(host, folder),
        "MaxStartups": "100",
    }
    config = folder / f"{host.name}_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with (folder / f"{host.name}.log").open("wb") as log:
        process = subprocess.Popen([_SSHD, "-D", "-e", "-f", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _await_listening(host, process, folder / f"{host.name}.log")
        kind, blob = host_key.with_suffix(".pub").read_text().split()[:2]
        yield f"[{host.address}]:{host.port} {kind} {blob}\n"
    finally:
        process.terminate()
        process.wait()


def _await_listening(host: LabHost, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _UP_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((host.address, host.port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"sshd of {host.name} does not listen: {log.read_text()}")


def measure(additional: int) -> Cost:
    """Make a lab with so many additional hosts behind real sshds, and perform the procedure once."""
    names = ("first", *(f"host{number:02}" for number in range(1, additional + 1)))
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        folder = Path(directory)
        lab = stack.enter_context(Lab(folder / "lab", names=names, configured=names[:1], speed=20))
        hosts = list(lab.hosts.values())
        known = [stack.enter_context(_behind_openssh(host, folder, lab.client_key)) for host in hosts]
        jump_box = JumpBox(folder / "home")
        jump_box.know("".join(known))
        recipient = write_cheap_identity(
            jump_box.home / ".local/share/adldap-ha/vault/identity.age", lab.vault_passphrase
        )
        text = lab.cluster_document("forest", settle_seconds=SETTLE_SECONDS)
        login = f'user = "root"\nidentity = "{lab.client_key}"'
        text = text.replace(f'user = "{hosts[0].user}"', login).replace("[run]\n", f"[run]\nparallel = {PARALLEL}\n")
        jump_box.write_cluster("forest", f'{text}\n[vault]\nrecipients = ["{recipient}"]\n')
        jump_box.secrets = dump_secrets(lab.secrets()).decode()
        return measured(jump_box, additional)


def run() -> None:
    """Print the table, a row at a time."""
    if os.geteuid() or not _SSHD.exists():
        print("\nOver OpenSSH on loopback: not measured, it takes root and an installed sshd")
        return
    table = Table(
        f"Over OpenSSH on loopback, settle time {SETTLE_SECONDS:.0f} s, {PARALLEL} hosts at a time, {os.cpu_count()} cores",
        ("additional hosts", "look", "run", "CPU command", "CPU runner", "round trips look", "round trips run"),
        first=0,
    )
    for additional in SIZES:
        cost = measure(additional)
        times = (cost.look, cost.run, cost.front_cpu, cost.runner_cpu)
        trips = (cost.look_trips, cost.run_trips)
        table.row(str(additional), *(f"{value:.1f} s" for value in times), *(f"{value:.0f}" for value in trips))
