"""Faults that can be switched on in a lab, each with the mechanism by which it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.lab.host import can_mount
from tui.lab.instance_faults import INSTANCE_FAULTS, old_certificate
from tui.lab.standin.certificates import generate_pair, thumbprint
from tui.lab.tools import (
    remove_clock_tool,
    remove_full_disk_tools,
    remove_tools,
    write_clock_tool,
    write_full_disk_tools,
    write_tool,
)

if TYPE_CHECKING:
    from tui.lab.host import LabHost
    from tui.lab.lab import Lab

CLOCK_OFF = 7.0
CUT_AFTER = 20_000
SLOW = 0.15

FAULTS: dict[str, str] = {
    "clock": "the host's clock is 7 s ahead: whatever tells the time there, and the connector, see it",
    "clock_drifts": "the host's clock runs away, by 0.3 s in every second; from 5 s on the connector dies of it",
    "host_down": "the host is switched off: its services are killed and its port is closed",
    "host_hangs": "the host takes SSH connections and answers nothing any more (Linux)",
    "service_masked": "the connector's service cannot be started (masked; on Windows disabled); a running one goes on",
    "disk_full": "no space is left on the host's disk: what is written into its tree fails",
    "read_only": "the host's tree cannot be written to (mounted read-only; on Windows write-protected)",
    "link_cut": "the SSH connection is cut once, after 20,000 more bytes",
    "slow": "every SSH packet takes 150 ms longer each way, every answer over WinRM 150 ms longer",
    "sftp_off": "the SSH server has no SFTP subsystem",
    "forwarding_off": "the SSH server forbids forwarding",
    "log_silent": "the host's journal cannot be read (Linux)",
    "restart_on_failure": "the connector's unit has Restart=on-failure, which does not restart what ends with 0 (Linux)",
    "stray_environment": "the connector's service sets PORT in its environment, over what config.json says",
    "program_broken": "the connector's program is gone, as after an update that was broken off: it dies at every start",
    "bad_decrypt": "cert.key has lost its CRLF line ends: started again, the connector cannot decrypt its password",
    "other_key": "cert.key belongs to another certificate, and the password is encrypted with it",
    "own_certificate": "key and certificate are gone: started again, the connector makes its own and publishes it",
    "flapping": "the tenant drops this host's agent again and again, a moment after it was accepted",
    "noisy_shell": "the login shell prints a greeting on both outputs before every command",
    "wrong_sudo": "sudo expects another password than the lab's secrets say",
    "access_denied": "the install directory's ACL lets the login account change nothing (Windows)",
    "locked_file": "another process holds config.json and the profile mapper open and lets nobody replace them (Windows)",
    "stop_pending": "a service that is stopped hangs in StopPending until this is over (Windows)",
    "mid_receive": "the WinRM connection is cut once, in the middle of the next answer",
    "quota": "WinRM lets nobody open a shell: too many are open",
    "constrained_language": "PowerShell is in Constrained Language Mode (Windows)",
    "hub_down": "the tenant drops every agent and lets none in",
    "auth0_down": "the tenant cannot be reached at all",
    "other_certificate": "an instance elsewhere keeps publishing its own certificate at the tenant",
    "old_certificate": "the cluster's certificate has ten days left",
    "wrong_bind_password": "the directory expects another password of the connector; open binds stay bound",
    "ldap_down": "the directory is switched off and drops its connections",
}

OF_HOSTS = (
    "clock", "clock_drifts", "host_down", "host_hangs", "log_silent", "restart_on_failure", "stray_environment",
    "program_broken", "bad_decrypt", "other_key", "own_certificate", "flapping", "service_masked", "disk_full", "read_only", "link_cut", "slow", "sftp_off", "forwarding_off",
    "noisy_shell", "wrong_sudo", "access_denied", "locked_file", "stop_pending", "mid_receive", "quota",
    "constrained_language",
)  # fmt: skip
"""Those that concern one host; the others concern tenant or directory."""


class FaultError(Exception):
    """There is no such fault, no such host, or this machine cannot make it."""


def set_fault(lab: Lab, name: str, host: str | None, on: bool, after: int) -> list[str]:
    """Switch one fault, of every host that can have it when `host` is None; returns the hosts concerned. Raises FaultError."""
    if name not in FAULTS:
        raise FaultError(f"there is no fault called {name}; there are {', '.join(FAULTS)}")
    if name not in OF_HOSTS:
        _LAB_FAULTS[name](lab, on)
        return []
    concerned = []
    for each in [host] if host else lab.machines:
        if _switch(lab, name, each, on, after):
            concerned.append(each)
        elif host:
            machine = lab.machines[host]
            raise FaultError(f"{host} ({machine.os}, {machine.transport}) cannot have the fault {name}")
    if not concerned:
        raise FaultError(f"no host of this lab can have the fault {name}")
    return concerned


def _switch(lab: Lab, name: str, host: str, on: bool, after: int) -> bool:
    """Switch a fault of one host; False when it does not fit the host's system or transport."""
    if name in INSTANCE_FAULTS:
        INSTANCE_FAULTS[name](lab, lab.machines[host], on)
        if name == "clock_drifts" and host in lab.hosts:
            (write_clock_tool if on else remove_clock_tool)(lab.hosts[host].tools)
        return True
    windows = lab.windows.get(host)
    if windows is not None:
        from tui.lab.windows.faults import switch

        return switch(windows, name, on, after)
    linux = lab.hosts[host]
    if name == "link_cut":
        linux.server.link.cut_after(after if on else None, linux.server.cut)
    elif name in _HOST_FAULTS:
        _HOST_FAULTS[name](linux, on)
    return name == "link_cut" or name in _HOST_FAULTS


