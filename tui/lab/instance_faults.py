"""Faults of one connector instance, the same on Linux and Windows: its files are really changed, its process really restarted."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.lab.host import in_parallel
from tui.lab.standin.certificates import (
    certificate_for,
    decrypt_password,
    encrypt_password,
    generate_pair,
    thumbprint,
)

if TYPE_CHECKING:
    from tui.lab.lab import Lab
    from tui.lab.machine import LabMachine

DRIFT = 0.1
"""By how many seconds a clock that runs away does so in each second. No real clock is so bad: an hour in the field is seconds here."""

DAYS_LEFT = 10
_TICK = 0.1
_CERTIFICATE, _KEY, _CONFIG = "certs/cert.pem", "certs/cert.key", "config.json"


def _keep(host: LabMachine, fault: str, *paths: str) -> None:
    host.kept[fault] = {path: (host.real_install / path).read_bytes() for path in paths}


def _put_back(host: LabMachine, fault: str) -> bool:
    files = host.kept.pop(fault, {})
    for path, data in files.items():
        _write(host, path, data)
    return bool(files)


def _write(host: LabMachine, path: str, data: bytes) -> None:
    """In place where the file is there, so that owner, mode and ACL stay."""
    place = host.real_install / path
    with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), "wb") as file:
        file.write(data)


def _bad_decrypt(lab: Lab, host: LabMachine, on: bool) -> None:
    if on:
        _keep(host, "bad_decrypt", _KEY)
        _write(host, _KEY, host.kept["bad_decrypt"][_KEY].replace(b"\r\n", b"\n"))
        host.restart_connector()
    elif _put_back(host, "bad_decrypt"):
        host.restart_connector()


def _other_key(lab: Lab, host: LabMachine, on: bool) -> None:
    if not on:
        _put_back(host, "other_key")
        return
    _keep(host, "other_key", _KEY, _CONFIG)
    config = json.loads(host.kept["other_key"][_CONFIG].decode("utf-8-sig"))
    password = decrypt_password(config["LDAP_BIND_CREDENTIALS"], host.kept["other_key"][_KEY])
    _, key = generate_pair("elsewhere")
    config["LDAP_BIND_CREDENTIALS"] = encrypt_password(password, key)
    _write(host, _KEY, key)
    _write(host, _CONFIG, json.dumps(config, indent=2).encode() + b"\n")


def _own_certificate(lab: Lab, host: LabMachine, on: bool) -> None:
    if on:
        _keep(host, "own_certificate", _CERTIFICATE, _KEY, _CONFIG)
        for path in (_CERTIFICATE, _KEY):
            (host.real_install / path).unlink()
        host.restart_connector()
    elif _put_back(host, "own_certificate"):
        configured = [each for each in lab.machines.values() if (each.real_install / _CONFIG).exists()]
        in_parallel([each.restart_connector for each in configured])


def _program_broken(lab: Lab, host: LabMachine, on: bool) -> None:
    program, aside = host.real_install / "server.js", host.real_install / "server.js.half-written"
    if on and program.exists():
        program.rename(aside)
        host.kill_connector()
    elif not on and aside.exists():
        aside.rename(program)
        host.restart_connector()


def _flapping(lab: Lab, host: LabMachine, on: bool) -> None:
    if on:
        lab.tenant.hub.flapping.add(host.name)
        lab.tenant.hub.drop_of(host.name)
    else:
        lab.tenant.hub.flapping.discard(host.name)


def _clock_drifts(lab: Lab, host: LabMachine, on: bool) -> None:
    if host.drifting is not None:
        host.drifting.set()
        host.drifting = None
    if on:
        host.drifting = threading.Event()
        begun = threading.Event()
        threading.Thread(target=_run_away, args=(host, host.drifting, begun), daemon=True).start()
        begun.wait(5)
    else:
        host.clock_file.unlink(missing_ok=True)


def _run_away(host: LabMachine, over: threading.Event, begun: threading.Event) -> None:
    start, beside = time.monotonic(), host.clock_file.with_name("clock.next")
    with contextlib.suppress(OSError):
        while not over.is_set():
            beside.write_text(f"{DRIFT * (time.monotonic() - start):+.3f}", encoding="ascii")
            beside.replace(host.clock_file)
            begun.set()
            over.wait(_TICK)
    begun.set()


def old_certificate(lab: Lab, on: bool) -> None:
    """Give every configured host, and the tenant, a certificate of the same key that ends soon; or the first one back."""
    key = lab.set.files[_KEY]
    certificate = certificate_for(key, "old", days=DAYS_LEFT) if on else lab.set.files[_CERTIFICATE]
    for host in lab.machines.values():
        if (host.real_install / _CONFIG).exists():
            _write(host, _CERTIFICATE, certificate)
    lab.tenant.know(thumbprint(certificate))


INSTANCE_FAULTS: dict[str, Callable[[Lab, LabMachine, bool], None]] = {
    "bad_decrypt": _bad_decrypt,
    "other_key": _other_key,
    "own_certificate": _own_certificate,
    "program_broken": _program_broken,
    "flapping": _flapping,
    "clock_drifts": _clock_drifts,
}
