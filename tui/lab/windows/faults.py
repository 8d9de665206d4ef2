"""The faults of a Windows host, each with the mechanism by which it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.lab.windows.host import WindowsLabHost

CLOCK_OFF = 7.0
SLOW = 0.15
_DENY_OPERATOR = "(D;OICI;0xd0156;;;BA)"
"""Writing, adding and deleting, changing the ACL and taking ownership."""
_HELD = ("config.json", "lib\\profileMapper.js")


def _clock(host: WindowsLabHost, on: bool) -> None:
    if on:
        host.clock_file.write_text(f"{CLOCK_OFF}", encoding="ascii")
    else:
        host.clock_file.unlink(missing_ok=True)


def _host_down(host: WindowsLabHost, on: bool) -> None:
    if on:
        host.power_off()
    elif not host.powered:
        host.boot()


def _service_masked(host: WindowsLabHost, on: bool) -> None:
    host.services.set_start_mode(host.connector_unit, "Disabled" if on else "Auto")


def _stray_environment(host: WindowsLabHost, on: bool) -> None:
    environment = host.services.service(host.connector_unit).environment
    if on:
        environment["PORT"] = "4001"
    else:
        environment.pop("PORT", None)


def _disk_full(host: WindowsLabHost, on: bool) -> None:
    host.tree.full = on


def _read_only(host: WindowsLabHost, on: bool) -> None:
    host.tree.read_only = on


def _slow(host: WindowsLabHost, on: bool) -> None:
    host.wsman.delay = SLOW if on else 0.0
    if host.ssh:
        host.ssh.server.link.delay = host.wsman.delay


def _access_denied(host: WindowsLabHost, on: bool) -> None:
    descriptor = str(host.tree.descriptor(host.real_install)).replace(_DENY_OPERATOR, "")
    if on:
        head, control, aces = descriptor.partition("(")
        descriptor = f"{head}{_DENY_OPERATOR}{control}{aces}"
    host.tree.set_acl(host.install_dir, descriptor)


def _locked_file(host: WindowsLabHost, on: bool) -> None:
    for relative in _HELD:
        path = f"{host.install_dir}\\{relative}"
        if on:
            host.tree.hold(path, "r")
        else:
            host.tree.let_go(path)


def _stop_pending(host: WindowsLabHost, on: bool) -> None:
    for service in (host.connector_unit, host.admin_unit):
        host.services.set_stuck(service, on)


def _quota(host: WindowsLabHost, on: bool) -> None:
    host.wsman.shells.max_shells = 0 if on else 30


def _constrained_language(host: WindowsLabHost, on: bool) -> None:
    host.constrained = on


def _mid_receive(host: WindowsLabHost, on: bool) -> None:
    host.wsman.cut_receive_after(0 if on else None)


_OF_WINRM = ("quota", "mid_receive")
_FAULTS: dict[str, Callable[[WindowsLabHost, bool], None]] = {
    "clock": _clock,
    "host_down": _host_down,
    "service_masked": _service_masked,
    "stray_environment": _stray_environment,
    "disk_full": _disk_full,
    "read_only": _read_only,
    "slow": _slow,
    "access_denied": _access_denied,
    "locked_file": _locked_file,
    "stop_pending": _stop_pending,
    "mid_receive": _mid_receive,
    "quota": _quota,
    "constrained_language": _constrained_language,
}


def switch(host: WindowsLabHost, name: str, on: bool, after: int) -> bool:
    """Switch a fault on or off; False when it does not fit how the host is reached. `after`: for link_cut, in bytes."""
    if name == "link_cut" and host.ssh:
        host.ssh.server.link.cut_after(after if on else None, host.ssh.server.cut)
        return True
    if name not in _FAULTS or (host.ssh and name in _OF_WINRM):
        return False
    _FAULTS[name](host, on)
    return True