def _clock(host: LabHost, on: bool) -> None:
    if on:
        host.clock_file.write_text(f"{CLOCK_OFF:+g}", encoding="ascii")
        write_clock_tool(host.tools)
    else:
        remove_clock_tool(host.tools)
        host.clock_file.unlink(missing_ok=True)


def _host_down(host: LabHost, on: bool) -> None:
    if on:
        host.power_off()
    elif not host.powered:
        host.boot()


def _host_hangs(host: LabHost, on: bool) -> None:
    (host.server.link.flows.clear if on else host.server.link.flows.set)()


def _log_silent(host: LabHost, on: bool) -> None:
    if on:
        write_tool(host.tools.faults / "journalctl", "echo 'Failed to open files: Input/output error' >&2; exit 1")
    else:
        remove_tools(host.tools, "journalctl")


def _restart_on_failure(host: LabHost, on: bool) -> None:
    words = ("Restart=always", "Restart=on-failure")
    _edit_unit(host, *(words if on else reversed(words)))


def _stray_environment(host: LabHost, on: bool) -> None:
    words = ("[Service]\n", "[Service]\nEnvironment=PORT=4001\n")
    _edit_unit(host, *(words if on else reversed(words)))


def _edit_unit(host: LabHost, old: str, new: str) -> None:
    path = host.services.unit(host.connector_unit).file.path
    text = path.read_text(encoding="utf-8")
    if new not in text or new in old:
        path.write_text(text.replace(old, new), encoding="utf-8")
    host.services.reload()


def _service_masked(host: LabHost, on: bool) -> None:
    host.services.set_masked(host.connector_unit, on)


def _disk_full(host: LabHost, on: bool) -> None:
    (write_full_disk_tools if on else remove_full_disk_tools)(host.tools)


def _read_only(host: LabHost, on: bool) -> None:
    if on and not can_mount(host.root):
        raise FaultError("this machine lets nobody make a mount namespace, so read_only cannot be shown here")
    host.read_only = on


def _slow(host: LabHost, on: bool) -> None:
    host.server.link.delay = SLOW if on else 0.0


def _sftp_off(host: LabHost, on: bool) -> None:
    host.login.sftp = not on


def _forwarding_off(host: LabHost, on: bool) -> None:
    host.login.forwarding = not on


def _noisy_shell(host: LabHost, on: bool) -> None:
    host.noisy = on


def _wrong_sudo(host: LabHost, on: bool) -> None:
    host.change_sudo_password("changed since then" if on else None)


def _hub_down(lab: Lab, on: bool) -> None:
    lab.tenant.switch_hub(not on)


def _auth0_down(lab: Lab, on: bool) -> None:
    lab.tenant.switch(not on)


def _other_certificate(lab: Lab, on: bool) -> None:
    lab.tenant.publish_foreign(thumbprint(generate_pair("elsewhere")[0]) if on else None)


def _wrong_bind_password(lab: Lab, on: bool) -> None:
    lab.directory.password = "changed since then" if on else lab.bind_password


def _ldap_down(lab: Lab, on: bool) -> None:
    lab.directory.switch(not on)


_HOST_FAULTS: dict[str, Callable[[LabHost, bool], None]] = {
    "clock": _clock,
    "host_down": _host_down,
    "host_hangs": _host_hangs,
    "log_silent": _log_silent,
    "restart_on_failure": _restart_on_failure,
    "stray_environment": _stray_environment,
    "service_masked": _service_masked,
    "disk_full": _disk_full,
    "read_only": _read_only,
    "slow": _slow,
    "sftp_off": _sftp_off,
    "forwarding_off": _forwarding_off,
    "noisy_shell": _noisy_shell,
    "wrong_sudo": _wrong_sudo,
}
_LAB_FAULTS: dict[str, Callable[[Lab, bool], None]] = {
    "hub_down": _hub_down,
    "auth0_down": _auth0_down,
    "other_certificate": _other_certificate,
    "old_certificate": old_certificate,
    "wrong_bind_password": _wrong_bind_password,
    "ldap_down": _ldap_down,
}
